import { expect, test } from 'vitest'
import { ManualClock } from '../../../cells/chassis/clock.ts'
import { silentLog } from '../../../cells/chassis/log.ts'
import { KubeError } from '../../../cells/kube/kube-error.ts'
import type { Condition } from '../../../crds/realm.ts'
import { aRealm } from '../../desired/realm.fixtures.ts'
import type { WriteParts } from './child-writer.ts'
import { LastApplied } from './last-applied.ts'
import { StatusWriter } from './status-writer.ts'
import type { ReportedStatus } from './transition-times.ts'

const statusOf = (...conditions: [string, Condition['status'], string][]) =>
  ({
    conditions: conditions.map(([type, status, reason]) => ({ type, status, reason, message: 'why', lastTransitionTime: '' })),
  }) as unknown as ReportedStatus

const STATUS_REFUSED = 'failed to create typed patch object (metaverse/main; comms.decentraland.org/v1alpha1, Kind=Realm)'

test('fields that the CRD does not know are left out, and tried again after 30 s', async () => {
  const clock = new ManualClock()
  const known = new Set(['readyReplicas', 'conditions'])
  const sent: string[] = []
  const requeued: number[] = []
  const apply = async (_: unknown, { status }: { status: object }) => {
    sent.push(Object.keys(status).join(' '))
    const field = Object.keys(status).find((name) => !known.has(name))
    if (field) throw new KubeError('PATCH', 500, { message: `${STATUS_REFUSED}: .status.${field}: field not declared in schema` })
    return {}
  }
  const writer = new StatusWriter({
    api: { apply },
    cache: {
      statusFingerprint: () => 'another',
      trackWrite: async (_: string, __: object, write: () => Promise<object>) => void (await write()),
    },
    limiter: { allows: () => true, requeueAfter: (_: object, ms: number) => requeued.push(ms) },
    lastApplied: new LastApplied(),
    log: silentLog,
    clock,
  } as unknown as WriteParts)
  const status = { ...statusOf(['Stalled', 'False', 'NotStalled']), replicas: 1, readyReplicas: 1, players: '1' }
  const report = async () => {
    await writer.report('Realm', aRealm().metadata, undefined, status as ReportedStatus)
    return sent.splice(0)
  }
  const all = 'conditions replicas readyReplicas players'
  expect(await report()).toEqual([all, 'readyReplicas players conditions', 'readyReplicas conditions'])
  expect(await report()).toEqual(['readyReplicas conditions'])
  expect(requeued).toEqual([30_000, 30_000, 30_000])
  clock.advance(30_000)
  known.add('replicas').add('players')
  expect(await report()).toEqual([all])
  expect(requeued).toHaveLength(3)
})

test('a change of Ready or Stalled is logged with its reason, one for the worse as a warning', async () => {
  const lines: string[] = []
  const line =
    (level: string) =>
    ({ condition, reason, message }: Record<string, string>) =>
      lines.push(`${level} ${condition} ${reason} ${message}`)
  const writer = new StatusWriter({
    api: { apply: async () => ({}) },
    cache: {
      statusFingerprint: () => 'another',
      trackWrite: async (_: string, __: object, write: () => Promise<object>) => void (await write()),
    },
    limiter: { allows: () => true },
    lastApplied: new LastApplied(),
    log: { ...silentLog, info: line('info'), warn: line('warn') },
    clock: new ManualClock(),
  } as unknown as WriteParts)
  const report = async (before: ReportedStatus | undefined, after: ReportedStatus) => {
    await writer.report('Realm', aRealm().metadata, before, after)
    return lines.splice(0)
  }
  const starting = statusOf(['Ready', 'False', 'CellsNotReady'], ['Stalled', 'False', 'NotStalled'])
  const works = statusOf(['Ready', 'True', 'AllServing'], ['Stalled', 'False', 'NotStalled'])
  const stalled = statusOf(['Ready', 'True', 'AllServing'], ['Stalled', 'True', 'PodsFailing'])
  expect(await report(undefined, starting)).toEqual(['info Ready CellsNotReady why', 'info Stalled NotStalled why'])
  expect(await report(starting, works)).toEqual(['info Ready AllServing why'])
  expect(await report(works, works)).toEqual([])
  expect(await report(works, stalled)).toEqual(['warn Stalled PodsFailing why'])
  expect(await report(stalled, works)).toEqual(['info Stalled NotStalled why'])
})
