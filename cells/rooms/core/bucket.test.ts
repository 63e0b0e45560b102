import { expect, test } from 'vitest'
import { Bucket } from './bucket.ts'

test('a burst passes, then as much as the rate allows', () => {
  const bucket = new Bucket({ perSecond: 10, burst: 3 }, 0)
  expect([0, 0, 0, 0].map((now) => bucket.take(1, now))).toEqual([true, true, true, false])
  expect([100, 100, 200].map((now) => bucket.take(1, now))).toEqual([true, false, true])
  expect([10_000, 10_000, 10_000, 10_000].map((now) => bucket.take(1, now))).toEqual([true, true, true, false])
})

test('what is too much takes nothing', () => {
  const bucket = new Bucket({ perSecond: 1, burst: 10 }, 0)
  expect(bucket.take(11, 0)).toBe(false)
  expect(bucket.take(10, 0)).toBe(true)
})
