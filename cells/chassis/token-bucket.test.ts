import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TokenBucket } from './token-bucket.ts'

const rate = { perSecond: 20, burst: 20 }
const taken = (bucket: TokenBucket, nowMs: number, attempts = 25): number =>
  Array.from({ length: attempts }, () => bucket.take(nowMs)).filter(Boolean).length

test('a burst passes, then one token every twentieth of a second', () => {
  const bucket = new TokenBucket(rate, 0)
  expect(taken(bucket, 0)).toBe(20)
  expect(bucket.take(49)).toBe(false)
  expect(bucket.take(50)).toBe(true)
  expect(bucket.take(51)).toBe(false)
})

test('a burst passes, then as much as the rate allows', () => {
  const bucket = new TokenBucket({ perSecond: 10, burst: 3 }, 0)
  expect([0, 0, 0, 0].map((now) => bucket.take(now))).toEqual([true, true, true, false])
  expect([100, 100, 200].map((now) => bucket.take(now))).toEqual([true, false, true])
  expect([10_000, 10_000, 10_000, 10_000].map((now) => bucket.take(now))).toEqual([true, true, true, false])
})

test('an amount that is too large takes no token', () => {
  const bucket = new TokenBucket({ perSecond: 1, burst: 10 }, 0)
  expect(bucket.take(0, 11)).toBe(false)
  expect(bucket.take(0, 10)).toBe(true)
})

test('a clock that is set back adds no tokens, loses none and refills from there', () => {
  const bucket = new TokenBucket(rate, 100_000)
  expect(taken(bucket, 100_000)).toBe(20)
  expect(taken(bucket, 0)).toBe(0)
  expect(taken(bucket, 500)).toBe(10)
})

test('a clock that is set forward adds at most a full bucket', () => {
  const bucket = new TokenBucket(rate, 0)
  expect(taken(bucket, 0)).toBe(20)
  expect(taken(bucket, 1e15)).toBe(20)
})

test('tokens taken in advance become available one after the other', () => {
  const bucket = new TokenBucket({ perSecond: 10, burst: 2 }, 0)
  expect([0, 0, 0, 0].map((now) => bucket.reserve(now))).toEqual([0, 0, 100, 200])
  expect(bucket.reserve(200)).toBe(100)
  expect(bucket.reserve(10_000)).toBe(0)
})

test('the query for the waiting time takes no token', () => {
  const bucket = new TokenBucket({ perSecond: 2, burst: 1 }, 0)
  expect(bucket.waitMs(0)).toBe(0)
  expect(bucket.isFull(0)).toBe(true)
  bucket.take(0)
  expect([bucket.waitMs(0), bucket.waitMs(250), bucket.isFull(499), bucket.isFull(500)]).toEqual([500, 250, false, true])
})

test('however the attempts are spaced, never more passes than the burst and the rate allow', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(40), { maxLength: 400 }), (gaps) => {
      const bucket = new TokenBucket(rate, 0)
      let now = 0
      let passed = 0
      for (const gap of gaps) {
        now += gap
        if (bucket.take(now)) passed++
      }
      expect(passed).toBeLessThanOrEqual(rate.burst + (now * rate.perSecond) / 1000)
    }),
  )
})
