import { expect, test } from 'vitest'
import { ManualClock } from '../../../cells/chassis/clock.ts'
import { BUDGET_WINDOW_MS, MAX_CHANGES, MAX_REPAIRS, WriteBudget } from './write-budget.ts'

function aBudget() {
  const clock = new ManualClock(0)
  return { clock, budget: new WriteBudget(clock) }
}

test('an undone change is written again at once, and once more', () => {
  const { clock, budget } = aBudget()
  expect(budget.take('Service/a', false)).toBe(0)
  clock.advance(3000)
  expect(budget.take('Service/a', true)).toBe(0)
  expect(budget.take('Service/a', true)).toBe(7000)
  clock.advance(6999)
  expect(budget.take('Service/a', true)).toBe(1)
  clock.advance(1)
  expect(budget.take('Service/a', true)).toBe(0)
})

test('an object that another client edits all the time is written at most twice in ten seconds', () => {
  const { clock, budget } = aBudget()
  const writes: number[] = []
  let longestWaitMs = 0
  for (let now = 0; now < 120_000; now += 100, clock.advance(100)) {
    const waitMs = budget.take('Service/a', true)
    if (waitMs === 0) writes.push(now)
    else if (now > BUDGET_WINDOW_MS) longestWaitMs = Math.max(longestWaitMs, waitMs)
  }
  for (const at of writes)
    expect(writes.filter((other) => other >= at && other < at + BUDGET_WINDOW_MS).length).toBeLessThanOrEqual(MAX_REPAIRS)
  // The next write also comes soon while the other client goes on.
  expect(longestWaitMs).toBeLessThanOrEqual(BUDGET_WINDOW_MS / MAX_REPAIRS)
  expect(writes.length).toBeGreaterThan(20)
})

test('a contested object does not delay writes of another', () => {
  const { budget } = aBudget()
  for (let times = 0; times < 10; times++) budget.take('Service/a', true)
  expect(budget.take('Service/b', true)).toBe(0)
})

test('new content is written at once, up to the limit of changes', () => {
  const { budget } = aBudget()
  for (let times = 0; times < MAX_CHANGES; times++) expect(budget.take('Service/a', false)).toBe(0)
  expect(budget.take('Service/a', false)).toBe(BUDGET_WINDOW_MS)
})

test('an object that was changed a moment ago is repaired as promptly as any other', () => {
  const { budget } = aBudget()
  for (let times = 0; times < 5; times++) budget.take('Realm/a/status', false)
  expect(budget.take('Realm/a/status', true)).toBe(0)
  expect(budget.take('Realm/a/status', true)).toBe(BUDGET_WINDOW_MS)
})

test('objects that are no longer written are forgotten', () => {
  const { clock, budget } = aBudget()
  for (let index = 0; index < 1000; index++) budget.take(`Service/${index}`, false)
  clock.advance(BUDGET_WINDOW_MS)
  budget.take('Service/last', false)
  expect(budget.size).toBe(1)
})
