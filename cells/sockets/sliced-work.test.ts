import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { ManualClock } from '../chassis/clock.ts'
import { SlicedWork } from './sliced-work.ts'

/** Tasks that take three milliseconds each; `done` has their names, in order. */
function slowTasks(maxWaiting?: number) {
  const clock = new ManualClock()
  const work = new SlicedWork(clock, maxWaiting)
  const done: string[] = []
  const add = (name: string) =>
    work.do(() => {
      done.push(name)
      clock.advance(3)
    })
  return { work, done, add }
}

test('each turn of the event loop does as much as takes some milliseconds, in the order of arrival', async () => {
  const { work, done, add } = slowTasks()
  for (const name of ['a', 'b', 'c', 'd', 'e']) add(name)
  expect([done, work.waiting]).toEqual([['a', 'b'], 3])
  await nextTurn()
  add('f')
  expect([done, work.waiting]).toEqual([['a', 'b', 'c', 'd'], 2])
  await nextTurn()
  expect([done, work.waiting]).toEqual([['a', 'b', 'c', 'd', 'e', 'f'], 0])
  add('g')
  expect(done.at(-1)).toBe('f')
  await nextTurn()
  expect([done.at(-1), work.waiting]).toEqual(['g', 0])
})

test('what would wait beyond the limit is done at once', () => {
  const { work, done, add } = slowTasks(1)
  for (const name of ['a', 'b', 'c', 'd']) add(name)
  expect([done, work.waiting]).toEqual([['a', 'b', 'd'], 1])
})
