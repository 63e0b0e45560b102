import { expect, test } from 'vitest'
import { type CommsCell, type CommsCellStatus, conditionOf, type Realm, type RealmStatus } from '../../crds/realm.ts'
import { readCrd, type Schema, schemaOf } from '../../crds/schema.ts'
import { aCell, aRealm, site } from '../desired/realm.fixtures.ts'
import { missingFields } from '../desired/status/outdated-crd.ts'
import { alwaysServing } from '../observers/fixtures.ts'
import { cellReconciler } from './cell-reconciler.ts'
import type { Cluster } from './cluster.ts'
import { realmReconciler } from './realm-reconciler.ts'

const clock = { now: () => 0 } as never

/** Runs a pass over a realm as an API server with another CRD delivers it, and returns the status. */
async function statusOf(realm: Realm): Promise<RealmStatus> {
  const reported: RealmStatus[] = []
  const cluster: Partial<Cluster> = { realm: () => realm, reportRealm: async (_, status) => void reported.push(status) }
  const reconcile = realmReconciler({ cluster: cluster as Cluster, site, publication: alwaysServing, clock })
  expect(await reconcile({ namespace: 'default', name: 'main' }, new AbortController().signal)).toEqual({ afterMs: 30_000 })
  return reported[0] ?? {}
}
const without = (realm: Realm, ...fields: string[]): Realm => ({
  ...realm,
  spec: Object.fromEntries(Object.entries(realm.spec).filter(([field]) => !fields.includes(field))) as unknown as Realm['spec'],
})

test('an object under the CRD of this release lacks nothing', () => {
  expect(missingFields('Realm', aRealm())).toEqual([])
  expect(missingFields('CommsCell', aCell())).toEqual([])
})

test.each([
  ['Realm', 'realm.crd.yaml', aRealm(), 35],
  ['CommsCell', 'commscell.crd.yaml', aCell(), 10],
] as const)(
  'every field below the spec of a %s that the CRD gives a default is missed, unless its parent is optional or missing',
  (kind, file, object, atLeast) => {
    const paths: string[] = []
    const walk = ({ properties = {}, required = [] }: Schema, parent: string[]) => {
      for (const [name, schema] of Object.entries(properties)) {
        if (schema.default === undefined && !required.includes(name)) continue
        paths.push([...parent, name].join('.'))
        walk(schema, [...parent, name])
      }
    }
    walk(schemaOf(readCrd(file)).properties?.spec ?? {}, [])
    expect(paths.length).toBeGreaterThanOrEqual(atLeast)
    for (const path of paths) {
      const spec = structuredClone(object.spec) as unknown as Record<string, unknown>
      const fields = path.split('.')
      const last = fields.pop() ?? ''
      delete fields.reduce((inside, field) => inside[field] as Record<string, unknown>, spec)[last]
      expect(missingFields(kind, { spec })).toEqual([`spec.${path}`])
    }
  },
)

test('a realm under an older CRD is stalled with the missing fields and the remedy', async () => {
  const status = await statusOf(without(aRealm(), 'publication', 'rollout', 'networkPolicy'))
  expect(conditionOf({ status }, 'Ready')).toMatchObject({ status: 'False', reason: 'ApplyFailed' })
  expect(conditionOf({ status }, 'Reconciling')).toMatchObject({ status: 'False', reason: 'Stalled' })
  expect(conditionOf({ status }, 'Stalled')).toMatchObject({
    status: 'True',
    reason: 'CrdOutdated',
    message: expect.stringMatching(/realms\.comms.*know spec\.networkPolicy, spec\.publication, spec\.rollout; apply the CRDs/),
  })
})

test('a realm that runs keeps what its status says about players and endpoints', async () => {
  const ready = {
    type: 'Ready',
    status: 'True',
    reason: 'AllServing',
    message: '',
    lastTransitionTime: '2026-01-01T00:00:00Z',
  } as const
  const running = { ...without(aRealm(), 'rollout'), status: { players: '100+', conditions: [ready] } }
  const status = await statusOf(running)
  expect(status).toMatchObject({ players: '100+' })
  expect(conditionOf({ status }, 'Ready')).toEqual(ready)
  expect(conditionOf({ status }, 'Stalled')?.status).toBe('True')
})

test('a cell under an older CRD is stalled with the missing fields, and its pods stay as they are', async () => {
  const { connectors: _, ...spec } = aCell().spec
  const running: CommsCell = { ...aCell(), status: { state: 'Serving', players: '10+' }, spec: spec as CommsCell['spec'] }
  const reported: CommsCellStatus[] = []
  const cluster: Partial<Cluster> = {
    cell: () => running,
    realm: () => aRealm(),
    reportCell: async (_, status) => void reported.push(status),
  }
  const reconcile = cellReconciler({ cluster: cluster as Cluster, site, publication: alwaysServing, clock })
  const cell = { namespace: 'default', name: 'main-0' }
  expect(await reconcile(cell, new AbortController().signal)).toEqual({ afterMs: 30_000 })
  const [status = {}] = reported
  expect(status).toMatchObject({ state: 'Serving', players: '10+', observedGeneration: 1 })
  expect(status.conditions?.map(({ type }) => type)).toEqual(['Ready', 'Reconciling', 'Stalled'])
  expect(conditionOf({ status }, 'Stalled')).toMatchObject({
    reason: 'CrdOutdated',
    message: expect.stringMatching(/commscells\.comms.*know spec\.connectors; apply the CRDs/),
  })
})
