import { expect, test } from 'vitest'
import { ManualClock } from '../../cells/chassis/clock.ts'
import { EventRateLimit } from './event-rate-limit.ts'

const takeAll = (take: () => boolean): number => {
  let taken = 0
  while (taken < 10_000 && take()) taken++
  return taken
}

test('one object may have a burst of Events, then one a minute, independent of other objects', () => {
  const clock = new ManualClock()
  const rateLimit = new EventRateLimit(clock)
  expect(takeAll(() => rateLimit.take('a'))).toBe(25)
  expect(rateLimit.take('b')).toBe(true)
  clock.advance(60_000)
  expect(takeAll(() => rateLimit.take('a'))).toBe(1)
})

test('all objects together may have ten Events a second in the long run', () => {
  const clock = new ManualClock()
  const rateLimit = new EventRateLimit(clock)
  let uid = 0
  expect(takeAll(() => rateLimit.take(`${uid++}`))).toBe(500)
  clock.advance(1000)
  expect(takeAll(() => rateLimit.take(`${uid++}`))).toBe(10)
})

test('objects without Events are forgotten', () => {
  const clock = new ManualClock()
  const rateLimit = new EventRateLimit(clock)
  for (let uid = 0; uid < 100; uid++) rateLimit.take(`${uid}`)
  clock.advance(25 * 60_000)
  rateLimit.take('last')
  expect(rateLimit.size).toBe(1)
})
