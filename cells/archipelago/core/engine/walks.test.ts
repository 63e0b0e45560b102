import { describe, expect, test } from 'vitest'
import type { PeerId } from '../../../wire/peer.ts'
import { faultsOf } from '../brute-force.fixtures.ts'
import { at, peerId, seededRandom } from '../fixtures.ts'
import { anEngine, MoveRecorder } from './fixtures.ts'

/** A different seed each time; WALKS_SEED repeats a run that failed. */
const SEED = Number(process.env.WALKS_SEED ?? Math.floor(Math.random() * 2 ** 31))

interface World {
  what: string
  peers: number
  /** Side of the map, in metres. */
  side: number
  maxPeers: number
  flushes: number
  rebalanceBudget: number
}

const WORLDS: World[] = [
  { what: 'a sparse world', peers: 40, side: 700, maxPeers: 100, flushes: 400, rebalanceBudget: 1 },
  { what: 'a world on the verge of being one crowd', peers: 60, side: 400, maxPeers: 12, flushes: 400, rebalanceBudget: 1 },
  { what: 'a crowd of many islands', peers: 90, side: 120, maxPeers: 7, flushes: 400, rebalanceBudget: 60 },
  { what: 'a crowd whose rooms hold two', peers: 50, side: 150, maxPeers: 2, flushes: 400, rebalanceBudget: 60 },
  { what: 'a crowd without rebalancing', peers: 90, side: 120, maxPeers: 7, flushes: 400, rebalanceBudget: 0 },
  { what: 'rooms for one', peers: 20, side: 60, maxPeers: 1, flushes: 50, rebalanceBudget: 1 },
]

describe('every flush of a walking crowd keeps every rule', () => {
  test.each(WORLDS)('$what', ({ peers, side, maxPeers, flushes, rebalanceBudget }) => {
    const rules = { joinDistance: 64, leaveDistance: 80, maxPeers, rebalanceBudget }
    const random = seededRandom(SEED)
    const spot = () => at(random() * side, random() * side)
    const islands = anEngine(rules)
    const recorder = new MoveRecorder()
    const where = new Map<PeerId, { x: number; z: number }>()
    for (let flush = 0; flush < flushes; flush++) {
      // Sometimes no peer moves, all peers leave, or a crowd appears at one position.
      const mood = random()
      for (let n = 0; n < peers; n++) {
        const peer = peerId(n)
        const chance = random()
        const { x, z } = where.get(peer) ?? spot()
        if (mood < 0.1) continue
        if (mood < 0.12 || chance < 0.03) {
          islands.remove(peer)
          where.delete(peer)
          recorder.rooms.delete(peer)
          continue
        }
        const jumps = chance < 0.06
        const to = mood < 0.15 ? at(5) : jumps ? spot() : at(x + (random() - 0.5) * 16, z + (random() - 0.5) * 16)
        if (chance > 0.995) to.x = Number.NaN
        where.set(peer, Number.isNaN(to.x) ? spot() : to)
        islands.upsert(peer, to, chance > 0.9 ? `I${Math.floor(random() * 40).toString(36)}` : undefined)
      }
      const present = [...where.keys()]
      const before = new Map(recorder.rooms)
      const moves = recorder.flush(islands)
      const context = `WALKS_SEED=${SEED}, flush ${flush}`
      expect(faultsOf(islands, present, rules), context).toEqual([])
      expect(Object.fromEntries(recorder.rooms), context).toEqual(
        Object.fromEntries(present.map((peer) => [peer, islands.roomOf(peer)])),
      )
      expect(moves, context).toBe(present.filter((peer) => before.get(peer) !== islands.roomOf(peer)).length)
    }
  })
})

describe('failures', () => {
  test('an engine that is replaced between two flushes moves only peers that its next flush would have moved', () => {
    const random = seededRandom(SEED)
    const rules = { joinDistance: 64, leaveDistance: 80, maxPeers: 10, rebalanceBudget: 0 }
    let counter = 0
    const nextId = () => `R${++counter}`
    let islands = anEngine({ ...rules, nextId })
    const recorder = new MoveRecorder()
    const walkers = Array.from({ length: 120 }, (_, n) => ({ peer: peerId(n), x: random() * 500, z: random() * 500 }))
    for (let flush = 0; flush < 200; flush++) {
      if (flush % 5 === 4) {
        islands = anEngine({ ...rules, nextId })
        for (const [peer, room] of recorder.rooms) islands.restore(peer, room)
        for (const { peer, x, z } of walkers) islands.upsert(peer, at(x, z))
        expect(islands.flush().changes, `WALKS_SEED=${SEED}, flush ${flush}`).toEqual([])
      }
      for (const walker of walkers) {
        walker.x += (random() - 0.5) * 16
        walker.z += (random() - 0.5) * 16
        islands.upsert(walker.peer, at(walker.x, walker.z))
      }
      recorder.flush(islands)
      expect(
        faultsOf(
          islands,
          walkers.map(({ peer }) => peer),
          rules,
        ),
        `WALKS_SEED=${SEED}, flush ${flush}`,
      ).toEqual([])
    }
  })
})
