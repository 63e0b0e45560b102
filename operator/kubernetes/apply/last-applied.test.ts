import { expect, test } from 'vitest'
import { ManualClock } from '../../../cells/chassis/clock.ts'
import { LastApplied } from './last-applied.ts'
import { createRequeue } from './requeue.ts'

test('what the API server spells in its own way is as wished, until either changes', () => {
  const wishes = new LastApplied()
  expect(wishes.isMet('Realm/a', 'Service/x', 'wish', 'spelled')).toBe(false)
  wishes.met('Realm/a', 'Service/x', 'wish', 'spelled')
  expect(wishes.isMet('Realm/a', 'Service/x', 'wish', 'spelled')).toBe(true)
  expect(wishes.isMet('Realm/a', 'Service/x', 'wish', 'edited')).toBe(false)
  expect(wishes.isMet('Realm/a', 'Service/x', 'another wish', 'spelled')).toBe(false)
})

test('the same wish again is a repair, another one is not', () => {
  const wishes = new LastApplied()
  wishes.met('Realm/a', 'Service/x', 'wish', 'wish')
  expect(wishes.wasMet('Realm/a', 'Service/x', 'wish')).toBe(true)
  expect(wishes.wasMet('Realm/a', 'Service/x', 'new wish')).toBe(false)
  expect(wishes.wasMet('Realm/b', 'Service/x', 'wish')).toBe(false)
})

test('an owner that goes takes with it what is remembered of its children', () => {
  const wishes = new LastApplied()
  wishes.met('Realm/a', 'Service/x', 'wish', 'wish')
  wishes.met('Realm/a', 'Service/y', 'wish', 'wish')
  wishes.forget('Realm/a', 'Service/x')
  expect(wishes.wasMet('Realm/a', 'Service/x', 'wish')).toBe(false)
  wishes.forget('Realm/a')
  expect(wishes.size).toBe(0)
})

test('of several wishes to look again the earliest wins, and is told once', () => {
  const clock = new ManualClock()
  const wakes = createRequeue(clock)
  const told: string[] = []
  const end = wakes.onWake((kind, { namespace, name }) => told.push(`${kind} ${namespace}/${name}`))
  wakes.later('Realm', { namespace: 'city', name: 'main' }, 5000)
  wakes.later('Realm', { namespace: 'city', name: 'main' }, 2000)
  wakes.later('Realm', { namespace: 'city', name: 'main' }, 9000)
  clock.advance(2000)
  expect(told).toEqual(['Realm city/main'])
  clock.advance(10_000)
  expect(told).toHaveLength(1)
  end()
  wakes.later('Realm', { namespace: 'city', name: 'main' }, 1)
  clock.advance(1)
  expect(told).toHaveLength(1)
})
