import { expect, test } from 'vitest'
import { conditionOf, type Realm, type RealmStatus } from '../../crds/realm.ts'
import { readCrd, type Schema, schemaOf } from '../../crds/schema.ts'
import { aRealm, site } from '../desired/realm.fixtures.ts'
import { missingFields } from '../desired/status/outdated-crd.ts'
import { alwaysServing } from '../observers/fixtures.ts'
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

test('a realm under the CRD of this release lacks nothing', () => {
  expect(missingFields(aRealm())).toEqual([])
})

test('every field below the spec that the CRD gives a default is missed, unless its parent is optional or missing', () => {
  const paths: string[] = []
  const walk = ({ properties = {} }: Schema, parent: string[]) => {
    for (const [name, schema] of Object.entries(properties)) {
      if (schema.default === undefined) continue
      paths.push([...parent, name].join('.'))
      walk(schema, [...parent, name])
    }
  }
  walk(schemaOf(readCrd('realm.crd.yaml')).properties?.spec ?? {}, [])
  expect(paths.length).toBeGreaterThan(30)
  for (const path of paths) {
    const spec = structuredClone(aRealm().spec) as unknown as Record<string, unknown>
    const fields = path.split('.')
    const last = fields.pop() ?? ''
    delete fields.reduce((inside, field) => inside[field] as Record<string, unknown>, spec)[last]
    expect(missingFields({ spec })).toEqual([`spec.${path}`])
  }
})

test('a realm under an older CRD is stalled with the missing fields and the remedy', async () => {
  const status = await statusOf(without(aRealm(), 'publication', 'rollout', 'networkPolicy'))
  expect(conditionOf({ status }, 'Ready')).toMatchObject({ status: 'False', reason: 'ApplyFailed' })
  expect(conditionOf({ status }, 'Reconciling')).toMatchObject({ status: 'False', reason: 'Stalled' })
  expect(conditionOf({ status }, 'Stalled')).toMatchObject({
    status: 'True',
    reason: 'CrdOutdated',
    message: expect.stringMatching(/no spec\.networkPolicy, spec\.publication, spec\.rollout; apply the CRDs/),
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
