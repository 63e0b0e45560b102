import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PeerId } from '../../wire/peer.ts'
import { faultsOf } from './brute-force.fixtures.ts'
import { at, peerId, seededRandom, someIslands } from './fixtures.ts'

const PEERS = 30
// Rebalancing is off here, so that a second flush has nothing to do.
const rules = { joinDistance: 64, leaveDistance: 80, maxPeers: 7, rebalanceBudget: 0 }

const coordinate = fc.oneof(
  { weight: 30, arbitrary: fc.integer({ min: -20, max: 20 }).map((n) => n * 16) },
  fc.constant(Number.NaN),
)
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('upsert' as const), n: fc.nat(PEERS - 1), x: coordinate, z: coordinate }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), n: fc.nat(PEERS - 1) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('flush' as const) }) },
)

test('after every flush islands are complete, connected, merged where they fit, and within the limit', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 50, maxLength: 250 }), (steps) => {
      const islands = someIslands(rules)
      const present = new Set<PeerId>()
      const rooms = new Map<PeerId, string | undefined>()
      for (const action of [...steps, { do: 'flush' as const }]) {
        if (action.do === 'upsert') {
          islands.upsert(peerId(action.n), at(action.x, action.z))
          present.add(peerId(action.n))
        } else if (action.do === 'remove') {
          islands.remove(peerId(action.n))
          present.delete(peerId(action.n))
          rooms.delete(peerId(action.n))
        } else {
          const changed = islands.flush().changes
          expect(faultsOf(islands, [...present], rules)).toEqual([])
          const expected = [...present].filter((peer) => rooms.get(peer) !== islands.roomOf(peer))
          expect(changed.map(({ peer }) => peer).sort()).toEqual(expected.sort())
          for (const { peer, room } of changed) expect(room).toBe(islands.roomOf(peer))
          for (const peer of present) rooms.set(peer, islands.roomOf(peer))
          expect(islands.flush().changes).toEqual([])
        }
      }
    }),
    { numRuns: 300 },
  )
})

test('as long as all peers fit, the islands depend on positions only', () => {
  const spot = fc.record({ x: fc.integer({ min: 0, max: 600 }), z: fc.integer({ min: 0, max: 600 }) })
  fc.assert(
    fc.property(
      fc.array(spot, { minLength: 1, maxLength: 60 }).chain((spots) =>
        fc.tuple(
          fc.constant(spots),
          fc.shuffledSubarray(
            spots.map((_, n) => n),
            { minLength: spots.length },
          ),
        ),
      ),
      ([spots, order]) => {
        const together = (arrivals: readonly number[], perFlush: number) => {
          const islands = someIslands()
          for (const [i, n] of arrivals.entries()) {
            islands.upsert(peerId(n), at(spots[n]?.x ?? 0, spots[n]?.z))
            if (i % perFlush === 0) islands.flush()
          }
          islands.flush()
          return spots.map((_, n) => spots.findIndex((_, other) => islands.roomOf(peerId(other)) === islands.roomOf(peerId(n))))
        }
        expect(together(order, 7)).toEqual(
          together(
            spots.map((_, n) => n),
            1_000,
          ),
        )
      },
    ),
    { numRuns: 200 },
  )
})

describe('a walking crowd', () => {
  test.each([
    ['spread over the map', 1, 900],
    ['crowding a plaza', 2, 120],
  ])('%s keeps every rule, flush after flush', (_, seed, width) => {
    const random = seededRandom(seed)
    const islands = someIslands({ maxPeers: 40 })
    const walkers = Array.from({ length: 300 }, (_, n) => ({ peer: peerId(n), x: random() * width, z: random() * width }))
    for (let flush = 0; flush < 25; flush++) {
      for (const walker of walkers) {
        if (random() < 0.02) islands.remove(walker.peer)
        walker.x = random() < 0.02 ? random() * width : walker.x + (random() - 0.5) * 16
        walker.z += (random() - 0.5) * 16
        islands.upsert(walker.peer, at(walker.x, walker.z))
      }
      islands.flush()
      const faults = faultsOf(
        islands,
        walkers.map(({ peer }) => peer),
        { joinDistance: 64, leaveDistance: 80, maxPeers: 40 },
      )
      expect(faults).toEqual([])
    }
  })
})
