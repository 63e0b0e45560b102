import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseAllDocuments } from 'yaml'
import { KubeError } from '../../cells/kube/kube-error.ts'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { type Resource, resources } from '../../cells/kube/resources.ts'
import { API_VERSION, type CommsCellSpec, type Realm } from '../../crds/realm.ts'
import { cellResource, realmResource } from '../../crds/resources.ts'
import { useApiServer } from '../../testing/apiserver/use-api-server.ts'
import { badRealms } from '../../testing/bad-objects.ts'
import { withPart } from '../../testing/parts/with-part.ts'
import { aCell } from '../desired/realm.fixtures.ts'

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
/** API groups in the examples whose CRDs others bring. */
const foreignGroups = [
  'argoproj.io',
  'cert-manager.io',
  'external-secrets.io',
  'gateway.networking.k8s.io',
  'keda.sh',
  'kustomize.toolkit.fluxcd.io',
  'source.toolkit.fluxcd.io',
]

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

  for (const file of examples)
    test(`takes every object of examples/${file} that a cluster knows without further CRDs`, async () => {
      const documents = parseAllDocuments(readFileSync(new URL(file, examplesFolder), 'utf8')).map(
        (document) => document.toJS() as KubeObject,
      )
      expect(documents.length).toBeGreaterThan(0)
      for (const { metadata, ...object } of documents) {
        const resource = kindsOfEveryCluster[object.kind]
        if (!resource) {
          expect(foreignGroups, object.apiVersion).toContain(object.apiVersion.split('/')[0])
          continue
        }
        const namespace = object.kind === 'Namespace' ? undefined : { namespace: 'default' }
        const created = await kube.user.create(resource, { ...object, metadata: { ...metadata, ...namespace } }, { dryRun: true })
        expect(created.metadata.name).toBe(metadata.name)
      }
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
