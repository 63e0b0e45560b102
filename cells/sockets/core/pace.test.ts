import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dueNow } from './pace.ts'

/** Simulates a drain in steps of 100 ms; returns how many connections were ended in each step. */
function simulate(
  connections: number,
  durationMs: number,
  { arriving = () => 0, firstAtOnce = false }: { arriving?: (step: number) => number; firstAtOnce?: boolean } = {},
): number[] {
  const endedInStep: number[] = []
  let [ended, waiting] = [0, connections]
  for (let elapsedMs = 0; elapsedMs < durationMs; elapsedMs += 100) {
    waiting += arriving(elapsedMs / 100)
    const due = dueNow({ ended, waiting, elapsedMs, durationMs, stepMs: 100, firstAtOnce })
    endedInStep.push(due)
    ended += due
    waiting -= due
  }
  expect(waiting).toBe(0)
  return endedInStep
}

test('a hundred connections over ten seconds are ended one each tenth of a second', () => {
  expect(simulate(100, 10_000)).toEqual(Array(100).fill(1))
  expect(simulate(100, 10_000, { firstAtOnce: true })).toEqual(Array(100).fill(1))
})

test.each([false, true])('ten connections over ten seconds are ended one each second (first at once: %s)', (firstAtOnce) => {
  const endedInStep = simulate(10, 10_000, { firstAtOnce })
  for (let second = 0; second < 10; second++) {
    expect(endedInStep.slice(second * 10, second * 10 + 10).reduce((sum, ended) => sum + ended)).toBe(1)
  }
})

test('the first connection is ended at once, or after its share of the duration', () => {
  expect(simulate(2, 10_000, { firstAtOnce: true }).flatMap((ended, step) => (ended ? [step] : []))).toEqual([0, 50])
  expect(simulate(2, 10_000).flatMap((ended, step) => (ended ? [step] : []))).toEqual([49, 99])
})

test('without time all are ended at once', () => {
  for (const firstAtOnce of [false, true])
    expect(dueNow({ ended: 0, waiting: 500, elapsedMs: 0, durationMs: 0, stepMs: 100, firstAtOnce })).toBe(500)
})

test('all are ended by the end, and no step carries more than its share and the connections that came late', () => {
  const latecomers = fc.array(fc.nat(3), { minLength: 10, maxLength: 10 })
  fc.assert(
    fc.property(fc.nat(5_000), latecomers, fc.boolean(), (connections, arrivals, firstAtOnce) => {
      const late = arrivals.reduce((sum, arrived) => sum + arrived)
      for (const ended of simulate(connections, 1_000, { arriving: (step) => arrivals[step] ?? 0, firstAtOnce })) {
        expect(ended).toBeLessThanOrEqual(Math.ceil((connections + late) / 10) + late)
      }
    }),
  )
})
