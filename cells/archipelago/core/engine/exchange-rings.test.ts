import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ExchangeRings, type RoomChange } from './exchange-rings.ts'

const rings = new ExchangeRings()

/** All rings of the changes of ten islands; each peer is as many metres from its island as its place in the list. */
function ringsOf(changes: readonly RoomChange[], limit: number): RoomChange[][] {
  rings.begin(10)
  for (const [metres, change] of changes.entries()) rings.add(change, metres)
  return [...rings.find(limit)]
}

const wanderers = fc
  .array(fc.tuple(fc.nat(9), fc.nat(9)), { maxLength: 200 })
  .map((pairs) => pairs.map(([from, to], peer) => ({ peer, from, to })).filter(({ from, to }) => from !== to))

test('every island keeps its size and no peer moves twice', () => {
  fc.assert(
    fc.property(wanderers, fc.nat(50), (wanted, limit) => {
      const chosen = ringsOf(wanted, limit).flat()
      const sizes = new Map<number, number>()
      for (const { from, to } of chosen) {
        sizes.set(from, (sizes.get(from) ?? 0) - 1)
        sizes.set(to, (sizes.get(to) ?? 0) + 1)
      }
      for (const change of sizes.values()) expect(change).toBe(0)
      expect(new Set(chosen.map(({ peer }) => peer)).size).toBe(chosen.length)
      for (const wanderer of chosen) expect(wanted).toContainEqual(wanderer)
      // The last ring may pass the limit by its own length, at most one member per island.
      expect(chosen.length).toBeLessThan(limit + 10)
    }),
  )
})

test('all changes are used if rings allow it', () => {
  const shuffled = Array.from({ length: 1_000 }, (_, peer) => ({
    peer,
    from: peer % 7,
    to: (peer + 1 + (peer % 3 === 0 ? 0 : 2)) % 7,
  }))
  const back = shuffled.map(({ peer, from, to }) => ({ peer: peer + 1_000, from: to, to: from }))
  expect(ringsOf([...shuffled, ...back], 10_000).flat()).toHaveLength(2_000)
})

test('a change without a counterpart is not used', () => {
  expect(
    ringsOf(
      [
        { peer: 1, from: 0, to: 1 },
        { peer: 2, from: 1, to: 2 },
      ],
      10,
    ),
  ).toEqual([])
})

test('of the changes from one island the farthest is used first', () => {
  const near = { peer: 1, from: 0, to: 1 }
  const far = { peer: 2, from: 0, to: 1 }
  const back = { peer: 3, from: 1, to: 0 }
  expect(ringsOf([near, far, back], 2).flat()).toEqual([far, back])
  expect(ringsOf([far, near, back], 2).flat()).toEqual([near, back])
})
