import { expect, test } from 'vitest'
import { AS_OFTEN_AS_STATES, SendLevel } from './send-rates.ts'

const ROUND_MS = 50

/** Rounds that take so long at full rates, and less with lower ones. */
function work(level: SendLevel, ms: number, rounds: number, costs = [1, 0.75, 0.65, 0.5, 0.35]): number {
  for (let i = 0; i < rounds; i++) level.observe(ms * (costs[level.current] ?? 1), 0)
  return level.current
}

test('a relay with more to send than it can sends those far away less often, then all, and more often again when there is less', () => {
  const level = new SendLevel(ROUND_MS)
  expect(work(level, 30, 200)).toBe(0)
  expect(level.rates).toEqual({ stride: 1, tierRounds: [1, 2, 4], lookTicks: 10 })
  expect(work(level, 40, 200)).toBe(1)
  expect(level.rates).toEqual(AS_OFTEN_AS_STATES)
  expect(work(level, 48, 200)).toBe(2)
  expect(level.rates.tierRounds[0]).toBe(1)
  expect(work(level, 60, 200)).toBe(3)
  expect(work(level, 1_000, 200)).toBe(4)
  expect(work(level, 30, 400)).toBe(2)
  expect(work(level, 20, 200)).toBe(0)
})

test('the level settles, also where lower rates save less than is expected', () => {
  for (const saved of [0.1, 0.5, 1]) {
    const costs = [1, 0.75, 0.65, 0.5, 0.35].map((cost) => 1 - (1 - cost) * saved)
    for (let ms = 5; ms < 150; ms += 5) {
      const level = new SendLevel(ROUND_MS)
      work(level, ms, 400, costs)
      const seen = new Set(Array.from({ length: 400 }, () => work(level, ms, 1, costs)))
      expect([...seen], `${ms} ms`).toHaveLength(1)
    }
  }
})

test('rounds that come late count as rounds that take long', () => {
  const level = new SendLevel(ROUND_MS)
  for (let i = 0; i < 200; i++) level.observe(5, 40)
  expect(level.current).toBeGreaterThan(0)
})

test('one slow round changes nothing, however slow', () => {
  const level = new SendLevel(ROUND_MS)
  level.observe(200, 60_000)
  expect(level.current).toBe(0)
})
