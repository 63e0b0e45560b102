import { expect, test } from 'vitest'
import { ManualClock } from '../../cells/chassis/clock.ts'
import { silentLog } from '../../cells/chassis/log.ts'
import { Metrics } from '../../cells/chassis/metrics.ts'
import { leadershipBy } from '../leader/leadership.ts'
import { eventMetrics } from './event-metrics.ts'
import type { EventNote } from './event-reasons.ts'
import { EventRecorder, type EventSubject, type RecorderOptions, SERIES_MS, SERIES_WRITE_MS } from './recorder.ts'

const main: EventSubject = { kind: 'Realm', namespace: 'city', name: 'main', uid: 'u1' }
const note: EventNote = { reason: 'CellServing', note: 'main-0 can take players' }

function aRecorder(answer: () => Promise<void> = async () => {}) {
  const clock = new ManualClock()
  const sent: { verb: string; body: Record<string, unknown> }[] = []
  const send = (verb: string) => async (_resource: unknown, first: unknown, second: unknown) => {
    sent.push({ verb, body: (verb === 'create' ? first : second) as Record<string, unknown> })
    await answer()
    return first
  }
  const client = { create: send('create'), merge: send('merge') } as unknown as RecorderOptions['client']
  const lease = { leads: true }
  const leadership = leadershipBy(() => lease.leads)
  const metrics = new Metrics('operator')
  const recorder = new EventRecorder({
    client,
    leadership,
    instance: 'operator-1',
    clock,
    log: silentLog,
    metrics: eventMetrics(metrics),
  })
  const outcomes = async () => {
    const known = await metrics.registry.getSingleMetric('realm_operator_events_total')?.get()
    const total: Record<string, number> = {}
    for (const { labels, value } of known?.values ?? []) total[`${labels.outcome}`] = (total[`${labels.outcome}`] ?? 0) + value
    return total
  }
  return { recorder, clock, sent, lease, outcomes, later: () => new Promise(setImmediate) }
}

test('an Event has a reason, the object it is about and the operator that reports it', async () => {
  const { recorder, sent, later } = aRecorder()
  recorder.record(main, note)
  await later()
  expect(sent).toHaveLength(1)
  expect(sent[0]?.body).toMatchObject({
    apiVersion: 'events.k8s.io/v1',
    metadata: { namespace: 'city', name: expect.stringMatching(/^main\.[0-9a-f]{16}$/) },
    type: 'Normal',
    reason: 'CellServing',
    action: 'Observe',
    note: 'main-0 can take players',
    reportingController: 'comms.decentraland.org/realm-operator',
    reportingInstance: 'operator-1',
    regarding: { kind: 'Realm', namespace: 'city', name: 'main', uid: 'u1' },
  })
})

test('the same note again is counted in the Event that exists, with one write for many', async () => {
  const { recorder, clock, sent, later, outcomes } = aRecorder()
  for (let times = 0; times < 50; times++) {
    recorder.record(main, note)
    clock.advance(100)
  }
  clock.advance(SERIES_WRITE_MS)
  await later()
  expect(sent.map(({ verb }) => verb)).toEqual(['create', 'merge'])
  expect(sent[1]?.body).toEqual({ series: { count: 50, lastObservedTime: expect.stringMatching(/^2025-.*\.\d{6}Z$/) } })
  expect(await outcomes()).toEqual({ sent: 2, repeated: 49 })
  clock.advance(10 * SERIES_WRITE_MS)
  await later()
  expect(sent).toHaveLength(2)
})

test('the same note after a while is a new Event', async () => {
  const { recorder, clock, sent, later } = aRecorder()
  recorder.record(main, note)
  clock.advance(SERIES_MS)
  recorder.record(main, note)
  await later()
  expect(sent.map(({ verb }) => verb)).toEqual(['create', 'create'])
})

test('another note, another object or another reason is another Event', async () => {
  const { recorder, sent, later } = aRecorder()
  recorder.record(main, note)
  recorder.record({ ...main, uid: 'u2' }, note)
  recorder.record(main, { ...note, note: 'main-1 can take players' })
  recorder.record(main, { ...note, reason: 'CellUnhealthy' })
  await later()
  expect(sent).toHaveLength(4)
})

test('an Event the API server refuses is not sent again, and the caller does not wait for it', async () => {
  const { recorder, sent, later, outcomes } = aRecorder(async () => {
    throw new Error('forbidden')
  })
  recorder.record(main, note)
  await later()
  expect(sent).toHaveLength(1)
  expect(await outcomes()).toEqual({ failed: 1 })
})

test('notes recorded while a request hangs wait in a queue of bounded length', async () => {
  let release = () => {}
  const hanging = new Promise<void>((resolve) => {
    release = resolve
  })
  const { recorder, sent, later, outcomes } = aRecorder(() => hanging)
  for (let index = 0; index < 300; index++) recorder.record({ ...main, uid: `u${index}` }, note)
  await later()
  expect(sent).toHaveLength(1)
  release()
  await later()
  expect(sent).toHaveLength(257)
  expect(await outcomes()).toEqual({ sent: 257, capped: 43 })
})

test('an object that changes all the time has a few Events only', async () => {
  const { recorder, sent, later } = aRecorder()
  for (let index = 0; index < 100; index++) recorder.record(main, { ...note, note: `message ${index}` })
  await later()
  expect(sent.length).toBe(25)
})

test('an operator that no longer leads sends no Events', async () => {
  const { recorder, lease, sent, later, outcomes } = aRecorder()
  lease.leads = false
  recorder.record(main, note)
  await later()
  expect(sent).toEqual([])
  expect(await outcomes()).toEqual({ failed: 1 })
})

test('a recorder that is stopped sends nothing more', async () => {
  const { recorder, clock, sent, later } = aRecorder()
  recorder.record(main, note)
  recorder.record(main, note)
  await recorder.stop()
  recorder.record(main, { ...note, note: 'too late' })
  clock.advance(SERIES_WRITE_MS)
  await later()
  expect(sent).toHaveLength(1)
})
