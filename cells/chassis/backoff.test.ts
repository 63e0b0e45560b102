import { expect, test } from 'vitest'
import { backoffMs, jittered } from './backoff.ts'

test('the wait doubles with each failure in a row, up to the longest', () => {
  const waits = [1, 2, 3, 4, 5, 2_000].map((failures) => backoffMs({ firstMs: 100, maxMs: 1_000 }, failures))
  expect(waits).toEqual([100, 200, 400, 800, 1_000, 1_000])
})

test('a delay varies by a share of itself either way', () => {
  expect([0, 0.5, 1].map((random) => jittered(1_000, random))).toEqual([800, 1_000, 1_200])
  expect([0, 0.5, 1].map((random) => jittered(1_000, random, 0.1))).toEqual([900, 1_000, 1_100])
  expect(jittered(0, 0.9)).toBe(0)
})
