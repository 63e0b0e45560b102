import type { V1PodTemplateSpec } from '@kubernetes/client-node'
import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import type { Realm } from '../../crds/realm.ts'
import { aCell, aRealm, aRealmWithoutLivekit, platform, site } from './fixtures.ts'
import type { Manifest } from './manifest.ts'
import { cellObjects, mintedSecrets, realmObjects } from './objects.ts'
import { planCell, planRealm } from './plan.ts'

const nothing = { cells: [], services: [] }
const ofRealm = (realm: Realm) => realmObjects(realm, planRealm(realm, nothing, site), platform)
const ofCell = (realm?: Realm) => cellObjects(aCell(realm), planCell(aCell(realm)), platform)
const yaml = (objects: readonly Manifest[]) =>
  objects.map((object) => stringify(object, { aliasDuplicateObjects: false })).join('---\n')
const named = (objects: readonly Manifest[], kind: string, name: string): unknown =>
  objects.find((object) => object.kind === kind && object.metadata.name === name)

const managed = aRealm({ livekit: { type: 'Managed' } })
const exposed = aRealm({
  cells: { replicas: 2, max: 2 },
  exposure: { type: 'Ingress', host: 'main.example.org', className: 'traefik', tlsSecretName: 'main-tls' },
  gatekeeper: { replicas: 2, database: { type: 'External', secret: { name: 'postgres', key: 'url' } } },
})

test('a realm behind an Ingress deserves these objects', async () => {
  await expect(yaml(ofRealm(exposed))).toMatchFileSnapshot('golden/realm.yaml')
})

test('a cell deserves these objects', async () => {
  await expect(yaml(ofCell())).toMatchFileSnapshot('golden/cell.yaml')
})

test('a Managed LiveKit is one Deployment and one Service', async () => {
  const livekit = ofRealm(managed).filter(({ metadata }) => metadata.name === 'main-livekit')
  await expect(yaml(livekit)).toMatchFileSnapshot('golden/livekit.yaml')
})

test('no two objects of a realm and its cells have the same kind and name', () => {
  const names = [...ofRealm(aRealmWithoutLivekit()), ...ofRealm(managed), ...ofCell()].map(
    ({ kind, metadata }) => `${kind} ${metadata.name}`,
  )
  const once = [...ofRealm(aRealmWithoutLivekit()), ...ofCell()].map(({ kind, metadata }) => `${kind} ${metadata.name}`)
  expect(names.length).toBeGreaterThan(once.length)
  expect(new Set(once).size).toBe(once.length)
})

test('everything is labelled as the realm’s, is managed by us and goes with its owner', () => {
  for (const { metadata } of [...ofRealm(exposed), ...ofRealm(managed)]) {
    expect(metadata.labels).toMatchObject({
      'comms.decentraland.org/realm': 'main',
      'app.kubernetes.io/managed-by': 'realm-operator',
    })
    expect(metadata.ownerReferences).toMatchObject([{ kind: 'Realm', name: 'main', uid: 'realm-uid', controller: true }])
  }
  for (const { metadata } of ofCell()) {
    expect(metadata.labels).toMatchObject({ 'comms.decentraland.org/cell': 'main-0', 'comms.decentraland.org/slot': '0' })
    expect(metadata.ownerReferences).toMatchObject([{ kind: 'CommsCell', name: 'main-0', uid: 'main-0-uid', controller: true }])
  }
})

describe('every pod', () => {
  const workloads = [...ofRealm(managed), ...ofCell()].filter(({ kind }) => kind === 'Deployment' || kind === 'StatefulSet')
  test.each(workloads.map((object) => [object.metadata.name, object] as const))(
    'of %s passes the restricted Pod Security profile',
    (_, object) => {
      const { template, selector } = (
        object as Manifest & { spec: { template: V1PodTemplateSpec; selector: { matchLabels: object } } }
      ).spec
      expect(template.spec?.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
      expect(template.spec?.securityContext?.runAsUser).toBeGreaterThan(0)
      expect(template.spec).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false })
      expect(template.spec?.hostNetwork).toBeUndefined()
      for (const container of template.spec?.containers ?? [])
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        })
      for (const volume of template.spec?.volumes ?? []) expect(volume.hostPath).toBeUndefined()
      expect(template.metadata?.labels).toMatchObject(selector.matchLabels)
      expect(template.spec?.containers[0]?.readinessProbe).toBeDefined()
    },
  )
  test('is one of six', () => expect(workloads).toHaveLength(6))
})

test('a version reaches image and version variable, never a label or a selector', () => {
  const digest = `sha256:${'a'.repeat(64)}`
  const objects = ofCell(aRealm({ version: digest }))
  expect(named(objects, 'Deployment', 'main-0-connector')).toMatchObject({
    spec: { template: { spec: { containers: [{ image: `ghcr.io/example/realm@${digest}` }] } } },
  })
  expect(JSON.stringify(objects.map(({ metadata }) => metadata))).not.toContain('sha256')
})

test('a pod gets the drain time of its connectors and some seconds more before it is cut off', () => {
  const realm = aRealm()
  realm.spec.cells.template.connectors.drainSeconds = 300
  expect(named(ofCell(realm), 'Deployment', 'main-0-connector')).toMatchObject({
    spec: { template: { spec: { terminationGracePeriodSeconds: 315 } } },
  })
})

test('a gatekeeper with an embedded database never runs twice, and keeps its files in the claim it was given', () => {
  const kept = ofRealm(aRealm({ gatekeeper: { database: { type: 'Embedded', claimName: 'gatekeeper-data' } } }))
  expect(named(kept, 'Deployment', 'main-gatekeeper')).toMatchObject({
    spec: {
      strategy: { type: 'Recreate' },
      template: {
        spec: {
          containers: [{ volumeMounts: expect.arrayContaining([{ name: 'data', mountPath: '/data' }]) }],
          volumes: expect.arrayContaining([{ name: 'data', persistentVolumeClaim: { claimName: 'gatekeeper-data' } }]),
        },
      },
    },
  })
  expect(named(ofRealm(exposed), 'Deployment', 'main-gatekeeper')).toMatchObject({
    spec: { strategy: { type: 'RollingUpdate' } },
  })
})

test('the Ingress of a realm is the same whatever its cells do', () => {
  const ingress = (replicas: number) =>
    named(ofRealm(aRealm({ ...exposed.spec, cells: { replicas, max: 4 } })), 'Ingress', 'main')
  expect(ingress(3)).toBeDefined()
  expect(ingress(0)).toEqual(ingress(3))
})

test('without a LiveKit the rooms of each slot have an alias and a path of their own', () => {
  const realm = aRealmWithoutLivekit({ cells: { max: 1 }, exposure: { type: 'Ingress', host: 'main.example.org' } })
  const objects = ofRealm(realm)
  expect(named(objects, 'Service', 'main-rooms-0')).toMatchObject({
    spec: { selector: { 'comms.decentraland.org/cell': 'main-0', 'app.kubernetes.io/component': 'archipelago' } },
  })
  expect(JSON.stringify(named(objects, 'Ingress', 'main'))).toContain('"path":"/cells/0/rooms"')
})

test('an External NATS and LiveKit add no object, and no Secret is made up', () => {
  const realm = aRealm({ nats: { type: 'External', urls: ['nats://nats.infra:4222'] } })
  expect(ofRealm(realm).filter(({ metadata }) => /nats|livekit/.test(metadata.name))).toEqual([])
  expect(mintedSecrets(realm)).toEqual([])
  expect(mintedSecrets(managed).map(({ metadata, keys }) => [metadata.name, keys])).toEqual([
    ['main-nats', ['user', 'password']],
    ['main-livekit', ['apiKey', 'apiSecret']],
  ])
})

test('a new realm of one cell is made with few objects', () => {
  expect(ofRealm(exposed).length + mintedSecrets(exposed).length + ofCell().length).toBeLessThanOrEqual(28)
})
