import { describe, expect, test } from 'vitest'
import type { CommsCell } from '../../crds/realm.ts'
import type { Workload } from '../observed/workload.ts'
import { planRealm } from './plan.ts'
import { aRealm, aServingCell, compact, site } from './realm.fixtures.ts'
import { planStatistics } from './statistics.ts'

const split = aRealm()
const declared = compact(split)
const own = (ready: number): Workload[] => [{ component: 'stats', desired: 1, current: 1, updated: ready, ready, existing: 1 }]
const cell = (realm: typeof split, status?: 'True' | 'False'): CommsCell => aServingCell(realm, 0, status)
const draining = (realm: typeof split): CommsCell => ({ ...cell(realm), spec: { ...cell(realm).spec, desiredState: 'Draining' } })

/** What is planned where these cells are to stay, and exist with their states. */
const planOf = (realm: typeof split, cells: readonly CommsCell[], services: Workload[] = [], distributed = true) =>
  planStatistics(realm, { planned: cells, observed: { cells, services }, site: { distributed } })

describe('the statistics', () => {
  test.each([
    ['have a Deployment beside Split cells', planOf(split, [cell(split)], own(1)), { ownDeployment: true, fromCells: false }],
    ['have none beside Compact cells', planOf(declared, [cell(declared)]), { ownDeployment: false, fromCells: true }],
    ['have none in a hibernated Compact realm', planOf(declared, []), { ownDeployment: false, fromCells: true }],
    ['have one in a hibernated Split realm', planOf(split, []), { ownDeployment: true, fromCells: false }],
    [
      'have one on a laptop, whatever the spec says',
      planOf(declared, [], own(1), false),
      { ownDeployment: true, fromCells: false },
    ],
  ])('%s', (_, plan, expected) => expect(plan).toEqual(expected))

  test.each([
    ['keep their Deployment while a Split cell takes players', [cell(split), cell(declared)], true, false],
    ['keep it until a Compact cell serves', [cell(declared, 'False'), draining(split)], true, false],
    ['lose it once the Split cells are drained', [cell(declared), draining(split)], false, true],
  ] as const)('%s', (_, cells, ownDeployment, fromCells) => {
    expect(planOf(declared, cells, own(1))).toEqual({ ownDeployment, fromCells })
  })

  test('are asked in the Compact cells that remain until their new Deployment answers', () => {
    const cells = [cell(declared), cell(split)]
    expect(planOf(split, cells)).toEqual({ ownDeployment: true, fromCells: true })
    expect(planOf(split, cells, own(0))).toEqual({ ownDeployment: true, fromCells: true })
    expect(planOf(split, cells, own(1))).toEqual({ ownDeployment: true, fromCells: false })
  })

  test('get no Deployment back when a Compact cell fails', () => {
    expect(planOf(declared, [cell(declared, 'False')])).toEqual({ ownDeployment: false, fromCells: true })
  })
})

test('another topology is another revision: a new cell beside the one that serves', () => {
  const plan = planRealm(declared, { cells: [cell(split)], services: own(1) }, site)
  expect(plan.cells.map(({ spec }) => [spec.topology, spec.statistics?.realmName])).toEqual([
    ['Split', undefined],
    ['Compact', 'main'],
  ])
  expect(plan.services.map(({ component }) => component)).toEqual(['gatekeeper', 'stats'])
  const reverted = planRealm(split, { cells: [cell(declared)], services: [] }, site)
  expect(reverted.cells.map(({ spec }) => [spec.topology, spec.statistics?.realmName])).toEqual([
    ['Compact', 'main'],
    ['Split', undefined],
  ])
})

test('a Compact cell without LiveKit has one connector, even where it replaces one that was scaled', () => {
  const withoutLivekit = aRealm()
  withoutLivekit.spec.livekit = { type: 'None' }
  const before = cell(withoutLivekit)
  before.spec.connectors.replicas = 3
  const after = (realm: typeof split) =>
    planRealm(realm, { cells: [before], services: [], scaled: new Set(['main-0']) }, site).cells.at(-1)?.spec.connectors.replicas
  expect(after(compact(withoutLivekit))).toBe(1)
  expect(after({ ...withoutLivekit, spec: { ...withoutLivekit.spec, version: '2.0.0' } })).toBe(3)
  expect(after(declared)).toBe(3)
})
