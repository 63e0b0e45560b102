import { expect, test } from 'vitest'
import { drainTimeMs } from './drain-time.ts'

test('a rate shortens the drain of few players, and the drain of many takes no longer than allowed', () => {
  expect(drainTimeMs(100, 300, undefined)).toBe(300_000)
  expect(drainTimeMs(100, 300, 60)).toBe(100_000)
  expect(drainTimeMs(10_000, 300, 60)).toBe(300_000)
  expect(drainTimeMs(0, 300, 60)).toBe(0)
})
