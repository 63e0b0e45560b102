import { expect, test } from 'vitest'
import { Peaks } from './peaks.ts'

const HOUR_MS = 3_600_000
const count = (...players: number[]) => new Map(players.map((number, slot) => [slot, number]))

test('the peak is the most players within the window, slot by slot and together', () => {
  const peaks = new Peaks()
  for (const [second, players] of [count(90, 1), count(5, 40), count(30, 10)].entries())
    peaks.record(second * 1_000, players, HOUR_MS)
  expect(peaks.over(2_000, 2_000)).toEqual({ bySlot: count(90, 40), total: 91 })
  expect(peaks.over(1_000, 2_000)).toEqual({ bySlot: count(30, 40), total: 45 })
  expect(peaks.over(900, 2_500)).toEqual({ bySlot: count(30, 40), total: 45 }) // a count holds until the next
  expect(peaks.over(0, 9_000)).toEqual({ bySlot: count(30, 10), total: 40 })
})

test('there is no peak of a window that was not counted from its beginning', () => {
  const peaks = new Peaks()
  expect(peaks.over(0, 0)).toBeUndefined()
  peaks.record(1_000, count(3), HOUR_MS)
  expect(peaks.over(500, 1_400)).toBeUndefined()
  peaks.record(1_500, count(3), HOUR_MS)
  expect(peaks.over(500, 1_500)).toMatchObject({ total: 3 })
})

test('after a time of unknown counts the record begins anew', () => {
  const peaks = new Peaks()
  peaks.record(0, count(3), HOUR_MS)
  peaks.record(1_000, undefined, HOUR_MS)
  peaks.record(2_000, count(1), HOUR_MS)
  expect(peaks.over(1_000, 2_000)).toBeUndefined()
})

test('a slot whose counts have a gap has no peak of its own', () => {
  const peaks = new Peaks()
  peaks.record(0, count(3), HOUR_MS)
  peaks.record(1_000, count(3, 9), HOUR_MS)
  expect(peaks.over(1_000, 1_000)).toEqual({ bySlot: count(3), total: 12 })
})

test('counts older than the window are dropped', () => {
  const peaks = new Peaks()
  for (let second = 0; second < 10; second++) peaks.record(second * 1_000, count(100 - second), 2_000)
  expect(peaks.over(9_000, 9_000)).toMatchObject({ total: 93 })
})
