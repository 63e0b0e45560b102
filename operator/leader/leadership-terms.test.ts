import { expect, test } from 'vitest'
import { LeadershipTerms } from './leadership-terms.ts'

function aWorld() {
  const events: string[] = []
  let count = 0
  const release: (() => void)[] = []
  const terms = new LeadershipTerms(() => {
    const term = ++count
    events.push(`begin ${term}`)
    return {
      loop: { waiting: [`Realm/a/${term}`] },
      stop: () =>
        new Promise((resolve) => {
          events.push(`end ${term}`)
          release.push(resolve)
        }),
    }
  })
  const later = () => new Promise(setImmediate)
  return { terms, events, release, later }
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
