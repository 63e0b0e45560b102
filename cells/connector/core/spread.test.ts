import fc from 'fast-check'
import { expect, test } from 'vitest'
import { drainTimeMs, goingNow } from './spread.ts'

/** Plays an exodus to its end; answers how many went in each step. */
function play(players: number, durationMs: number, arriving: (step: number) => number = () => 0): number[] {
  const went: number[] = []
  let [gone, waiting] = [0, players]
  for (let elapsedMs = 0; elapsedMs < durationMs; elapsedMs += 100) {
    waiting += arriving(elapsedMs / 100)
    const going = goingNow({ gone, waiting, elapsedMs, durationMs, stepMs: 100 })
    went.push(going)
    gone += going
    waiting -= going
  }
  expect(waiting).toBe(0)
  return went
}

test('a hundred players over ten seconds go one each tenth of a second', () => {
  expect(play(100, 10_000)).toEqual(Array(100).fill(1))
})

test('ten players over ten seconds go one each second', () => {
  const went = play(10, 10_000)
  for (let second = 0; second < 10; second++) {
    expect(went.slice(second * 10, second * 10 + 10).reduce((sum, going) => sum + going)).toBe(1)
  }
})

test('with no time everybody goes at once', () => {
  expect(goingNow({ gone: 0, waiting: 500, elapsedMs: 0, durationMs: 0, stepMs: 100 })).toBe(500)
})

test('everybody is gone by the end, and no step carries more than its share and those who came late', () => {
  fc.assert(
    fc.property(fc.nat(5_000), fc.array(fc.nat(3), { minLength: 10, maxLength: 10 }), (players, latecomers) => {
      const late = latecomers.reduce((sum, arrived) => sum + arrived)
      for (const going of play(players, 1_000, (step) => latecomers[step] ?? 0)) {
        expect(going).toBeLessThanOrEqual(Math.ceil((players + late) / 10) + late)
      }
    }),
  )
})

test('a pace makes the draining of few players short, and that of many no longer than allowed', () => {
  expect(drainTimeMs(100, 300, undefined)).toBe(300_000)
  expect(drainTimeMs(100, 300, 60)).toBe(100_000)
  expect(drainTimeMs(10_000, 300, 60)).toBe(300_000)
  expect(drainTimeMs(0, 300, 60)).toBe(0)
})
