import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Deadlines } from './deadlines.ts'

test('a deadline is met up to a second late, never early', () => {
  const deadlines = new Deadlines<string>()
  deadlines.set('item', 10_300)
  expect(deadlines.due(10_299)).toEqual([])
  expect(deadlines.due(10_999)).toEqual([])
  expect(deadlines.due(11_000)).toEqual(['item'])
  expect(deadlines.due(20_000)).toEqual([])
})

test('a deadline in the past is met at the next sweep', () => {
  const deadlines = new Deadlines<string>()
  deadlines.due(10_000)
  deadlines.set('late', 3_000)
  expect(deadlines.due(10_500)).toEqual([])
  expect(deadlines.due(11_000)).toEqual(['late'])
})

test('every item becomes due exactly once, at its last deadline, and removed ones never', () => {
  const moves = fc.array(fc.record({ item: fc.nat(9), at: fc.nat(30_000), clear: fc.boolean() }), { maxLength: 60 })
  fc.assert(
    fc.property(moves, (list) => {
      const deadlines = new Deadlines<number>()
      const expected = new Map<number, number>()
      for (const { item, at, clear } of list) {
        if (clear) deadlines.clear(item)
        else deadlines.set(item, at)
        if (clear) expected.delete(item)
        else expected.set(item, at)
      }
      expect(deadlines.size).toBe(expected.size)
      for (let now = 0; now <= 31_000; now += 1_000) {
        for (const item of deadlines.due(now)) {
          const at = expected.get(item) ?? Number.NaN
          expect(now - at).toBeGreaterThanOrEqual(0)
          expect(now - at).toBeLessThan(1_000)
          expected.delete(item)
        }
      }
      expect(expected.size).toBe(0)
      expect(deadlines.size).toBe(0)
    }),
  )
})
