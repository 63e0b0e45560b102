import { expect, test } from 'vitest'
import { conditionOf } from '../../crds/realm.ts'
import type { CellObserved, Workload } from '../cluster/ports.ts'
import { cellStatus } from './cell-status.ts'
import type { Failure } from './conditions.ts'
import { aCell } from './fixtures.ts'

const workload = (component: Workload['component'], ready = 1, more: Partial<Workload> = {}): Workload => ({
  component,
  wanted: 1,
  updated: 1,
  ready,
  ...more,
})
const working = { connectors: workload('connector'), archipelago: workload('archipelago') }
const statusOf = (observed: Partial<CellObserved> = {}, failure?: Failure) =>
  cellStatus({ cell: aCell(), observed: { ...working, ...observed }, failure, now: 0 })
const claims = (...given: Parameters<typeof statusOf>) =>
  Object.fromEntries(statusOf(...given).conditions?.map(({ type, status, reason }) => [type, `${status} ${reason}`]) ?? [])

test('a cell serves when its connectors and its archipelago work', () => {
  expect(statusOf()).toMatchObject({
    observedGeneration: 1,
    replicas: 1,
    readyReplicas: 1,
    updatedReplicas: 1,
    selector: 'comms.decentraland.org/cell=main-0,app.kubernetes.io/component=connector',
  })
  expect(claims()).toEqual({ Ready: 'True Serving', Stalled: 'False Moving' })
  expect(claims({ connectors: workload('connector', 0) })).toMatchObject({ Ready: 'False ConnectorsNotReady' })
  expect(claims({ archipelago: undefined })).toMatchObject({ Ready: 'False ArchipelagoNotReady' })
})

test('one of several connectors is enough to serve', () => {
  expect(claims({ connectors: workload('connector', 1, { wanted: 3 }) })).toMatchObject({ Ready: 'True Serving' })
})

test('what keeps pods from starting stalls the cell, by name', () => {
  const problem = { code: 'SecretMissing' as const, message: 'no Secret "livekit"' }
  const status = statusOf({ archipelago: workload('archipelago', 0, { problem }) })
  expect(conditionOf({ status }, 'Stalled')).toMatchObject({
    status: 'True',
    reason: 'SecretMissing',
    message: 'archipelago: no Secret "livekit"',
  })
})

test('a refused change stalls the cell and leaves it serving', () => {
  expect(claims({}, { reason: 'Refused', message: 'exceeded quota' })).toEqual({ Ready: 'True Serving', Stalled: 'True Refused' })
  expect(claims({ connectors: undefined }, { reason: 'BusMissing', message: 'no nats' })).toEqual({
    Ready: 'False ApplyFailed',
    Stalled: 'True BusMissing',
  })
})

test('a failure that may pass does not stall', () => {
  expect(claims({ connectors: undefined }, { reason: 'Retrying', message: 'timeout' })).toEqual({
    Ready: 'False ApplyFailed',
    Stalled: 'False Moving',
  })
})
