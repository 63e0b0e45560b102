import { describe, expect, test } from 'vitest'
import { faultsOf } from '../brute-force.fixtures.ts'
import { at, peerId, seededRandom } from '../fixtures.ts'
import type { MoveCause } from '../islands.ts'
import { anEngine, discOf, MoveRecorder, near10, RULES, upsert, type Walker } from './fixtures.ts'

const DISC = 60

/** A crowd that arrives in groups of `group`, each spread over the whole disc, and so every island is too. */
function gathering(group: number, rules: Parameters<typeof anEngine>[0] = {}) {
  const islands = anEngine(rules)
  const crowd = discOf(5_000, DISC, 3)
  for (const [n, walker] of crowd.entries()) {
    upsert(islands, walker)
    if ((n + 1) % group === 0) islands.flush()
  }
  return { islands, crowd, recorder: new MoveRecorder() }
}

/** All peers walk on, and turn round at the edge of the disc. */
function walkOn(crowd: readonly Walker[], random: () => number, metres: number): void {
  for (const walker of crowd) {
    const heading = random() * 2 * Math.PI
    const x = walker.x + Math.cos(heading) * metres
    const z = walker.z + Math.sin(heading) * metres
    if (Math.hypot(x, z) > DISC) continue
    walker.x = x
    walker.z = z
  }
}

describe('a standing crowd', () => {
  test.each([100, 500, 1_000, 5_000])(
    'that came in groups of %d has its neighbours together within 10 flushes, for at most two moves each',
    (group) => {
      const { islands, crowd, recorder } = gathering(group)
      for (let flush = 0; flush < 10; flush++) recorder.flush(islands)
      expect(near10(islands, crowd)).toBeGreaterThanOrEqual(0.7)
      expect(Math.max(0, ...recorder.moveCounts.values())).toBeLessThanOrEqual(2)
      const all = crowd.map(({ peer }) => peer)
      expect(faultsOf(islands, all, RULES)).toEqual([])
    },
  )

  test('is not changed once neighbours are together, except for a few peers when they may be moved again', () => {
    const { islands, recorder } = gathering(500)
    for (let flush = 0; flush < 20; flush++) recorder.flush(islands)
    let moves = 0
    for (let flush = 0; flush < 130; flush++) moves += recorder.flush(islands)
    expect(moves).toBeLessThan(5_000 * 0.02)
    for (let flush = 0; flush < 200; flush++) expect(recorder.flush(islands)).toBe(0)
  })

  test('that walked in from all sides has its neighbours together within 10 flushes', () => {
    const islands = anEngine()
    const goals = discOf(5_000, DISC, 4)
    const crowd = discOf(5_000, 400, 5)
    const recorder = new MoveRecorder()
    for (let isWalking = true; isWalking; ) {
      isWalking = false
      for (const [n, walker] of crowd.entries()) {
        const goal = goals[n] ?? walker
        const left = Math.hypot(goal.x - walker.x, goal.z - walker.z)
        const share = left > 8 ? 8 / left : 1
        isWalking ||= left > 8
        walker.x += (goal.x - walker.x) * share
        walker.z += (goal.z - walker.z) * share
        upsert(islands, walker)
      }
      islands.flush()
    }
    for (let flush = 0; flush < 10; flush++) recorder.flush(islands)
    expect(near10(islands, crowd)).toBeGreaterThanOrEqual(0.7)
    expect(Math.max(0, ...recorder.moveCounts.values())).toBeLessThanOrEqual(2)
  })

  test('that arrives at once is placed by position and no peer is moved afterwards', () => {
    const { islands, crowd, recorder } = gathering(5_000)
    expect(near10(islands, crowd)).toBeGreaterThan(0.75)
    for (let flush = 0; flush < 100; flush++) expect(recorder.flush(islands)).toBe(0)
  })

  test('has its neighbours together with many peers too, where a round takes several flushes and peers come and go', () => {
    const { islands, crowd, recorder } = gathering(500)
    for (let n = 0; n < 20_000; n++) islands.upsert(peerId(10_000 + n), at(1_000 + n * 100))
    for (let flush = 0; flush < 40; flush++) {
      const { peer } = crowd[flush * 100] ?? { peer: peerId(0) }
      islands.remove(peer)
      islands.upsert(peerId(50_000 + flush), at(0))
      recorder.flush(islands)
    }
    const all = crowd.filter(({ peer }) => islands.has(peer))
    expect(all).toHaveLength(5_000 - 40)
    expect(near10(islands, all)).toBeGreaterThanOrEqual(0.7)
    expect(Math.max(...[...islands.all()].map(({ peers }) => peers.length))).toBeLessThanOrEqual(RULES.maxPeers)
  })

  test('with a budget of 0 is not rebalanced, as in the upstream implementation', () => {
    const { islands, crowd, recorder } = gathering(500, { rebalanceBudget: 0 })
    for (let flush = 0; flush < 50; flush++) expect(recorder.flush(islands)).toBe(0)
    expect(near10(islands, crowd)).toBeLessThan(0.3)
  })

  test('does not separate peers that are in their preferred island', () => {
    const { islands, crowd } = gathering(500)
    const friends = crowd.slice(0, 20)
    const room = islands.roomOf(friends[0]?.peer ?? '0x')
    for (const { peer, x, z } of friends) if (islands.roomOf(peer) === room) islands.upsert(peer, { x, y: 0, z }, room)
    const together = friends.filter(({ peer }) => islands.roomOf(peer) === room)
    expect(together.length).toBeGreaterThan(2)
    for (let flush = 0; flush < 20; flush++) islands.flush()
    for (const { peer } of together) expect(islands.roomOf(peer)).toBe(room)
  })
})

describe('a walking crowd', () => {
  /** The rebalancing moves of each peer, by flush, and the mean share of neighbours together after the first window. */
  function walking(rebalanceBudget: number) {
    const window = 60
    const random = seededRandom(6)
    const islands = anEngine({ rebalanceBudget, rebalanceWindow: window })
    const crowd = discOf(2_000, DISC, 7)
    const moves = new Map<string, number[]>()
    const causes = new Set<MoveCause>()
    let share = 0
    for (let flush = 0; flush < 2 * window; flush++) {
      walkOn(crowd, random, 8)
      for (const walker of crowd) upsert(islands, walker)
      for (const { peer, cause } of islands.flush().changes) {
        causes.add(cause)
        if (cause === 'rebalance') moves.set(peer, [...(moves.get(peer) ?? []), flush])
      }
      if (flush >= window && flush % 10 === 0) share += near10(islands, crowd, 100) / 6
    }
    return { moves: [...moves.values()], causes, share, islands, crowd }
  }

  test('is moved at most once in two minutes by default', () => {
    const { moves } = walking(1)
    expect(moves.length).toBeGreaterThan(0)
    for (const flushes of moves)
      for (const [i, flush] of flushes.slice(1).entries()) expect(flush - (flushes[i] ?? 0)).toBeGreaterThanOrEqual(60)
  })

  test('has the more neighbours together the more moves are allowed, and keeps every rule', () => {
    const [none, some, much] = [walking(0), walking(6), walking(60)]
    expect(none.causes.has('rebalance')).toBe(false)
    expect(some.share).toBeGreaterThan(none.share)
    expect(much.share).toBeGreaterThan(0.5)
    expect(
      faultsOf(
        much.islands,
        much.crowd.map(({ peer }) => peer),
        RULES,
      ),
    ).toEqual([])
  })
})
