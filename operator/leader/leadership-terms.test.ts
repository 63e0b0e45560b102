import { expect, test } from 'vitest'
import { ManualClock } from '../../cells/chassis/clock.ts'
import { LeadershipTerms } from './leadership-terms.ts'

function aWorld() {
  const events: string[] = []
  let count = 0
  const release: (() => void)[] = []
  const clock = new ManualClock()
  const terms = new LeadershipTerms(() => {
    const term = ++count
    events.push(`begin ${term}`)
    return {
      loop: { waiting: [`Realm/a/${term}`], fault: () => `fault of ${term}` },
      stop: () =>
        new Promise((resolve) => {
          events.push(`end ${term}`)
          release.push(resolve)
        }),
    }
  }, clock)
  const later = () => new Promise(setImmediate)
  return { terms, clock, events, release, later }
}

test('a term begins when nothing of the last one is under way', async () => {
  const { terms, events, release, later } = aWorld()
  terms.begin()
  await later()
  terms.end()
  terms.begin()
  await later()
  expect([events, terms.waiting]).toEqual([['begin 1', 'end 1'], []])
  release[0]?.()
  await later()
  expect([events, terms.waiting]).toEqual([['begin 1', 'end 1', 'begin 2'], ['Realm/a/2']])
})

test('after a stop no term begins', async () => {
  const { terms, events, later } = aWorld()
  await terms.stop()
  terms.begin()
  await later()
  expect(events).toEqual([])
})

test('a term that does not end is a fault after five minutes, and so is what its loop finds', async () => {
  const { terms, clock, release, later } = aWorld()
  expect(terms.fault()).toBeUndefined()
  terms.begin()
  await later()
  expect(terms.fault()).toBe('fault of 1')
  terms.end()
  await later()
  clock.advance(300_000)
  expect(terms.fault()).toBeUndefined()
  clock.advance(1)
  expect(terms.fault()).toBe('a term of leadership does not end')
  release[0]?.()
  await later()
  expect(terms.fault()).toBeUndefined()
})
