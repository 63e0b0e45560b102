import { expect, test } from 'vitest'
import type { CommsCell } from '../../../crds/realm.ts'
import type { ObservedCell, Workload } from '../../observed/workload.ts'
import { aRealm, aServingCell } from '../realm.fixtures.ts'
import { playersOfCell } from './cell-players.ts'
import { cellStatus } from './cell-status.ts'

const workload = (component: Workload['component'], ready: number): Workload => ({
  ...{ component, desired: 1, current: 1, updated: ready, ready, existing: ready },
})
const observed = (ready: number): ObservedCell => ({
  connectors: workload('connector', ready),
  archipelago: workload('archipelago', ready),
})
const named = (name: string, desiredState?: CommsCell['spec']['desiredState'], isUp: 'True' | 'False' = 'True'): CommsCell => {
  const cell = aServingCell(aRealm(), 0, isUp)
  return { ...cell, metadata: { ...cell.metadata, name }, spec: { ...cell.spec, ...(desiredState && { desiredState }) } }
}
const bySlot = new Map([[0, 40]])
/** A realm whose slot 0 this cell has. */
const served = (cell: string) => ({
  ...aRealm(),
  status: { endpoints: [{ slot: 0, cell, adapter: '', state: 'Serving' as const }] },
})

test('a cell that is alone in its slot has the players of the slot, as far as they are known', () => {
  const cell = named('main-0')
  expect(playersOfCell(served('main-0'), cell, observed(1), [cell], bySlot)).toBe(40)
  expect(playersOfCell(undefined, cell, observed(1), [cell], bySlot)).toBe(40)
  expect(playersOfCell(served('main-0'), cell, observed(1), [cell], undefined)).toBeUndefined()
})

test('a new cell has no player until it gets the slot, whether its pods run or not', () => {
  const [before, after] = [named('main-0'), named('main-0-new')]
  for (const isUp of ['True', 'False'] as const) {
    const cells = [before, named('main-0-new', undefined, isUp)]
    expect(playersOfCell(served('main-0'), after, observed(isUp === 'True' ? 1 : 0), cells, bySlot)).toBe(0)
    expect(playersOfCell(served('main-0'), before, observed(1), cells, bySlot)).toBe(40)
  }
})

test('while a cell is drained the status of neither of the two has a number', () => {
  const cells = [named('main-0', 'Drained'), named('main-0-new')]
  for (const cell of cells) expect(playersOfCell(served('main-0-new'), cell, observed(1), cells, bySlot)).toBe('shared')
  const none = { connectors: { ...workload('connector', 0), desired: 0 }, archipelago: undefined }
  expect(playersOfCell(served('main-0-new'), named('main-0', 'Drained'), none, cells, bySlot)).toBe(0)
  const cell = { ...named('main-0-new'), status: { ...named('main-0-new').status, players: '10+' } } as CommsCell
  const statusOf = (players: 'shared' | undefined) =>
    cellStatus({ cell, observed: observed(1), players, failure: undefined, now: 0 })
  expect([statusOf('shared').players, statusOf(undefined).players]).toEqual([undefined, '10+'])
})
