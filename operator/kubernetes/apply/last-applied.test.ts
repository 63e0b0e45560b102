import { expect, test } from 'vitest'
import { ManualClock } from '../../../cells/chassis/clock.ts'
import { LastApplied } from './last-applied.ts'
import { Requeue } from './requeue.ts'

test('an object in the spelling of the API server is up to date until the manifest or the object changes', () => {
  const lastApplied = new LastApplied()
  expect(lastApplied.isUpToDate('Realm/a', 'Service/x', 'manifest', 'spelled')).toBe(false)
  lastApplied.record('Realm/a', 'Service/x', 'manifest', 'spelled')
  expect(lastApplied.isUpToDate('Realm/a', 'Service/x', 'manifest', 'spelled')).toBe(true)
  expect(lastApplied.isUpToDate('Realm/a', 'Service/x', 'manifest', 'edited')).toBe(false)
  expect(lastApplied.isUpToDate('Realm/a', 'Service/x', 'another manifest', 'spelled')).toBe(false)
})

test('applying the same manifest again is a repair, another manifest is not', () => {
  const lastApplied = new LastApplied()
  lastApplied.record('Realm/a', 'Service/x', 'manifest', 'manifest')
  expect(lastApplied.wasApplied('Realm/a', 'Service/x', 'manifest')).toBe(true)
  expect(lastApplied.wasApplied('Realm/a', 'Service/x', 'new manifest')).toBe(false)
  expect(lastApplied.wasApplied('Realm/b', 'Service/x', 'manifest')).toBe(false)
})

test('forgetting an owner forgets its children', () => {
  const lastApplied = new LastApplied()
  lastApplied.record('Realm/a', 'Service/x', 'manifest', 'manifest')
  lastApplied.record('Realm/a', 'Service/y', 'manifest', 'manifest')
  lastApplied.forget('Realm/a', 'Service/x')
  expect(lastApplied.wasApplied('Realm/a', 'Service/x', 'manifest')).toBe(false)
  lastApplied.forget('Realm/a')
  expect(lastApplied.size).toBe(0)
})

test('of several requests to requeue an object the earliest counts, and is due once', () => {
  const clock = new ManualClock()
  const requeue = new Requeue(clock)
  const due: string[] = []
  const end = requeue.onDue((kind, { namespace, name }) => due.push(`${kind} ${namespace}/${name}`))
  requeue.after('Realm', { namespace: 'city', name: 'main' }, 5000)
  requeue.after('Realm', { namespace: 'city', name: 'main' }, 2000)
  requeue.after('Realm', { namespace: 'city', name: 'main' }, 9000)
  clock.advance(2000)
  expect(due).toEqual(['Realm city/main'])
  clock.advance(10_000)
  expect(due).toHaveLength(1)
  end()
  requeue.after('Realm', { namespace: 'city', name: 'main' }, 1)
  clock.advance(1)
  expect(due).toHaveLength(1)
})
