import { expect, test } from 'vitest'
import { conditionOf } from '../../../crds/realm.ts'
import type { ObservedCell, Workload } from '../../observed/workload.ts'
import { aCell } from '../fixtures.ts'
import { cellStatus } from './cell-status.ts'
import type { Failure } from './conditions.ts'

const workload = (component: Workload['component'], ready = 1, more: Partial<Workload> = {}): Workload => ({
  component,
  desired: 1,
  updated: 1,
  ready,
  existing: 1,
  ...more,
})
const working = { connectors: workload('connector'), archipelago: workload('archipelago') }
const statusOf = (observed: Partial<ObservedCell> = {}, failure?: Failure, cell = aCell()) =>
  cellStatus({ cell, observed: { ...working, ...observed }, failure, now: 0 })
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
  expect(claims()).toEqual({
    Ready: 'True Serving',
    Reconciling: 'False Settled',
    Stalled: 'False NotStalled',
    Cordoned: 'False NotCordoned',
    Draining: 'False NotDraining',
  })
  expect(claims({ connectors: workload('connector', 0) })).toMatchObject({ Ready: 'False ConnectorsNotReady' })
  expect(claims({ archipelago: undefined })).toMatchObject({ Ready: 'False ArchipelagoNotReady' })
})

test('one of several connectors is enough to serve', () => {
  expect(claims({ connectors: workload('connector', 1, { desired: 3 }) })).toMatchObject({ Ready: 'True Serving' })
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
  expect(claims({}, { reason: 'ApplyRefused', message: 'exceeded quota' })).toMatchObject({
    Ready: 'True Serving',
    Stalled: 'True ApplyRefused',
  })
  expect(claims({ connectors: undefined }, { reason: 'BusMissing', message: 'no nats' })).toMatchObject({
    Ready: 'False ApplyFailed',
    Stalled: 'True BusMissing',
  })
})

test('a failure that may pass does not stall', () => {
  expect(claims({ connectors: undefined }, { reason: 'Retrying', message: 'timeout' })).toMatchObject({
    Ready: 'False ApplyFailed',
    Stalled: 'False NotStalled',
  })
})

test('a cell says in one word what it does', () => {
  const told = (desiredState: 'Draining' | 'Drained') => ({ ...aCell(), spec: { ...aCell().spec, desiredState } })
  const leaving = workload('connector', 0, { desired: 0 })
  const gone = workload('connector', 0, { desired: 0, existing: 0 })
  const served = { ...aCell(), status: { state: 'Serving' as const } }
  expect(statusOf().state).toBe('Serving')
  expect(statusOf({ archipelago: undefined }).state).toBe('Starting')
  expect(statusOf({ archipelago: undefined }, undefined, served).state).toBe('Unhealthy')
  expect(statusOf({}, undefined, told('Draining')).state).toBe('Draining')
  expect(statusOf({ connectors: leaving }, undefined, told('Drained')).state).toBe('Draining')
  expect(statusOf({ connectors: gone }, undefined, told('Drained')).state).toBe('Drained')
})

test('a cordoned cell serves the players it has; a drained one is ready, as its spec asks, once no player is left', () => {
  const told = (desiredState: 'Draining' | 'Drained') => ({ ...aCell(), spec: { ...aCell().spec, desiredState } })
  expect(claims({}, undefined, told('Draining'))).toMatchObject({
    Ready: 'True Serving',
    Cordoned: 'True CordonRequested',
    Draining: 'False NotDraining',
  })
  const gone = workload('connector', 0, { desired: 0, existing: 0 })
  expect(claims({ connectors: gone }, undefined, told('Drained'))).toMatchObject({
    Ready: 'True Drained',
    Reconciling: 'False Settled',
    Draining: 'False Drained',
  })
  expect(claims({}, undefined, told('Drained'))).toMatchObject({
    Ready: 'False Draining',
    Reconciling: 'True Draining',
    Draining: 'True DisconnectingPlayers',
  })
})

test('a cell reconciles until all its pods run what the spec says, and is stalled instead when they cannot', () => {
  const isReconciling = (...given: Parameters<typeof statusOf>) => claims(...given).Reconciling
  expect(isReconciling({ connectors: undefined, archipelago: undefined })).toBe('True Starting')
  expect(isReconciling({ connectors: workload('connector', 1, { desired: 3 }) })).toBe('True Updating')
  expect(isReconciling({ connectors: workload('connector', 1, { updated: 0 }) })).toBe('True Updating')
  expect(isReconciling({ archipelago: workload('archipelago', 0) })).toBe('True Starting')
  expect(isReconciling()).toBe('False Settled')
  expect(isReconciling({}, { reason: 'Retrying', message: 'timeout' })).toBe('True Retrying')
  const problem = { code: 'PodsFailing' as const, message: 'the image cannot be pulled' }
  expect(isReconciling({ connectors: workload('connector', 0, { problem }) })).toBe('False Stalled')
})

test('a failing pod of the template before does not stall a cell whose spec was corrected; a refusal of its new pods does', () => {
  const connectors = (code: 'PodsFailing' | 'PodsRefused') =>
    workload('connector', 0, { updated: 0, problem: { code, message: 'quota' } })
  expect(claims({ connectors: connectors('PodsFailing') })).toMatchObject({
    Reconciling: 'True Updating',
    Stalled: 'False NotStalled',
  })
  expect(claims({ connectors: connectors('PodsRefused') })).toMatchObject({
    Reconciling: 'False Stalled',
    Stalled: 'True PodsRefused',
  })
})
