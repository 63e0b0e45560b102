import { describe, expect, test } from 'vitest'
import { at, crowd, peerId, someIslands } from './fixtures.ts'
import type { Islands } from './islands.ts'

const [A, B, C] = [peerId(1), peerId(2), peerId(3)]
const rooms = (islands: Islands) => [...islands.all()].map(({ id, peers }) => [id, peers.length])
const movesOfFlush = (islands: Islands) => islands.flush().changes.length

describe('life cycle', () => {
  test('nothing happens before the flush, and the last position before it counts', () => {
    const islands = someIslands()
    islands.upsert(A, at(0))
    islands.upsert(B, at(0))
    islands.upsert(B, at(500))
    expect(islands.roomOf(A)).toBeUndefined()
    islands.flush()
    expect(islands.roomOf(A)).not.toBe(islands.roomOf(B))
  })

  test('a peer that arrives and leaves between two flushes has no effect', () => {
    const islands = someIslands()
    islands.upsert(A, at(0))
    islands.remove(A)
    expect(islands.flush().changes).toEqual([])
    islands.upsert(B, at(0))
    expect(islands.flush().changes).toEqual([{ peer: B, room: 'I1', cause: 'joined' }])
    expect(islands.peerCount).toBe(1)
  })

  test('a removal takes effect at once, may be repeated, and ends an empty island', () => {
    const islands = someIslands()
    islands.upsert(A, at(0))
    islands.flush()
    islands.remove(A)
    islands.remove(A)
    expect([islands.islandCount, islands.peerCount, islands.roomOf(A)]).toEqual([0, 0, undefined])
    expect(islands.membersOf('I1')).toEqual([])
    expect(islands.flush().changes).toEqual([])
  })

  test('the removal of the only connecting peer splits the island', () => {
    const islands = someIslands()
    for (const [peer, x] of [
      [A, 0],
      [B, 60],
      [C, 120],
    ] as const)
      islands.upsert(peer, at(x))
    islands.flush()
    islands.remove(B)
    expect(movesOfFlush(islands)).toBe(1)
    expect(islands.roomOf(A)).not.toBe(islands.roomOf(C))
  })

  test('a removal makes room for a neighbour that did not fit, although no peer moves', () => {
    const islands = someIslands({ maxPeers: 2 })
    for (const peer of [A, B, C]) islands.upsert(peer, at(0))
    islands.flush()
    expect(islands.islandCount).toBe(2)
    islands.remove(A)
    expect(movesOfFlush(islands)).toBe(1)
    expect(islands.roomOf(B)).toBe(islands.roomOf(C))
  })

  test('an id is never used again', () => {
    const islands = someIslands()
    for (const n of [1, 2, 3]) {
      islands.upsert(A, at(0))
      islands.flush()
      expect(islands.roomOf(A)).toBe(`I${n}`)
      islands.remove(A)
    }
  })

  test('there are no moves while no peer moves', () => {
    const islands = someIslands()
    crowd(islands, 0, 250, at(0))
    islands.flush()
    crowd(islands, 0, 250, at(0))
    expect(movesOfFlush(islands)).toBe(0)
  })
})

describe('the defects of the reference engine', () => {
  test('three groups of 60, 50 and 30 in a row do not flap', () => {
    const islands = someIslands()
    crowd(islands, 0, 60, at(0))
    islands.flush()
    crowd(islands, 100, 50, at(60))
    islands.flush()
    crowd(islands, 200, 30, at(120))
    islands.flush()
    for (let flush = 0; flush < 5; flush++) {
      for (const [first, count, x] of [
        [0, 60, 0],
        [100, 50, 60],
        [200, 30, 120],
      ] as const) {
        crowd(islands, first, count, at(x + (flush % 2) * 0.01))
      }
      expect(movesOfFlush(islands)).toBe(0)
    }
  })

  test('125 000 peers at one position are placed like any other crowd', () => {
    const islands = someIslands()
    crowd(islands, 0, 125_000, at(0))
    expect(movesOfFlush(islands)).toBe(125_000)
    expect(islands.islandCount).toBe(1_250)
  })

  test('a new peer spends no id on an island that lasts no longer than the flush', () => {
    const islands = someIslands()
    crowd(islands, 0, 50, at(0))
    islands.flush()
    islands.upsert(peerId(99), at(1000))
    islands.flush()
    expect(rooms(islands)).toEqual([
      ['I1', 50],
      ['I2', 1],
    ])
  })

  test('a crowd that arrives at once is placed the same way in any order of its heartbeats', () => {
    const spots = Array.from({ length: 500 }, (_, i) => at((i * 37) % 100, (i * 61) % 100))
    const packed = (order: number[]) => {
      const islands = someIslands()
      for (const n of order) islands.upsert(peerId(n), spots[n] ?? at(0))
      islands.flush()
      return spots.map((_, n) => islands.roomOf(peerId(n)))
    }
    const order = spots.map((_, n) => n)
    expect(packed(order.toReversed())).toEqual(packed(order))
  })
})
