import { expect, test } from 'vitest'
import { spanOf } from './span.ts'
import { waitFor } from './wait.ts'

/** Time that passes only while something sleeps. */
function aClock() {
  let now = 0
  return {
    now: () => now,
    sleep: async (ms: number) => {
      now += ms
    },
  }
}

test('waiting reads once a second until it is done, and tells of each reading', async () => {
  const read: number[] = []
  let value = 0
  const found = await waitFor(
    async () => ++value,
    (each) => each === 4,
    { timeoutMs: 10_000, what: 'four', ports: aClock(), onRead: async (each) => void read.push(each) },
  )
  expect([found, read]).toEqual([4, [1, 2, 3, 4]])
})

test('waiting ends with 124 and what was not reached', async () => {
  let readings = 0
  const never = waitFor(
    async () => ++readings,
    () => false,
    { timeoutMs: 5_000, what: 'the cell is drained', ports: aClock() },
  )
  await expect(never).rejects.toMatchObject({ exitCode: 124, message: 'Not within 5 s: the cell is drained.' })
  expect(readings).toBe(6)
})

test.for([
  ['90s', 90_000],
  ['10m', 600_000],
  ['1h30m', 5_400_000],
  ['', undefined],
  ['10', undefined],
  ['m', undefined],
  ['5m x', undefined],
  ['-5m', undefined],
] as const)('%s is a span of %s ms', ([text, ms]) => {
  expect(spanOf(text)).toBe(ms)
})
