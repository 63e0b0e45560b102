import { expect, test } from 'vitest'
import { ageMs, isFromFuture, keptStamp, stampOf } from './stamp.ts'

const NOW = Date.parse('2026-01-01T12:00:00.500Z')

test('an age is never negative, and unknown for what is no time', () => {
  expect([ageMs(NOW - 5, NOW), ageMs(NOW + 3_600_000, NOW), ageMs(Number.NaN, NOW)]).toEqual([5, 0, Number.NaN])
})

test('a time counts as from the future when it is later than clocks differ', () => {
  expect([isFromFuture(NOW + 60_000, NOW), isFromFuture(NOW + 60_001, NOW), isFromFuture(Number.NaN, NOW)]).toEqual([
    false,
    true,
    false,
  ])
})

test.each([
  ['1970-01-01T00:00:00Z', '1970-01-01T00:00:00Z'],
  ['2026-01-01T12:01:00Z', '2026-01-01T12:01:00Z'],
  ['2026-01-01T12:01:01Z', '2026-01-01T12:00:00Z'],
  ['9999-12-31T23:59:59Z', '2026-01-01T12:00:00Z'],
  ['yesterday', '2026-01-01T12:00:00Z'],
])('the stamp %s is kept as %s', (before, kept) => {
  expect(keptStamp(before, NOW)).toBe(kept)
  expect(stampOf(NOW)).toBe('2026-01-01T12:00:00Z')
})
