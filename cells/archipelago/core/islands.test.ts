import { describe, expect, test } from 'vitest'
import { at, crowd, peerId, someIslands } from './fixtures.ts'
import type { Islands } from './islands.ts'

const [A, B, C] = [peerId(1), peerId(2), peerId(3)]
const rooms = (islands: Islands) => [...islands.all()].map(({ id, peers }) => [id, peers.length])
const movesOfFlush = (islands: Islands) => islands.flush().changes.length

describe('geometry', () => {
  test('peers 64 metres apart share an island, slightly farther they do not', () => {
    const islands = someIslands()
    islands.upsert(A, at(0))
    islands.upsert(B, at(64))
    islands.upsert(C, at(128.01))
    islands.flush()
    expect(islands.roomOf(A)).toBe(islands.roomOf(B))
    expect(islands.roomOf(C)).not.toBe(islands.roomOf(B))
  })

  test('height does not count', () => {
    const islands = someIslands()
    islands.upsert(A, at(0))
    islands.upsert(B, { x: 0, y: 500, z: 0 })
    islands.flush()
    expect(islands.islandCount).toBe(1)
  })

  test('once together, peers stay together until they are more than 80 metres apart', () => {
    const islands = someIslands()
    islands.upsert(A, at(0))
    islands.upsert(B, at(60))
    islands.flush()
    islands.upsert(B, at(80))
    expect(movesOfFlush(islands)).toBe(0)
    islands.upsert(B, at(80.01))
    expect(islands.flush().changes).toEqual([{ peer: B, room: 'I2', cause: 'moved' }])
  })

  test('a chain of hops of any length becomes one island, in one flush', () => {
    const islands = someIslands()
    for (let i = 0; i < 12; i++) islands.upsert(peerId(i), at(i * 64))
    islands.flush()
    expect(rooms(islands)).toEqual([['I1', 12]])
  })

  test('a peer that steps into the gap between two islands connects them', () => {
    const islands = someIslands()
    islands.upsert(A, at(0))
    islands.upsert(B, at(100))
    islands.flush()
    islands.upsert(C, at(50))
    const { changes } = islands.flush()
    expect(rooms(islands)).toEqual([['I1', 3]])
    expect(changes).toEqual(
      expect.arrayContaining([
        { peer: B, room: 'I1', cause: 'merged' },
        { peer: C, room: 'I1', cause: 'joined' },
      ]),
    )
    expect(changes).toHaveLength(2)
  })

  test('islands that do not fit into one room stay apart, each complete', () => {
    const islands = someIslands()
    crowd(islands, 0, 60, at(0))
    islands.flush()
    crowd(islands, 100, 60, at(1000))
    islands.flush()
    for (let i = 0; i < 60; i++) islands.upsert(peerId(100 + i), at(1))
    expect(movesOfFlush(islands)).toBe(0)
    expect(rooms(islands)).toEqual([
      ['I1', 60],
      ['I2', 60],
    ])
  })

  test('no island is ever larger than a room', () => {
    const islands = someIslands({ maxPeers: 10 })
    crowd(islands, 0, 25, at(0))
    islands.flush()
    expect(rooms(islands).map(([, size]) => size)).toEqual([10, 10, 5])
  })

  test('of an island that is split the largest component keeps the id and gets no move', () => {
    const islands = someIslands()
    crowd(islands, 0, 5, at(0))
    islands.flush()
    for (const n of [0, 1]) islands.upsert(peerId(n), at(500))
    const { changes } = islands.flush()
    expect(changes.map(({ peer, cause }) => [peer, cause])).toEqual([
      [peerId(0), 'split'],
      [peerId(1), 'split'],
    ])
    expect(rooms(islands)).toEqual([
      ['I1', 3],
      ['I2', 2],
    ])
  })

  test('of equal components the one whose member joined first keeps the id', () => {
    const islands = someIslands()
    crowd(islands, 0, 2, at(0))
    islands.flush()
    islands.upsert(peerId(0), at(-500))
    expect(islands.flush().changes).toEqual([{ peer: peerId(1), room: 'I2', cause: 'moved' }])
  })

  test('of two islands that meet the larger keeps its id, of equals the older', () => {
    const islands = someIslands()
    islands.upsert(A, at(0))
    islands.flush()
    crowd(islands, 10, 2, at(500))
    islands.flush()
    islands.upsert(A, at(500))
    expect(islands.flush().changes).toEqual([{ peer: A, room: 'I2', cause: 'merged' }])
    islands.upsert(B, at(900))
    islands.upsert(C, at(1100))
    islands.flush()
    islands.upsert(B, at(1100))
    expect(islands.flush().changes).toEqual([{ peer: C, room: islands.roomOf(B), cause: 'merged' }])
  })

  test('the centre is the mean on the ground, the radius reaches the farthest member', () => {
    const islands = someIslands()
    islands.upsert(A, { x: 0, y: 7, z: 0 })
    islands.upsert(B, { x: 30, y: 9, z: 40 })
    islands.flush()
    expect([...islands.all()]).toEqual([{ id: 'I1', peers: [A, B], center: { x: 15, y: 0, z: 20 }, radius: 25 }])
  })

  test('a lone peer has radius 0', () => {
    const islands = someIslands()
    islands.upsert(A, at(3.3, 7.7))
    islands.flush()
    expect([...islands.all()]).toMatchObject([{ radius: 0 }])
  })

  test.each([Number.NaN, Number.POSITIVE_INFINITY, -3e38])('a peer at %d is alone and does not affect the others', (nowhere) => {
    const islands = someIslands()
    crowd(islands, 10, 3, at(0))
    islands.upsert(A, at(nowhere))
    islands.upsert(B, at(0, nowhere))
    islands.flush()
    expect(
      rooms(islands)
        .map(([, size]) => size)
        .sort(),
    ).toEqual([1, 1, 3])
    expect([...islands.all()].filter(({ center }) => center === undefined)).toHaveLength(2)
    islands.upsert(peerId(10), at(nowhere))
    expect(islands.flush().changes).toMatchObject([{ peer: peerId(10), cause: 'moved' }])
    islands.upsert(peerId(10), at(0))
    islands.flush()
    expect(islands.roomOf(peerId(10))).toBe(islands.roomOf(peerId(11)))
  })
})

describe('preferred island', () => {
  /** I1, ten peers at 0, and I2, twenty at 120: too many for one room, and 60 is within reach of both. */
  function twoCrowds(maxPeers = 25): Islands {
    const islands = someIslands({ maxPeers })
    crowd(islands, 100, 10, at(0))
    islands.flush()
    crowd(islands, 200, 20, at(120))
    islands.flush()
    return islands
  }

  test('without a preference the larger of two islands is joined', () => {
    const islands = twoCrowds()
    islands.upsert(A, at(60))
    islands.flush()
    expect(islands.roomOf(A)).toBe('I2')
  })

  test('a preference counts among islands in reach that have room', () => {
    const islands = twoCrowds()
    islands.upsert(A, at(60), 'I1')
    islands.flush()
    expect(islands.roomOf(A)).toBe('I1')
  })

  test('a preference for a full island is ignored', () => {
    const islands = twoCrowds(20)
    islands.upsert(A, at(60), 'I2')
    islands.flush()
    expect(islands.roomOf(A)).toBe('I1')
  })

  test('the majority of the smaller island decides', () => {
    const islands = twoCrowds()
    islands.upsert(A, at(-500), 'I2')
    islands.upsert(B, at(-500), 'I1')
    islands.upsert(C, at(-500), 'I1')
    islands.flush()
    for (const peer of [A, B, C]) islands.upsert(peer, at(60))
    islands.flush()
    expect([A, B, C].map((peer) => islands.roomOf(peer))).toEqual(['I1', 'I1', 'I1'])
  })

  test('the preference of a larger island for a smaller one does not count', () => {
    const islands = someIslands({ maxPeers: 25 })
    crowd(islands, 100, 10, at(0))
    islands.flush()
    crowd(islands, 200, 8, at(-500))
    islands.flush()
    crowd(islands, 300, 12, at(500))
    islands.flush()
    for (let n = 300; n < 312; n++) islands.upsert(peerId(n), at(30), 'I2')
    crowd(islands, 200, 8, at(60))
    islands.flush()
    expect(islands.roomOf(peerId(300))).toBe('I3')
    expect(islands.roomOf(peerId(200))).toBe('I3')
  })

  test.each([
    ['an island that does not exist', 'I99'],
    ['an island out of reach', 'I3'],
  ])('a preference for %s is ignored', (_, preferred) => {
    const islands = twoCrowds()
    islands.upsert(B, at(5000))
    islands.flush()
    islands.upsert(A, at(60), preferred)
    islands.flush()
    expect(islands.roomOf(A)).toBe('I2')
  })

  test('a preference lasts until it is cleared', () => {
    const islands = twoCrowds()
    islands.upsert(A, at(-500), 'I1')
    islands.flush()
    islands.upsert(A, at(60))
    islands.flush()
    expect(islands.roomOf(A)).toBe('I1')
    islands.upsert(A, at(-500))
    islands.flush()
    islands.upsert(A, at(60), '')
    islands.flush()
    expect(islands.roomOf(A)).toBe('I2')
  })
})
