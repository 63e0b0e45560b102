import { expect, test } from 'vitest'
import { ManualClock } from '../../../cells/chassis/clock.ts'
import { BUDGET_WINDOW_MS, createWriteBudget, MAX_CHANGES, MAX_REPAIRS } from './write-budget.ts'

function aBudget() {
  const clock = new ManualClock(0)
  return { clock, budget: createWriteBudget(clock) }
}

test('what somebody undoes is written again at once, and once more', () => {
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

test('no ten seconds see more than two writes of an object somebody edits all the time', () => {
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
  // Also in the thick of the fight the next write is never far.
  expect(longestWaitMs).toBeLessThanOrEqual(BUDGET_WINDOW_MS / MAX_REPAIRS)
  expect(writes.length).toBeGreaterThan(20)
})

test('one object that is fought over takes nothing from another', () => {
  const { budget } = aBudget()
  for (let times = 0; times < 10; times++) budget.take('Service/a', true)
  expect(budget.take('Service/b', true)).toBe(0)
})

test('what people want anew is written at once, within reason', () => {
  const { budget } = aBudget()
  for (let times = 0; times < MAX_CHANGES; times++) expect(budget.take('Service/a', false)).toBe(0)
  expect(budget.take('Service/a', false)).toBe(BUDGET_WINDOW_MS)
})

test('what was changed a moment ago is repaired as promptly as what was not', () => {
  const { budget } = aBudget()
  for (let times = 0; times < 5; times++) budget.take('Realm/a/status', false)
  expect(budget.take('Realm/a/status', true)).toBe(0)
  expect(budget.take('Realm/a/status', true)).toBe(BUDGET_WINDOW_MS)
})

test('objects nobody writes are forgotten', () => {
  const { clock, budget } = aBudget()
  for (let index = 0; index < 1000; index++) budget.take(`Service/${index}`, false)
  clock.advance(BUDGET_WINDOW_MS)
  budget.take('Service/last', false)
  expect(budget.size).toBe(1)
})
