import { describe, expect, test } from 'vitest'
import { faultsOf } from '../brute-force.fixtures.ts'
import { at, crowd, peerId } from '../fixtures.ts'
import { anEngine, discOf, MoveRecorder, RULES, upsert } from './fixtures.ts'

const roomsOf = (islands: ReturnType<typeof anEngine>, peers: readonly `0x${string}`[]) =>
  peers.map((peer) => islands.roomOf(peer))

describe('the engine does not have the defects of the reference', () => {
  test('§6.1 flapping: three groups that touch, of which two fit into one room but not all three, settle', () => {
    const islands = anEngine()
    crowd(islands, 0, 60, at(0))
    islands.flush()
    crowd(islands, 100, 50, at(60))
    islands.flush()
    crowd(islands, 200, 30, at(120))
    islands.flush()
    for (let flush = 0; flush < 10; flush++) {
      for (const [first, count, x] of [
        [0, 60, 0],
        [100, 50, 60],
        [200, 30, 120],
      ] as const)
        crowd(islands, first, count, at(x + (flush % 2) * 0.01))
      expect(islands.flush().changes).toEqual([])
    }
  })

  test('§6.2 full work for unmoved peers: a peer that does not move causes no work', () => {
    const islands = anEngine()
    const peers = crowd(islands, 0, 150, at(0))
    islands.flush()
    for (const peer of peers) islands.upsert(peer, { x: 0, y: Math.random(), z: 0 })
    expect(islands.flush().changes).toEqual([])
  })

  test('§6.4 RangeError: 200 000 peers at one position arrive, are placed, and leave at once', () => {
    const islands = anEngine()
    const peers = crowd(islands, 0, 200_000, at(0))
    expect(islands.flush().changes).toHaveLength(200_000)
    expect(islands.islandCount).toBe(2_000)
    for (const peer of peers) islands.remove(peer)
    expect([islands.flush().changes.length, islands.peerCount, islands.islandCount]).toEqual([0, 0, 0])
  })

  test('§6.5 reading the centres between a movement and the flush hides no movement', () => {
    const islands = anEngine()
    const [walker, friend] = [peerId(1), peerId(2)]
    crowd(islands, 1, 2, at(0))
    islands.flush()
    islands.upsert(walker, at(630))
    expect([...islands.all()].map(({ radius }) => radius)).toEqual([315])
    islands.flush()
    expect(islands.roomOf(walker)).not.toBe(islands.roomOf(friend))
  })

  test('§6.7 temporary islands: a split and a merge in one flush cause one move for each peer that moved', () => {
    const islands = anEngine()
    crowd(islands, 0, 5, at(0))
    crowd(islands, 100, 30, at(1000))
    islands.flush()
    for (const n of [0, 1]) islands.upsert(peerId(n), at(990))
    const { changes } = islands.flush()
    expect(changes.map(({ peer, room }) => [peer, room])).toEqual([
      [peerId(0), islands.roomOf(peerId(100))],
      [peerId(1), islands.roomOf(peerId(100))],
    ])
    islands.upsert(peerId(99), at(5000))
    islands.flush()
    expect(islands.roomOf(peerId(99)), 'no id was spent meanwhile').toBe('I3')
  })

  test('§6.8 order dependence: two orders of arrival in a full plaza give the same islands', () => {
    const walkers = discOf(2_000, 100, 8)
    const packed = (order: typeof walkers) => {
      const islands = anEngine()
      for (const walker of order) upsert(islands, walker)
      islands.flush()
      return roomsOf(
        islands,
        walkers.map(({ peer }) => peer),
      )
    }
    expect(packed(walkers.toReversed())).toEqual(packed(walkers))
  })

  test('§6.13 a chain of 500 islands becomes as few as possible in one flush', () => {
    const islands = anEngine()
    for (let n = 0; n < 500; n += 2) islands.upsert(peerId(n), at(n * 60))
    islands.flush()
    expect(islands.islandCount).toBe(250)
    for (let n = 1; n < 500; n += 2) islands.upsert(peerId(n), at(n * 60))
    islands.flush()
    expect(
      faultsOf(
        islands,
        Array.from({ length: 500 }, (_, n) => peerId(n)),
        RULES,
      ),
    ).toEqual([])
    expect(islands.islandCount).toBeLessThan(10)
  })
})

describe('after a restart', () => {
  /** Walking peers with islands, and the room of each. */
  function aPast() {
    const before = anEngine({
      nextId: (() => {
        let n = 0
        return () => `old${++n}`
      })(),
    })
    const recorder = new MoveRecorder()
    const walkers = discOf(3_000, 300, 9)
    for (const walker of walkers) upsert(before, walker)
    recorder.flush(before)
    return { walkers, rooms: recorder.rooms }
  }

  test('§6.9 all peers are restored to their rooms without a move', () => {
    const { walkers, rooms } = aPast()
    const islands = anEngine()
    for (const [peer, room] of rooms) islands.restore(peer, room)
    for (const walker of walkers) upsert(islands, walker)
    expect(islands.flush().changes).toEqual([])
    for (const [peer, room] of rooms) expect(islands.roomOf(peer)).toBe(room)
  })

  test('peers that return one by one are not moved, because their seats are reserved', () => {
    const { walkers, rooms } = aPast()
    const islands = anEngine()
    for (const [peer, room] of rooms) islands.restore(peer, room)
    // The first half of each island comes back; all of them would fit into half as many islands.
    for (let half = 0; half < 2; half++) {
      for (const [n, walker] of walkers.entries()) if (n % 2 === half) upsert(islands, walker)
      expect(islands.flush().changes).toEqual([])
    }
    expect(
      faultsOf(
        islands,
        walkers.map(({ peer }) => peer),
        RULES,
      ),
    ).toEqual([])
  })

  test('reserved seats of peers that leave are given up', () => {
    const islands = anEngine({ maxPeers: 3 })
    for (const n of [1, 2, 3]) islands.restore(peerId(n), 'old')
    islands.upsert(peerId(1), at(0))
    islands.flush()
    crowd(islands, 10, 2, at(0))
    islands.flush()
    expect(islands.roomOf(peerId(10))).toBe('I1')
    for (const n of [2, 3]) islands.remove(peerId(n))
    expect(islands.flush().changes).toEqual([{ peer: peerId(1), room: 'I1', cause: 'merged' }])
  })

  test('a peer that walked out of reach meanwhile is moved with the cause recovery', () => {
    const islands = anEngine()
    for (const n of [1, 2, 3]) islands.restore(peerId(n), 'old')
    crowd(islands, 1, 2, at(0))
    islands.upsert(peerId(3), at(500))
    expect(islands.flush().changes).toEqual([{ peer: peerId(3), room: 'I1', cause: 'recovery' }])
  })

  test('a peer whose room is full is moved with the cause recovery', () => {
    const islands = anEngine({ maxPeers: 2 })
    for (const n of [1, 2, 3]) islands.restore(peerId(n), 'old')
    crowd(islands, 1, 3, at(0))
    const { changes } = islands.flush()
    expect(changes).toMatchObject([{ room: 'I1', cause: 'recovery' }])
  })

  test('a new session gets a move even into the same room (§5.15)', () => {
    const islands = anEngine()
    crowd(islands, 1, 2, at(0))
    islands.flush()
    islands.remove(peerId(1))
    islands.upsert(peerId(1), at(0))
    expect(islands.flush().changes).toEqual([{ peer: peerId(1), room: 'I1', cause: 'joined' }])
  })

  test('restoring a peer that has an island already changes nothing', () => {
    const islands = anEngine()
    islands.upsert(peerId(1), at(0))
    islands.flush()
    islands.restore(peerId(1), 'old')
    islands.upsert(peerId(1), at(1))
    expect(islands.flush().changes).toEqual([])
    expect(islands.roomOf(peerId(1))).toBe('I1')
  })
})

describe('unusual input', () => {
  test('200 000 peers in a line become islands of a hundred', () => {
    const islands = anEngine()
    for (let n = 0; n < 200_000; n++) islands.upsert(peerId(n), at(n))
    islands.flush()
    expect(islands.islandCount).toBeLessThan(2_100)
  })

  test.each([1e9, -1e9, 123_456_789.5])('peers at %d metres are clustered like all others', (far) => {
    const islands = anEngine()
    islands.upsert(peerId(1), at(far, far))
    islands.upsert(peerId(2), at(far + 60, far))
    islands.upsert(peerId(3), at(far + 130, far))
    islands.flush()
    expect(islands.roomOf(peerId(1))).toBe(islands.roomOf(peerId(2)))
    expect(islands.roomOf(peerId(1))).not.toBe(islands.roomOf(peerId(3)))
  })

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e300, -2e9])(
    '10 000 peers at %d are each alone',
    (nowhere) => {
      const islands = anEngine()
      for (let n = 0; n < 10_000; n++) islands.upsert(peerId(n), at(nowhere, n % 2 ? 0 : nowhere))
      islands.flush()
      expect(islands.islandCount).toBe(10_000)
      for (let n = 0; n < 10_000; n++) islands.upsert(peerId(n), at(nowhere, n % 2 ? 0 : nowhere))
      expect(islands.flush().changes).toEqual([])
    },
  )

  test('100 000 peers arrive and leave before the flush', () => {
    const islands = anEngine()
    for (let n = 0; n < 100_000; n++) islands.upsert(peerId(n), at(n))
    for (let n = 0; n < 100_000; n++) islands.remove(peerId(n))
    expect([islands.flush().changes.length, islands.peerCount, islands.islandCount]).toEqual([0, 0, 0])
  })

  test('rows of removed peers are used again, and nothing of them remains', () => {
    const islands = anEngine()
    for (let round = 0; round < 20; round++) {
      const peers = crowd(islands, round * 1000, 500, at(round * 7))
      for (const peer of peers) islands.upsert(peer, at(round * 7), 'I1')
      islands.flush()
      expect(faultsOf(islands, peers, RULES)).toEqual([])
      for (const peer of peers) islands.remove(peer)
    }
    expect(islands.islandCount).toBe(0)
  })
})
