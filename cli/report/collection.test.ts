import { expect, test } from 'vitest'
import { KubeError } from '../../cells/kube/kube-error.ts'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { aRealm } from '../../operator/desired/realm.fixtures.ts'
import type { ClusterNamespace } from '../cluster/cluster.ts'
import { adder, type Collection, collect } from './collection.ts'

test('the limit is of all files together, also of those that are added later', () => {
  const collection: Collection = { texts: new Map(), missing: [] }
  adder(collection, { maxBytes: 10 })('objects', '12345678')
  const add = adder(collection, { maxBytes: 10 })
  add('checks', '123')
  add('versions', '12')
  expect([...collection.texts.keys()]).toEqual(['objects', 'versions'])
  expect(collection.missing).toMatchObject([{ what: 'checks' }])
})

/** A cluster with these objects, by the last part of the path of their collection. */
function aCluster(objects: Record<string, KubeObject[] | KubeError>): ClusterNamespace {
  const of = (plural: string) => {
    const found = objects[plural] ?? []
    if (found instanceof KubeError) throw found
    return found
  }
  const client = {
    list: async (path: string) => ({ items: of(path.split('/').at(-1) ?? '') }),
    get: async ({ plural }: { plural: string }, { namespace, name }: { namespace: string; name: string }) =>
      of(plural).find(({ metadata }) => metadata.namespace === namespace && metadata.name === name),
  }
  return { client, raw: {}, namespace: 'metaverse' } as unknown as ClusterNamespace
}
const limits = { endsAt: 1, now: () => 0, maxBytes: 100_000 }
const edge = { apiVersion: 'v1', kind: 'Gateway', metadata: { name: 'edge', namespace: 'infra' } }
const route = { apiVersion: 'v1', kind: 'HTTPRoute', metadata: { name: 'main', namespace: 'metaverse' } }
const noSuchKind = new KubeError('GET /apis', 404, { message: 'the server could not find the requested resource' })

test('of a realm at a Gateway the HTTPRoutes and the Gateway are collected, as far as they can be read', async () => {
  const realm = aRealm({ exposure: { type: 'Gateway', host: 'main.example.org', gateway: { name: 'edge', namespace: 'infra' } } })
  const { texts } = await collect(aCluster({ httproutes: [route], gateways: [edge] }), realm, limits)
  expect(texts.get('objects/httproutes.yaml')).toContain('name: main')
  expect(texts.get('objects/gateway.yaml')).toContain('name: edge')
  const refused = new KubeError('GET /apis', 403, { message: 'gateways is forbidden' })
  const { missing } = await collect(aCluster({ httproutes: noSuchKind, gateways: refused }), realm, limits)
  expect(missing.map(({ what }) => what)).toEqual(['httproutes', 'gateway'])
})

test('of another realm HTTPRoutes are collected where it has some left, and not missed where the cluster has none', async () => {
  const realm = aRealm({ exposure: { type: 'Ingress', host: 'main.example.org' } })
  const { texts } = await collect(aCluster({ httproutes: [route] }), realm, limits)
  expect(texts.get('objects/httproutes.yaml')).toContain('name: main')
  expect((await collect(aCluster({ httproutes: noSuchKind }), realm, limits)).missing).toEqual([])
})
