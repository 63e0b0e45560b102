import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fullAllowance, take } from './allowance.ts'

const rate = { perSecond: 20, burst: 20 }

test('a burst passes, then one every twentieth of a second', () => {
  const allowance = fullAllowance(rate, 0)
  const passed = Array.from({ length: 25 }, () => take(allowance, rate, 0)).filter(Boolean).length
  expect(passed).toBe(20)
  expect(take(allowance, rate, 49)).toBe(false)
  expect(take(allowance, rate, 50)).toBe(true)
  expect(take(allowance, rate, 51)).toBe(false)
})

test('a clock that goes back gives nothing and takes nothing', () => {
  const allowance = fullAllowance(rate, 1_000)
  for (let i = 0; i < 20; i++) take(allowance, rate, 1_000)
  expect(take(allowance, rate, 0)).toBe(false)
  expect(allowance.tokens).toBe(0)
})

test('however it is asked, never more passes than the burst and the rate allow', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(40), { maxLength: 400 }), (gaps) => {
      const allowance = fullAllowance(rate, 0)
      let now = 0
      let passed = 0
      for (const gap of gaps) {
        now += gap
        if (take(allowance, rate, now)) passed++
      }
      expect(passed).toBeLessThanOrEqual(rate.burst + (now * rate.perSecond) / 1000)
    }),
  )
})
