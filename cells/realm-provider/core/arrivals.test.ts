import { expect, test } from 'vitest'
import { anEndpoint } from '../fixtures.ts'
import { Arrivals } from './arrivals.ts'
import { chooseEndpoint } from './placement.ts'

const endpoints = [anEndpoint(0), anEndpoint(1), anEndpoint(2)]
const counted = (...players: number[]) => ({ total: 0, bySlot: new Map(players.entries()) })

/** Sends players one after the other; returns how many were sent to each slot. */
function send(arrivals: Arrivals, count: ReturnType<typeof counted>, players: number): number[] {
  const sent = [0, 0, 0]
  for (let i = 0; i < players; i++) {
    const chosen = chooseEndpoint(endpoints, { assignment: 'LeastLoaded' }, { players: arrivals.expected('main', count) })
    const slot = chosen?.slot ?? -1
    arrivals.add('main', count, slot)
    sent[slot] = (sent[slot] ?? 0) + 1
  }
  return sent
}

test('players who come between two counts are spread as if each were counted at once', () => {
  expect(send(new Arrivals(), counted(10, 0, 5), 300)).toEqual([95, 105, 100])
})

test('a player on the way is expected for two counts, because the first may have missed it', () => {
  const arrivals = new Arrivals()
  const [first, second, third] = [counted(0, 0, 0), counted(0, 0, 0), counted(0, 0, 0)]
  send(arrivals, first, 3)
  expect(arrivals.expected('main', second)).toEqual(counted(1, 1, 1).bySlot)
  expect(arrivals.expected('main', third)).toEqual(third.bySlot)
})

test('realms are counted apart, and nothing is kept of those that are not served any more', () => {
  const arrivals = new Arrivals()
  const count = counted(0, 0, 0)
  send(arrivals, count, 3)
  expect(arrivals.expected('other', count)).toBe(count.bySlot)
  arrivals.retain((realm) => realm !== 'main')
  expect(arrivals.expected('main', count)).toBe(count.bySlot)
})

test('nobody is expected where the players of the slots are not known', () => {
  const arrivals = new Arrivals()
  arrivals.add('main', { total: 7 }, 0)
  expect([arrivals.expected('main', { total: 7 }), arrivals.expected('main', undefined)]).toEqual([undefined, undefined])
})
