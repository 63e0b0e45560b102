import { expect, test } from 'vitest'
import { AdmissionPace } from './admission-pace.ts'

/** Upgrades admitted within a second in which there are always more of them, each of which takes so long. */
function admitted({ tookMs = 0, perSecond = 100_000, checksWaiting = 0 }): number {
  const pace = new AdmissionPace(perSecond, 0)
  let count = 0
  for (let step = 0; step < 1_000; step += 5) {
    for (let now = step; pace.admits(now, checksWaiting); count++) {
      now += tookMs
      pace.took(tookMs, now)
    }
  }
  return count
}

test('upgrades are admitted for a quarter of the time, so that a fast machine admits more of them', () => {
  expect(admitted({ tookMs: 1 })).toBeGreaterThan(245)
  expect(admitted({ tookMs: 1 })).toBeLessThan(260)
  expect(admitted({ tookMs: 0.1 })).toBeGreaterThan(2_450)
  expect(admitted({ tookMs: 0.1 })).toBeLessThan(2_600)
})

test('of a burst, no more are admitted at once than connected players would notice', () => {
  const pace = new AdmissionPace(100_000, 0)
  let now = 0
  for (; pace.admits(now, 0); now += 0.5) pace.took(0.5, now + 0.5)
  expect(now).toBeLessThanOrEqual(4)
})

test('while signatures wait to be checked, upgrades are admitted at a low rate, and not stopped', () => {
  expect(admitted({ tookMs: 0.1, checksWaiting: 100 })).toBeGreaterThan(2_400)
  expect(admitted({ tookMs: 0.1, checksWaiting: 201 })).toBeGreaterThan(450)
  expect(admitted({ tookMs: 0.1, checksWaiting: 201 })).toBeLessThan(520)
})

test('never more are admitted than is allowed', () => {
  expect(admitted({ perSecond: 100 })).toBeLessThanOrEqual(200)
  expect(admitted({ perSecond: 100, checksWaiting: 1_000 })).toBeLessThanOrEqual(110)
})
