import { expect, test } from 'vitest'
import { JOIN_WINDOW_MS, JoinTracker } from './join-tracker.ts'

const TIMEOUT_MS = 20_000
const START = 1_760_000_000_000

test('a player who sends a position waits, and is given an island or misses it', () => {
  let missed = 0
  const joins = new JoinTracker(TIMEOUT_MS, () => missed++)
  const [anna, bert] = [{}, {}]
  joins.started(anna, START)
  joins.started(bert, START)
  expect(joins.counts(START)).toEqual({ given: 0, missed: 0, waiting: 2 })
  expect(joins.given(anna, START + 1_000)).toBe(1_000)
  expect(joins.counts(START + TIMEOUT_MS - 1)).toEqual({ given: 1, missed: 0, waiting: 1 })
  expect(joins.counts(START + TIMEOUT_MS)).toEqual({ given: 1, missed: 1, waiting: 0 })
  expect(missed).toBe(1)
})

test('each session counts once, however often it moves to another island or sends a position', () => {
  const joins = new JoinTracker(TIMEOUT_MS)
  const [anna, late] = [{}, {}]
  for (let i = 0; i < 3; i++) {
    joins.started(anna, START + i)
    joins.given(anna, START + i)
  }
  joins.started(late, START)
  expect(joins.given(late, START + TIMEOUT_MS)).toBeUndefined()
  joins.started(late, START + TIMEOUT_MS)
  expect(joins.counts(START + TIMEOUT_MS)).toEqual({ given: 1, missed: 1, waiting: 0 })
})

test('a player who reconnects and is given an island before sending a position counts as given', () => {
  const joins = new JoinTracker(TIMEOUT_MS)
  const anna = {}
  expect(joins.given(anna, START)).toBe(0)
  joins.started(anna, START + 1)
  expect(joins.counts(START + TIMEOUT_MS + 1)).toEqual({ given: 1, missed: 0, waiting: 0 })
})

test('a player who leaves before the timeout does not count; one who waited longer does, also after leaving', () => {
  const joins = new JoinTracker(TIMEOUT_MS)
  const [hasty, patient] = [{}, {}]
  joins.started(patient, START)
  joins.started(hasty, START)
  joins.ended(hasty, START + TIMEOUT_MS - 1)
  joins.ended(patient, START + TIMEOUT_MS + 5)
  expect(joins.counts(START + TIMEOUT_MS + 5)).toEqual({ given: 0, missed: 1, waiting: 0 })
})

test('joins older than ten minutes are not counted', () => {
  const joins = new JoinTracker(TIMEOUT_MS)
  for (let minute = 0; minute < 30; minute++) joins.given({}, START + minute * 60_000)
  const end = START + 29 * 60_000
  expect(joins.counts(end).given).toBe(10)
  expect(joins.counts(end + JOIN_WINDOW_MS)).toEqual({ given: 0, missed: 0, waiting: 0 })
})
