import { expect, test } from 'vitest'
import { createLanes } from './lanes.ts'

const turn = () => new Promise(setImmediate)

test('what comes while every lane is taken waits, and gets its turn in order', async () => {
  const lanes = createLanes(2)
  const begun: number[] = []
  const ends: (() => void)[] = []
  const outcomes = [0, 1, 2, 3].map((n) =>
    lanes.run(async () => {
      begun.push(n)
      await new Promise<void>((resolve) => ends.push(resolve))
      return n
    }),
  )
  await turn()
  expect(begun).toEqual([0, 1])
  ends[1]?.()
  await turn()
  expect(begun).toEqual([0, 1, 2])
  ends[0]?.()
  await turn()
  for (const end of ends) end()
  await turn()
  for (const end of ends) end()
  expect(await Promise.all(outcomes)).toEqual([0, 1, 2, 3])
})

test('a lane in which something failed is free again', async () => {
  const lanes = createLanes(1)
  await expect(lanes.run(() => Promise.reject(new Error('broken')))).rejects.toThrow('broken')
  expect(await lanes.run(async () => 'well')).toBe('well')
})
