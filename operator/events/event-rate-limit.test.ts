import { expect, test } from 'vitest'
import { ManualClock } from '../../cells/chassis/clock.ts'
import { createEventRateLimit } from './event-rate-limit.ts'

const takeAll = (take: () => boolean): number => {
  let taken = 0
  while (taken < 10_000 && take()) taken++
  return taken
}

test('one object is told of a few times at once, then once a minute, whatever others do', () => {
  const clock = new ManualClock()
  const allowance = createEventRateLimit(clock)
  expect(takeAll(() => allowance.take('a'))).toBe(25)
  expect(allowance.take('b')).toBe(true)
  clock.advance(60_000)
  expect(takeAll(() => allowance.take('a'))).toBe(1)
})

test('all objects together are told of ten times a second in the long run', () => {
  const clock = new ManualClock()
  const allowance = createEventRateLimit(clock)
  let uid = 0
  expect(takeAll(() => allowance.take(`${uid++}`))).toBe(500)
  clock.advance(1000)
  expect(takeAll(() => allowance.take(`${uid++}`))).toBe(10)
})

test('objects nothing is told of are forgotten', () => {
  const clock = new ManualClock()
  const allowance = createEventRateLimit(clock)
  for (let uid = 0; uid < 100; uid++) allowance.take(`${uid}`)
  clock.advance(25 * 60_000)
  allowance.take('last')
  expect(allowance.size).toBe(1)
})
