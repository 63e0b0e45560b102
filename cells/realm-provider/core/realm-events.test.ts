import { expect, test } from 'vitest'
import { type KubernetesEvent, latestEvents, type RealmEvent, realmEvent, realmOfEvent } from './realm-events.ts'

const live = (given: Partial<KubernetesEvent> = {}): KubernetesEvent => ({
  metadata: { name: 'main.1', namespace: 'realms', creationTimestamp: '2026-01-01T00:00:00Z' },
  eventTime: '2026-01-01T00:00:01.000000Z',
  type: 'Warning',
  reason: 'CellNotReady',
  note: 'the connector does not start',
  regarding: { kind: 'Realm', namespace: 'realms', name: 'main' },
  ...given,
})

test('an Event is shown with the time at which it was last seen, and how often that was', () => {
  expect(realmEvent(live())).toEqual({
    at: '2026-01-01T00:00:01.000000Z',
    kind: 'Realm',
    key: { namespace: 'realms', name: 'main' },
    type: 'Warning',
    reason: 'CellNotReady',
    message: 'the connector does not start',
    count: 1,
  })
  const series = { count: 7, lastObservedTime: '2026-01-01T00:05:00.000000Z' }
  expect(realmEvent(live({ series }))).toMatchObject({ at: series.lastObservedTime, count: 7 })
})

test('what a tenant wrote into an Event is about its own namespace, and cut to a bounded length', () => {
  const hostile = live({ regarding: { kind: 'Realm', namespace: 'other', name: 'main' }, note: 'x'.repeat(5_000), type: 'Odd' })
  const { key, message, type } = realmEvent(hostile)
  expect([key.namespace, message.length, type]).toEqual(['realms', 300, 'Normal'])
  expect(realmEvent({ metadata: { name: 'bare', namespace: 'realms' } })).toMatchObject({ at: '', kind: '', count: 1 })
})

test('the latest Events are kept, and a namespace with thousands takes no room from another', () => {
  const at = (n: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, n)).toISOString()
  const one = (namespace: string, n: number): RealmEvent => ({
    ...realmEvent(live()),
    key: { namespace, name: `r${n}` },
    at: at(n),
  })
  const flood = Array.from({ length: 3_000 }, (_, n) => one('flood', n))
  const kept = latestEvents([one('quiet', 1), ...flood, one('quiet', 2)])
  expect(kept).toHaveLength(200)
  expect(kept.filter(({ key }) => key.namespace === 'quiet').map(({ key }) => key.name)).toEqual(['r2', 'r1'])
  expect(kept[0]?.key.name).toBe('r2999')
})

test('an Event of a CommsCell belongs to the realm that has an endpoint in it', () => {
  const cells = new Map([['realms/main-slot-0', 'realms/main']])
  const event = realmEvent(live({ regarding: { kind: 'CommsCell', name: 'main-slot-0' } }))
  expect(realmOfEvent(event, cells)).toBe('realms/main')
  expect(realmOfEvent(event, new Map())).toBeUndefined()
  expect(realmOfEvent(realmEvent(live()), new Map())).toBe('realms/main')
})
