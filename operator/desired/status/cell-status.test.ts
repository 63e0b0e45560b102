import { expect, test } from 'vitest'
import { conditionOf } from '../../../crds/realm.ts'
import type { CellObserved, Workload } from '../../observed/workload.ts'
import { aCell } from '../fixtures.ts'
import { cellStatus } from './cell-status.ts'
import type { Failure } from './conditions.ts'

const workload = (component: Workload['component'], ready = 1, more: Partial<Workload> = {}): Workload => ({
  component,
  wanted: 1,
  updated: 1,
  ready,
  existing: 1,
  ...more,
})
const working = { connectors: workload('connector'), archipelago: workload('archipelago') }
const statusOf = (observed: Partial<CellObserved> = {}, failure?: Failure, cell = aCell()) =>
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
    Stalled: 'False Moving',
    Cordoned: 'False TakesPlayers',
    Draining: 'False PlayersStay',
  })
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
  expect(claims({}, { reason: 'Refused', message: 'exceeded quota' })).toMatchObject({
    Ready: 'True Serving',
    Stalled: 'True Refused',
  })
  expect(claims({ connectors: undefined }, { reason: 'BusMissing', message: 'no nats' })).toMatchObject({
    Ready: 'False ApplyFailed',
    Stalled: 'True BusMissing',
  })
})

test('a failure that may pass does not stall', () => {
  expect(claims({ connectors: undefined }, { reason: 'Retrying', message: 'timeout' })).toMatchObject({
    Ready: 'False ApplyFailed',
    Stalled: 'False Moving',
  })
})

test('a cell says in one word what it does', () => {
  const told = (desiredState: 'Draining' | 'Drained') => ({ ...aCell(), spec: { ...aCell().spec, desiredState } })
  const leaving = workload('connector', 0, { wanted: 0 })
  const gone = workload('connector', 0, { wanted: 0, existing: 0 })
  const served = { ...aCell(), status: { state: 'Serving' as const } }
  expect(statusOf().state).toBe('Serving')
  expect(statusOf({ archipelago: undefined }).state).toBe('Starting')
  expect(statusOf({ archipelago: undefined }, undefined, served).state).toBe('Unhealthy')
  expect(statusOf({}, undefined, told('Draining')).state).toBe('Draining')
  expect(statusOf({ connectors: leaving }, undefined, told('Drained')).state).toBe('Draining')
  expect(statusOf({ connectors: gone }, undefined, told('Drained')).state).toBe('Drained')
})

test('a cordoned cell still works for those who are there; a drained one is ready for nobody', () => {
  const told = (desiredState: 'Draining' | 'Drained') => ({ ...aCell(), spec: { ...aCell().spec, desiredState } })
  expect(claims({}, undefined, told('Draining'))).toMatchObject({
    Ready: 'True Serving',
    Cordoned: 'True AsAsked',
    Draining: 'False PlayersStay',
  })
  const gone = workload('connector', 0, { wanted: 0, existing: 0 })
  expect(claims({ connectors: gone }, undefined, told('Drained'))).toMatchObject({
    Ready: 'False Drained',
    Draining: 'True Empty',
  })
  expect(claims({}, undefined, told('Drained'))).toMatchObject({ Draining: 'True SendingAway' })
})
