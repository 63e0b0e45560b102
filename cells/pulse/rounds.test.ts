import { expect, test } from 'vitest'
import { ManualClock } from '../chassis/clock.ts'
import { startRounds } from './rounds.ts'

/** Turns that take so long each; returns when they began, and the time that was left in between. */
function turnsOf(tookMs: (turn: number) => number, forMs: number) {
  const clock = new ManualClock()
  let elapsed = 0
  const monotonic = () => clock.monotonic() + elapsed
  const began: number[] = []
  const rests: number[] = []
  let endedAt = 0
  const turn = () => {
    if (began.length > 0) rests.push(monotonic() - endedAt)
    began.push(monotonic())
    elapsed += tookMs(began.length - 1)
    endedAt = monotonic()
  }
  const rounds = startRounds(turn, { ...clock, monotonic, now: clock.now, after: clock.after })
  clock.advance(forMs)
  rounds.stop()
  const count = began.length
  clock.advance(1_000)
  expect(began).toHaveLength(count)
  return { began, rests }
}

test('a turn begins each ten milliseconds, however long the one before took, as long as there is time left', () => {
  const { began } = turnsOf(() => 6, 400)
  expect(began.slice(0, 5)).toEqual([0, 10, 20, 30, 40])
  expect(began.length).toBeGreaterThan(40)
})

test('turns that take too long come later, and leave a third of the time for what arrives', () => {
  for (const tookMs of [10, 25, 400]) {
    const { began, rests } = turnsOf(() => tookMs, 2_000)
    expect(began.length).toBeGreaterThan(3)
    for (const rest of rests) expect(rest).toBeGreaterThanOrEqual(Math.min(50, tookMs / 2))
  }
})

test('after a pause of the whole process turns go on as before, and none is made up for', () => {
  const { began } = turnsOf((turn) => (turn === 3 ? 60_000 : 1), 400)
  const gaps = began.slice(1).map((at, i) => at - (began[i] ?? 0))
  expect(gaps[3]).toBeLessThanOrEqual(60_050)
  expect(gaps.filter((_, i) => i !== 3).every((gap) => gap === 10)).toBe(true)
})
