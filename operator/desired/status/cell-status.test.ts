import { expect, test } from 'vitest'
import { conditionOf } from '../../../crds/realm.ts'
import type { ObservedCell, Workload } from '../../observed/workload.ts'
import { aCell, aRealm, compact } from '../realm.fixtures.ts'
import { cellStatus } from './cell-status.ts'
import type { Failure } from './conditions.ts'

const DAY_MS = 86_400_000

const workload = (component: Workload['component'], ready = 1, more: Partial<Workload> = {}): Workload => ({
  component,
  desired: 1,
  current: 1,
  updated: ready,
  ready,
  existing: 1,
  ...more,
})
const working = { connectors: workload('connector'), archipelago: workload('archipelago') }
const statusOf = (observed: Partial<ObservedCell> = {}, failure?: Failure, cell = aCell()) =>
  cellStatus({ cell, observed: { ...working, ...observed }, failure, now: 0 })
const conditions = (...given: Parameters<typeof statusOf>) =>
  Object.fromEntries(statusOf(...given).conditions?.map(({ type, status, reason }) => [type, `${status} ${reason}`]) ?? [])

test('a cell serves when its connectors and its archipelago work', () => {
  expect(statusOf()).toMatchObject({
    observedGeneration: 1,
    replicas: 1,
    readyReplicas: 1,
    updatedReplicas: 1,
    selector: 'comms.decentraland.org/cell=main-0,app.kubernetes.io/component=connector',
  })
  expect(conditions()).toEqual({
    Ready: 'True Serving',
    Reconciling: 'False Settled',
    Stalled: 'False NotStalled',
    Cordoned: 'False NotCordoned',
    Draining: 'False NotDraining',
  })
  expect(conditions({ connectors: workload('connector', 0) })).toMatchObject({ Ready: 'False ConnectorsNotReady' })
  expect(conditions({ archipelago: undefined })).toMatchObject({ Ready: 'False ArchipelagoNotReady' })
})

test('a Compact cell serves when its one workload does, whatever is left of another', () => {
  const cell = aCell(compact(aRealm()))
  const problem = { code: 'PodsFailing' as const, message: 'crashes' }
  for (const archipelago of [undefined, workload('archipelago', 0, { problem })])
    expect(conditions({ archipelago }, undefined, cell)).toMatchObject({
      Ready: 'True Serving',
      Reconciling: 'False Settled',
      Stalled: 'False NotStalled',
    })
  expect(conditions({ connectors: workload('connector', 0) }, undefined, cell)).toMatchObject({
    Ready: 'False ConnectorsNotReady',
    Reconciling: 'True Starting',
  })
})

test('one of several connectors is enough to serve', () => {
  expect(conditions({ connectors: workload('connector', 1, { desired: 3 }) })).toMatchObject({ Ready: 'True Serving' })
})

test('a problem of its pods stalls the cell, with the component in the message', () => {
  const problem = { code: 'SecretMissing' as const, message: 'no Secret "livekit"' }
  const status = statusOf({ archipelago: workload('archipelago', 0, { problem }) })
  expect(conditionOf({ status }, 'Stalled')).toMatchObject({
    status: 'True',
    reason: 'SecretMissing',
    message: 'archipelago: no Secret "livekit"',
  })
})

test('a change that the API server refuses stalls the cell and leaves it serving', () => {
  expect(conditions({}, { reason: 'ApplyRefused', message: 'exceeded quota' })).toMatchObject({
    Ready: 'True Serving',
    Stalled: 'True ApplyRefused',
  })
  expect(conditions({ connectors: undefined }, { reason: 'BusMissing', message: 'no nats' })).toMatchObject({
    Ready: 'False ApplyFailed',
    Stalled: 'True BusMissing',
  })
})

test('a failure that may pass does not stall the cell', () => {
  expect(conditions({ connectors: undefined }, { reason: 'Retrying', message: 'timeout' })).toMatchObject({
    Ready: 'False ApplyFailed',
    Stalled: 'False NotStalled',
  })
})

test('the state of a cell is one word', () => {
  const withState = (desiredState: 'Draining' | 'Drained') => ({ ...aCell(), spec: { ...aCell().spec, desiredState } })
  const draining = workload('connector', 0, { desired: 0 })
  const none = workload('connector', 0, { desired: 0, existing: 0 })
  const served = { ...aCell(), status: { state: 'Serving' as const } }
  expect(statusOf().state).toBe('Serving')
  expect(statusOf({ archipelago: undefined }).state).toBe('Starting')
  expect(statusOf({ archipelago: undefined }, undefined, served).state).toBe('Unhealthy')
  expect(statusOf({}, undefined, withState('Draining')).state).toBe('Draining')
  expect(statusOf({ connectors: draining }, undefined, withState('Drained')).state).toBe('Draining')
  expect(statusOf({ connectors: none }, undefined, withState('Drained')).state).toBe('Drained')
})

test('a cordoned cell serves the players it has; a drained one is ready, as its spec asks, once no player is left', () => {
  const withState = (desiredState: 'Draining' | 'Drained') => ({ ...aCell(), spec: { ...aCell().spec, desiredState } })
  expect(conditions({}, undefined, withState('Draining'))).toMatchObject({
    Ready: 'True Serving',
    Cordoned: 'True CordonRequested',
    Draining: 'False NotDraining',
  })
  const none = workload('connector', 0, { desired: 0, existing: 0 })
  expect(conditions({ connectors: none }, undefined, withState('Drained'))).toMatchObject({
    Ready: 'True Drained',
    Reconciling: 'False Settled',
    Draining: 'False Drained',
  })
  expect(conditions({}, undefined, withState('Drained'))).toMatchObject({
    Ready: 'False Draining',
    Reconciling: 'True Draining',
    Draining: 'True DisconnectingPlayers',
  })
})

test('a cell reconciles until all its pods run what the spec says, and is stalled instead when they cannot', () => {
  const isReconciling = (...given: Parameters<typeof statusOf>) => conditions(...given).Reconciling
  expect(isReconciling({ connectors: undefined, archipelago: undefined })).toBe('True Starting')
  expect(isReconciling({ connectors: workload('connector', 1, { desired: 3 }) })).toBe('True Updating')
  expect(isReconciling({ connectors: workload('connector', 1, { updated: 0 }) })).toBe('True Starting')
  expect(isReconciling({ connectors: workload('connector', 1, { current: 0, updated: 0 }) })).toBe('True Updating')
  expect(isReconciling({ archipelago: workload('archipelago', 0) })).toBe('True Starting')
  expect(isReconciling()).toBe('False Settled')
  expect(isReconciling({}, { reason: 'Retrying', message: 'timeout' })).toBe('True Retrying')
  const problem = { code: 'PodsFailing' as const, message: 'the image cannot be pulled' }
  expect(isReconciling({ connectors: workload('connector', 0, { problem }) })).toBe('False Stalled')
})

test('new pods that do not start stall the cell, although the pods before them are ready', () => {
  const problem = { code: 'PodsFailing' as const, message: 'no node takes the pod: Insufficient cpu' }
  const connectors = workload('connector', 1, { updated: 0, existing: 2, problem })
  expect(conditions({ connectors })).toMatchObject({
    Ready: 'True Serving',
    Stalled: 'True PodsFailing',
    Reconciling: 'False Stalled',
  })
  expect(statusOf({ connectors })).toMatchObject({ replicas: 1, readyReplicas: 1, updatedReplicas: 0 })
})

test('a failing pod of the template before does not stall a cell whose spec was corrected; a refusal of its new pods does', () => {
  const connectors = (code: 'PodsFailing' | 'PodsRefused') =>
    workload('connector', 0, { current: 0, updated: 0, problem: { code, message: 'quota' } })
  expect(conditions({ connectors: connectors('PodsFailing') })).toMatchObject({
    Reconciling: 'True Updating',
    Stalled: 'False NotStalled',
  })
  expect(conditions({ connectors: connectors('PodsRefused') })).toMatchObject({
    Reconciling: 'False Stalled',
    Stalled: 'True PodsRefused',
  })
})

test('what may pass by itself is named at once, and stalls the cell only after a while', () => {
  const problem = { code: 'PodsFailing' as const, message: 'no node takes the pod: Insufficient cpu', since: 1_000 }
  const connectors = workload('connector', 1, { desired: 2, current: 2, updated: 1, problem })
  const at = (now: number) => {
    const status = cellStatus({ cell: aCell(), observed: { ...working, connectors }, failure: undefined, now })
    return { reconciling: conditionOf({ status }, 'Reconciling'), stalled: conditionOf({ status }, 'Stalled') }
  }
  const message = `connector: ${problem.message}`
  for (const now of [1_000, 45_999]) {
    expect(at(now)).toMatchObject({
      reconciling: { status: 'True', reason: 'PodsWaiting', message },
      stalled: { status: 'False' },
    })
  }
  expect(at(46_000)).toMatchObject({
    reconciling: { status: 'False', reason: 'Stalled' },
    stalled: { status: 'True', reason: 'PodsFailing', message },
  })
  // The clock of the node is ahead, so it cannot be told how long the problem has lasted.
  expect(at(-DAY_MS)).toMatchObject({ stalled: { status: 'True' } })
})

test('a condition keeps the time of its transition, unless a wrong clock put it into the future', () => {
  const stampsAt = (now: number, cell = aCell()) => {
    const status = cellStatus({ cell, observed: working, failure: undefined, now })
    return {
      cell: { ...cell, status },
      stamps: [...new Set(status.conditions?.map(({ lastTransitionTime }) => lastTransitionTime))],
    }
  }
  const ahead = stampsAt(DAY_MS)
  expect(ahead.stamps).toEqual(['1970-01-02T00:00:00Z'])
  expect(stampsAt(2 * DAY_MS, ahead.cell).stamps).toEqual(['1970-01-02T00:00:00Z'])
  expect(stampsAt(DAY_MS - 60_000, ahead.cell).stamps).toEqual(['1970-01-02T00:00:00Z'])
  expect(stampsAt(3_000, ahead.cell).stamps).toEqual(['1970-01-01T00:00:03Z'])
})
