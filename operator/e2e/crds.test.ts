import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { KubeError } from '../../cells/kube/kube-error.ts'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { type Resource, resources } from '../../cells/kube/resources.ts'
import { API_VERSION, type CommsCellSpec, type Realm } from '../../crds/realm.ts'
import { cellResource, realmResource } from '../../crds/resources.ts'
import { useApiServer } from '../../testing/apiserver/use-api-server.ts'
import { badRealms } from '../../testing/bad-objects.ts'
import { withPart } from '../../testing/parts/with-part.ts'
import { aCell } from '../desired/realm.fixtures.ts'

/** What is read of a CRD. */
interface CrdSpec {
  spec: {
    group: string
    scope: 'Cluster' | 'Namespaced'
    names: { kind: string; plural: string }
    versions: { name: string; served: boolean }[]
  }
}

const examplesFolder = new URL('../../examples/', import.meta.url)
const examples = readdirSync(examplesFolder).filter((file) => file.endsWith('.yaml'))

/** Kinds in the examples that a cluster has by itself or by our CRDs. */
const kindsOfEveryCluster: Readonly<Record<string, Resource>> = {
  Realm: realmResource,
  Namespace: resources.Namespace,
  ConfigMap: resources.ConfigMap,
  NetworkPolicy: resources.NetworkPolicy,
  Secret: resources.Secret,
  HorizontalPodAutoscaler: { apiVersion: 'autoscaling/v2', kind: 'HorizontalPodAutoscaler', plural: 'horizontalpodautoscalers' },
}
/** API groups in the examples whose CRDs others bring; examples/gateway.yaml has a test of its own, in gateway.test.ts. */
const GATEWAY_API = 'gateway.networking.k8s.io'
const foreignGroups = [
  'argoproj.io',
  'cert-manager.io',
  'external-secrets.io',
  'keda.sh',
  'kustomize.toolkit.fluxcd.io',
  'source.toolkit.fluxcd.io',
]
const groupOf = ({ apiVersion }: KubeObject) => apiVersion.split('/')[0] ?? ''
const objectsOf = (file: string) =>
  parseAllDocuments(readFileSync(new URL(file, examplesFolder), 'utf8')).map((document) => document.toJS() as KubeObject)

test('every example is listed', () => {
  const list = readFileSync(new URL('README.md', examplesFolder), 'utf8')
  expect(examples.length).toBeGreaterThan(12)
  for (const file of examples) expect(list).toContain(`[${file}](${file})`)
})

withPart('kube', 'the CRDs in a real API server', (part) => {
  const kube = useApiServer(part)

  const aRealm = (name: string, spec: unknown): KubeObject & { spec: unknown } => ({
    apiVersion: API_VERSION,
    kind: 'Realm',
    metadata: { name, namespace: 'default' },
    spec,
  })

  test('the smallest realm is accepted and completed with every default', async () => {
    const { spec } = (await kube.user.create(realmResource, aRealm('smallest', { livekit: { type: 'None' } }))) as Realm
    expect(spec).toMatchObject({
      cells: { replicas: 1, max: 4, template: { connectors: {}, archipelago: { joinDistance: 64, leaveDistance: 80 } } },
      gatekeeper: { replicas: 1, database: { type: 'Embedded' } },
      nats: { type: 'Managed' },
      exposure: { type: 'None' },
      content: { catalysts: [], map: { minimapEnabled: true } },
    })
  })

  /** Applies an object as users are told to, which refuses fields that its kind does not have; nothing is kept. */
  const tryOut = ({ metadata, ...object }: KubeObject, resource: Resource) => {
    const namespace = resource.clusterScoped ? undefined : { namespace: 'default' }
    const options = { fieldManager: 'kubectl', force: false, dryRun: true }
    return kube.user.apply(resource, { ...object, metadata: { ...metadata, ...namespace } }, options)
  }

  for (const file of examples)
    test(`takes every object of examples/${file} that a cluster knows without further CRDs`, async () => {
      const objects = objectsOf(file)
      expect(objects.length).toBeGreaterThan(0)
      for (const object of objects) {
        const resource = kindsOfEveryCluster[object.kind]
        if (resource) expect((await tryOut(object, resource)).metadata.name).toBe(object.metadata.name)
        else expect([...foreignGroups, GATEWAY_API]).toContain(groupOf(object))
      }
    })

  withPart('foreignCrds', 'with the CRDs of the projects whose objects are in the examples', (folder) => {
    const foreign = new Map<string, Resource>()

    beforeAll(async () => {
      for (const file of readdirSync(folder)) {
        const crd = parse(readFileSync(join(folder, file), 'utf8')) as KubeObject & CrdSpec
        const { group, names, versions, scope } = crd.spec
        await kube.user.create(resources.CustomResourceDefinition, crd)
        for (const { name } of versions.filter(({ served }) => served)) {
          const cluster = scope === 'Cluster' && { clusterScoped: true as const }
          foreign.set(`${group}/${name} ${names.kind}`, { ...names, apiVersion: `${group}/${name}`, ...cluster })
        }
      }
    })

    const objects = examples.flatMap((file) =>
      objectsOf(file)
        .filter((object) => foreignGroups.includes(groupOf(object)))
        .map((object) => ({ file, kind: object.kind, object })),
    )

    test('all of them are tried', () => {
      expect([...new Set(objects.map(({ object }) => groupOf(object)))].sort()).toEqual(foreignGroups)
    })

    test.each(objects)('takes the $kind of examples/$file, and no field that it does not have', async ({ object }) => {
      const { spec } = object as { spec?: object }
      const resource = foreign.get(`${object.apiVersion} ${object.kind}`)
      if (!resource) throw new Error(`no CRD serves ${object.apiVersion} ${object.kind}`)
      const applied = () => tryOut(object, resource)
      await vi.waitFor(applied, { timeout: 20_000, interval: 100 })
      const misspelled = { ...object, spec: { ...spec, intervall: '1h' } }
      await expect(tryOut(misspelled, resource)).rejects.toThrow('.spec.intervall: field not declared in schema')
    })
  })

  for (const [index, { title, name, spec, previous, says, at }] of badRealms.entries()) {
    test(`refuses ${title}, with the field and the reason`, async () => {
      const stored = previous ? await kube.user.create(realmResource, aRealm(`bad-${index}`, previous)) : undefined
      const bad = aRealm(name ?? `bad-${index}`, spec)
      const attempt = stored
        ? kube.user.replace(realmResource, { ...stored, ...bad, metadata: stored.metadata })
        : kube.user.create(realmResource, bad)
      const refused = (await attempt.catch((error: unknown) => error)) as KubeError
      expect(refused).toBeInstanceOf(KubeError)
      expect(refused.status).toBe(422)
      expect(refused.message).toMatch(says)
      expect(refused.message).toContain(at.replace(/\.(\d+)/g, '[$1]'))
    })
  }

  describe('a CommsCell, which only the operator creates', () => {
    const cell = (change: (spec: CommsCellSpec) => object = () => ({})) => {
      const { metadata, spec, ...object } = aCell()
      return { ...object, metadata: { name: metadata.name, namespace: 'default' }, spec: { ...spec, ...change(spec) } }
    }
    const create = (object: ReturnType<typeof cell>) =>
      kube.user.create(cellResource, object as unknown as KubeObject, { dryRun: true }).catch((error: unknown) => error)

    test.each<[string, (spec: CommsCellSpec) => object, RegExp | undefined]>([
      ['in one process', () => ({ topology: 'Compact' }), undefined],
      [
        'in one process, with rooms in more than one',
        ({ connectors }) => ({ topology: 'Compact', livekit: undefined, connectors: { ...connectors, replicas: 2 } }),
        /more than one connector needs LiveKit/,
      ],
      [
        'in one process, with CPU and memory of its archipelago',
        ({ archipelago }) => ({ topology: 'Compact', archipelago: { ...archipelago, resources: {} } }),
        /those of connectors.resources/,
      ],
      [
        'in several processes, with statistics',
        () => ({ statistics: { realmName: 'main' } }),
        /only a Compact cell has statistics/,
      ],
      ['in an unknown number of processes', () => ({ topology: 'Tiny' }), /Unsupported value: "Tiny"/],
    ])('%s', async (_, change, says) => {
      const answer = await create(cell(change))
      if (says === undefined) expect(answer).toMatchObject({ spec: { topology: 'Compact' } })
      else expect((answer as Error).message).toMatch(says)
    })

    test('keeps its topology', async () => {
      await kube.user.create(cellResource, cell() as unknown as KubeObject)
      const key = { namespace: 'default', name: cell().metadata.name }
      const refused = kube.user.merge(cellResource, key, { spec: { topology: 'Compact' } })
      await expect(refused).rejects.toThrow(/topology is immutable/)
    })
  })
})
