import { expect, test } from 'vitest'
import type { Condition, RealmStatus } from '../../crds/realm.ts'
import { blockerEvents, realmEvents } from './notes.ts'

const condition = (type: string, status: Condition['status'], reason: string, message = ''): Condition => ({
  type,
  status,
  reason,
  message,
  lastTransitionTime: '2026-01-01T00:00:00Z',
})
const withCells = (...states: ('Starting' | 'Serving' | 'Unhealthy')[]): RealmStatus => ({
  endpoints: states.map((state, slot) => ({ slot, adapter: '', cell: `main-${slot}`, state })),
})

test('cells that start or stop serving at the same time share an Event', () => {
  expect(realmEvents(undefined, withCells('Starting', 'Starting'))).toEqual([])
  expect(realmEvents(withCells('Starting', 'Starting'), withCells('Serving', 'Serving'))).toEqual([
    { reason: 'CellServing', note: 'main-0, main-1 can take players' },
  ])
  expect(realmEvents(withCells('Serving', 'Serving'), withCells('Serving', 'Unhealthy'))).toEqual([
    { reason: 'CellUnhealthy', note: 'main-1 can no longer take players' },
  ])
  expect(realmEvents(withCells('Serving'), withCells('Serving'))).toEqual([])
})

test('a change of the condition Published is an Event', () => {
  const seen = { conditions: [condition('Published', 'True', 'ServedByProvider', 'served at http://p/main/about')] }
  const waiting = { conditions: [condition('Published', 'False', 'WaitingForProvider', 'not seen yet')] }
  const silent = { conditions: [condition('Published', 'Unknown', 'ProviderUnreachable', 'http://p: timeout')] }
  expect(realmEvents(waiting, seen)).toEqual([{ reason: 'RealmPublished', note: 'served at http://p/main/about' }])
  expect(realmEvents(seen, waiting)).toEqual([{ reason: 'RealmUnpublished', note: 'not seen yet' }])
  expect(realmEvents(waiting, silent)).toEqual([{ reason: 'ProviderUnreachable', note: 'http://p: timeout' }])
  expect(realmEvents(undefined, waiting)).toEqual([])
  expect(realmEvents(seen, seen)).toEqual([])
})

test('each change by autoscaling is one Event, with its reason', () => {
  const chosen = (reason: NonNullable<RealmStatus['autoscale']>['reason'], message: string): RealmStatus => ({
    autoscale: { cells: 1, connectors: 1, changedAt: '2026-01-01T00:00:00Z', reason, message },
  })
  const [calm, up] = [chosen('Started', 'from now on'), chosen('MorePlayers', 'main-0: 1 240 players')]
  expect(realmEvents(calm, up)).toEqual([{ reason: 'ScaledUp', note: 'main-0: 1 240 players' }])
  expect(realmEvents(up, up)).toEqual([])
  expect(realmEvents(up, chosen('FewerPlayers', 'main-0: at most 3'))).toEqual([
    { reason: 'ScaledDown', note: 'main-0: at most 3' },
  ])
  expect(realmEvents(up, chosen('AtMaximum', 'too many'))).toEqual([{ reason: 'ScaleLimited', note: 'too many' }])
  expect(realmEvents(up, chosen('PlayersUnknown', 'the statistics do not answer'))).toEqual([])
  expect(realmEvents(undefined, calm)).toEqual([])
})

test('data that ends with its pod, and each fault of a certificate, are one Event', () => {
  const having = (...conditions: Condition[]) => ({ conditions })
  const ends = condition('DataDurable', 'False', 'EndsWithPod', 'bans are lost')
  expect(realmEvents(undefined, having(ends))).toEqual([{ reason: 'DataEndsWithPod', note: 'bans are lost' }])
  expect(realmEvents(having(ends), having(ends))).toEqual([])
  expect(realmEvents(having(ends), having(condition('DataDurable', 'True', 'OnVolume')))).toEqual([])
  const certificate = (status: Condition['status'], reason: string) =>
    having(condition('CertificateValid', status, reason, reason))
  const [valid, soon, expired] = [
    certificate('True', 'Valid'),
    certificate('True', 'ExpiresSoon'),
    certificate('False', 'Expired'),
  ]
  expect(realmEvents(undefined, valid)).toEqual([])
  expect(realmEvents(valid, soon)).toEqual([{ reason: 'CertificateExpiresSoon', note: 'ExpiresSoon' }])
  expect(realmEvents(soon, expired)).toEqual([{ reason: 'CertificateInvalid', note: 'Expired' }])
  expect(realmEvents(expired, expired)).toEqual([])
  expect(realmEvents(valid, certificate('Unknown', 'NotReached'))).toEqual([])
})

test('a blocker is one Event, and another blocker is another', () => {
  const missing = (name: string) => ({
    conditions: [condition('Stalled', 'True', 'SecretMissing', `secret "${name}" not found`)],
  })
  const refused = { conditions: [condition('Stalled', 'True', 'ApplyRefused', 'Service main exists')] }
  const moving = { conditions: [condition('Stalled', 'False', 'NotStalled', 'nothing keeps the operator from going on')] }
  expect(blockerEvents(moving, missing('a'))).toEqual([{ reason: 'SecretMissing', note: 'secret "a" not found' }])
  expect(blockerEvents(missing('a'), missing('a'))).toEqual([])
  expect(blockerEvents(missing('a'), missing('b'))).toHaveLength(1)
  expect(blockerEvents(missing('a'), refused)).toEqual([{ reason: 'ApplyRefused', note: 'Service main exists' }])
  expect(blockerEvents(refused, moving)).toEqual([])
})
