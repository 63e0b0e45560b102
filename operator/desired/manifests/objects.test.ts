import type { V1PodTemplateSpec } from '@kubernetes/client-node'
import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import type { Realm } from '../../../crds/realm.ts'
import type { TakenHost } from '../../observed/workload.ts'
import { planCell, planRealm } from '../plan.ts'
import type { Pods } from '../pod-overrides.ts'
import { aCell, aRealm, aRealmWithoutLivekit, compact, platform, site } from '../realm.fixtures.ts'
import { planWorld } from '../world-plan.ts'
import type { Ingress } from './ingress.ts'
import type { KubeManifest } from './kube-manifest.ts'
import { cellObjects, generatedSecrets, realmObjects } from './objects.ts'

const nothing = { cells: [], services: [] }
const ofRealm = (realm: Realm) => realmObjects(realm, planRealm(realm, nothing, site), platform)
const ofCell = (realm?: Realm) => cellObjects(aCell(realm), planCell(aCell(realm)), platform)
const yaml = (objects: readonly KubeManifest[]) =>
  objects.map((object) => stringify(object, { aliasDuplicateObjects: false })).join('---\n')
const named = (objects: readonly KubeManifest[], kind: string, name: string): unknown =>
  objects.find((object) => object.kind === kind && object.metadata.name === name)

const managed = aRealm({ livekit: { type: 'Managed' } })
const exposed = aRealm({
  cells: { replicas: 2, max: 2 },
  exposure: { type: 'Ingress', host: 'main.example.org', className: 'traefik', tlsSecretName: 'main-tls' },
  gatekeeper: {
    replicas: 2,
    database: { type: 'External', secret: { name: 'postgres', key: 'url' } },
    hosts: ['gatekeeper.example.org'],
    tlsSecretName: 'gatekeeper-tls',
  },
})

test('a realm behind an Ingress has these objects', async () => {
  await expect(yaml(ofRealm(exposed))).toMatchFileSnapshot('golden/realm.yaml')
})

const world = {
  scenes: ['urn:decentraland:entity:bafkscene?=&baseUrl=https://c.example/contents/'],
  access: { type: 'SharedSecret' as const, secret: { name: 'doors', key: 'secret' } },
  capacity: 100,
}

test('a World with embedded rooms has a gatekeeper, and no other workload', async () => {
  const realm = aRealm({ mode: 'World', world, exposure: { type: 'Ingress', host: 'plaza.example.org' } })
  const plaza: Realm = { ...realm, spec: { ...realm.spec, livekit: { type: 'None' } } }
  const objects = realmObjects(plaza, planWorld(plaza, nothing, site), platform)
  await expect(yaml(objects)).toMatchFileSnapshot('golden/world.yaml')
  expect(generatedSecrets(plaza)).toEqual([])
})

test('further hosts of a gatekeeper are routed for a World too, and no more than those that are its own', () => {
  const hosts = ['gk.example.org', 'other.example.org']
  const realm = aRealm({ mode: 'World', world, exposure: { type: 'Ingress', host: 'plaza.example.org' }, gatekeeper: { hosts } })
  const hostsWith = (gatekeeperHostsTaken: TakenHost[]) => {
    const objects = realmObjects(realm, planWorld(realm, { ...nothing, gatekeeperHostsTaken }, site), platform)
    return (named(objects, 'Ingress', 'main.gatekeeper') as Ingress | undefined)?.spec.rules?.map(({ host }) => host)
  }
  const taken = (host: string): TakenHost => ({ host, by: { namespace: 'metaverse', name: 'other' } })
  expect(hostsWith([])).toEqual(hosts)
  expect(hostsWith([taken('other.example.org')])).toEqual(['gk.example.org'])
  expect(hostsWith(hosts.map(taken))).toBeUndefined()
})

test('a World that uses the gatekeeper of another Realm has no object at all', () => {
  const guest = aRealm({ mode: 'World', world: { ...world, gatekeeperOf: 'host' } })
  expect(realmObjects(guest, planWorld(guest, nothing, site), platform)).toEqual([])
})

test('another world changes the file of a gatekeeper, and no pod', () => {
  const host = aRealm({ gatekeeper: { worldHosting: { secretName: 'doors' } } })
  const guest = aRealm({ mode: 'World', world: { ...world, gatekeeperOf: 'main' } })
  guest.metadata.name = 'plaza'
  const [alone, shared] = [[], [guest]].map((guests) =>
    realmObjects(host, planRealm(host, { ...nothing, guests }, site), platform),
  )
  const differs = (shared ?? []).filter((object, n) => JSON.stringify(object) !== JSON.stringify(alone?.[n]))
  expect(differs.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual(['ConfigMap main-worlds'])
})

test('a cell has these objects', async () => {
  await expect(yaml(ofCell())).toMatchFileSnapshot('golden/cell.yaml')
})

test('a Compact cell has one workload in place of two, and its realm no workload for the statistics', async () => {
  const realm = compact(aRealm({ content: { catalysts: ['https://peer.example.org/'] } }))
  const stats = named(ofRealm(realm), 'Service', 'main-stats') as KubeManifest
  expect(named(ofRealm(realm), 'Deployment', 'main-stats')).toBeUndefined()
  await expect(yaml([...ofCell(realm), stats])).toMatchFileSnapshot('golden/compact-cell.yaml')
})

test('the rooms of a Compact cell are in its connector, whose next pod is there before this one stops', () => {
  const realm = compact(aRealmWithoutLivekit({ cells: { max: 1 } }))
  expect(named(ofRealm(realm), 'Service', 'main-rooms-0')).toEqual({
    ...(named(ofRealm(realm), 'Service', 'main-rooms-0') as object),
    spec: {
      type: 'ClusterIP',
      selector: { 'comms.decentraland.org/cell': 'main-0', 'app.kubernetes.io/component': 'connector' },
      ports: [{ name: 'http', port: 80, targetPort: 'http' }],
    },
  })
  expect(named(ofCell(realm), 'Deployment', 'main-0-connector')).toMatchObject({
    spec: { replicas: 1, strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0 } } },
  })
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

test('every object has the labels of its realm and of the operator, and is deleted with its owner', () => {
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
  const pods: Pods = { labels: { team: 'metaverse' }, tolerations: [{ key: 'realms', operator: 'Exists' }] }
  const everything = [
    ...ofRealm(aRealm({ livekit: { type: 'Managed' }, nats: { replicas: 3 } })),
    ...ofRealm(exposed),
    ...ofRealm(aRealm({ pods, livekit: { type: 'Managed' } })),
    ...ofCell(),
    ...ofCell(aRealm({ pods })),
  ]
  const workloads = everything.filter((object) => 'spec' in object && 'template' in (object.spec as object))
  test.each(workloads.map((object) => [object.metadata.name, object] as const))(
    'of %s passes the restricted Pod Security profile',
    (_, object) => {
      const { template, selector } = (
        object as KubeManifest & { spec: { template: V1PodTemplateSpec; selector: { matchLabels: object } } }
      ).spec
      expect(template.spec?.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
      expect(template.spec?.securityContext?.runAsUser).toBeGreaterThan(0)
      expect(template.spec).toMatchObject({ automountServiceAccountToken: false, enableServiceLinks: false })
      expect(template.spec?.hostNetwork).toBeUndefined()
      for (const container of [...(template.spec?.containers ?? []), ...(template.spec?.initContainers ?? [])])
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        })
      for (const volume of template.spec?.volumes ?? []) expect(volume.hostPath).toBeUndefined()
      if (object.kind !== 'Job') expect(template.metadata?.labels).toMatchObject(selector.matchLabels)
      if (object.kind !== 'Job') {
        expect(template.spec?.containers[0]?.readinessProbe).toBeDefined()
        expect(template.spec?.topologySpreadConstraints).toMatchObject([
          { topologyKey: 'kubernetes.io/hostname', labelSelector: { matchLabels: selector.matchLabels } },
          { topologyKey: 'topology.kubernetes.io/zone', labelSelector: { matchLabels: selector.matchLabels } },
        ])
      }
    },
  )
  test('was checked', () => expect(workloads.length).toBeGreaterThanOrEqual(14))
})

test('a version is in the image and the version variable, never in a label or a selector', () => {
  const digest = `sha256:${'a'.repeat(64)}`
  const objects = ofCell(aRealm({ version: digest }))
  expect(named(objects, 'Deployment', 'main-0-connector')).toMatchObject({
    spec: { template: { spec: { containers: [{ image: `ghcr.io/example/realm@${digest}` }] } } },
  })
  expect(JSON.stringify(objects.map(({ metadata }) => metadata.labels))).not.toContain('sha256')
})

test('a connector pod gets its drain time and some seconds more before it is killed', () => {
  const realm = aRealm()
  realm.spec.cells.template.connectors.drainSeconds = 300
  expect(named(ofCell(realm), 'Deployment', 'main-0-connector')).toMatchObject({
    spec: { template: { spec: { terminationGracePeriodSeconds: 315 } } },
  })
})

test('an archipelago has a standby, unless it keeps the rooms in its own memory', () => {
  expect(named(ofCell(), 'Deployment', 'main-0-archipelago')).toMatchObject({
    spec: { replicas: 2, strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } } },
  })
  expect(named(ofCell(aRealmWithoutLivekit()), 'Deployment', 'main-0-archipelago')).toMatchObject({
    spec: { replicas: 1, strategy: { type: 'Recreate' } },
  })
})

test('a gatekeeper with an embedded database never runs twice, and keeps its files in the claim that the spec names', () => {
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

test('the operator creates the claim for an embedded database that asks for storage, and the realm owns it', () => {
  const storage = { size: '1Gi', storageClassName: 'fast' }
  const realm = aRealm({ gatekeeper: { database: { type: 'Embedded', storage } } })
  const claim = named(ofRealm(realm), 'PersistentVolumeClaim', 'main-gatekeeper-data')
  expect(claim).toMatchObject({
    metadata: { ownerReferences: [{ kind: 'Realm', name: 'main', controller: true }] },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, storageClassName: 'fast' },
  })
  expect(named(ofRealm(realm), 'Deployment', 'main-gatekeeper')).toMatchObject({
    spec: {
      strategy: { type: 'Recreate' },
      template: {
        spec: {
          securityContext: { fsGroup: 65532 },
          containers: [{ env: expect.arrayContaining([{ name: 'DATABASE_FOLDER', value: '/data/database' }]) }],
          volumes: expect.arrayContaining([{ name: 'data', persistentVolumeClaim: { claimName: 'main-gatekeeper-data' } }]),
        },
      },
    },
  })
  // Without a class of its own it gets the default of the cluster, which an empty name would not.
  const plain = named(
    ofRealm(aRealm({ gatekeeper: { database: { type: 'Embedded', storage: { size: '1Gi' } } } })),
    'PersistentVolumeClaim',
    'main-gatekeeper-data',
  )
  expect(plain).not.toHaveProperty('spec.storageClassName')
  expect(ofRealm(aRealm()).filter(({ kind }) => kind === 'PersistentVolumeClaim')).toEqual([])
})

test('the Ingress of a realm is the same whatever its cells do', () => {
  const ingress = (replicas: number) =>
    named(ofRealm(aRealm({ ...exposed.spec, cells: { replicas, max: 4 } })), 'Ingress', 'main')
  expect(ingress(3)).toBeDefined()
  expect(ingress(0)).toEqual(ingress(3))
})

test('the Services to which routes lead, and no others, have the annotations for controllers', () => {
  const serviceAnnotations = { 'cloud.google.com/backend-config': '{"default": "realm"}' }
  const realm = aRealmWithoutLivekit({ cells: { max: 1 }, exposure: { serviceAnnotations } })
  const annotated = ofRealm(realm).filter(({ metadata }) => metadata.annotations?.['cloud.google.com/backend-config'])
  expect(annotated.map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort()).toEqual(
    ['gatekeeper', 'rooms-0', 'slot-0', 'stats'].map((part) => `Service main-${part}`),
  )
})

test('without a LiveKit the rooms of each slot have an alias and a path of their own', () => {
  const realm = aRealmWithoutLivekit({ cells: { max: 1 }, exposure: { type: 'Ingress', host: 'main.example.org' } })
  const objects = ofRealm(realm)
  expect(named(objects, 'Service', 'main-rooms-0')).toMatchObject({
    spec: {
      selector: { 'comms.decentraland.org/cell': 'main-0', 'app.kubernetes.io/component': 'archipelago' },
      // Players may enter while the archipelago of the pod is not ready, as during an outage of the bus.
      publishNotReadyAddresses: true,
    },
  })
  expect(named(objects, 'Service', 'main-slot-0')).not.toHaveProperty('spec.publishNotReadyAddresses')
  expect(JSON.stringify(named(objects, 'Ingress', 'main'))).toContain('"path":"/cells/0/rooms"')
})

test('an External NATS and LiveKit add no object and no generated Secret', () => {
  const realm = aRealm({ nats: { type: 'External', urls: ['nats://nats.infra:4222'] } })
  expect(ofRealm(realm).filter(({ metadata }) => /nats|livekit/.test(metadata.name))).toEqual([])
  expect(generatedSecrets(realm)).toEqual([])
  expect(generatedSecrets(managed).map(({ metadata, keys }) => [metadata.name, keys])).toEqual([
    ['main-nats-users', expect.arrayContaining(['cell_0', 'cell_31', 'gatekeeper', 'stats', 'cluster'])],
    ['main-livekit', ['apiKey', 'apiSecret']],
  ])
})

test('a new realm of one cell has few objects', () => {
  expect(ofRealm(exposed).length + generatedSecrets(exposed).length + ofCell().length).toBeLessThanOrEqual(28)
})

test('only parts with more than one pod have a disruption budget, and it always allows one eviction', () => {
  const budgets = (objects: readonly KubeManifest[]) => objects.filter(({ kind }) => kind === 'PodDisruptionBudget')
  expect(budgets([...ofRealm(managed), ...ofCell(aRealmWithoutLivekit())])).toEqual([])
  const many = aRealm({ nats: { replicas: 3 }, gatekeeper: exposed.spec.gatekeeper })
  many.spec.cells.template.connectors.replicas = 3
  const found = budgets([...ofRealm(many), ...ofCell(many)])
  expect(found.map(({ metadata }) => metadata.name).sort()).toEqual([
    'main-0-archipelago',
    'main-0-connector',
    'main-gatekeeper',
    'main-nats',
  ])
  for (const budget of found)
    expect(budget).toMatchObject({ spec: { maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow' } })
})

test('a Managed NATS of three is spread over nodes, finds its peers by name, and moves its clients to the others when it stops', async () => {
  const nats = ofRealm(aRealm({ nats: { replicas: 3 } })).filter(({ metadata }) => metadata.name.startsWith('main-nats'))
  await expect(yaml(nats)).toMatchFileSnapshot('golden/nats.yaml')
})

test('the servers of a NATS are the same whatever the cells of its realm do', () => {
  const servers = (replicas: number, max: number) =>
    named(ofRealm(aRealm({ cells: { replicas, max } })), 'StatefulSet', 'main-nats')
  expect(servers(0, 4)).toEqual(servers(8, 32))
})

test('pods get the fields that are set for their realm and their component, and none of them replaces a label of the operator', () => {
  const realm = aRealm({
    pods: {
      labels: { team: 'metaverse', 'app.kubernetes.io/component': 'stolen' },
      nodeSelector: { pool: 'comms' },
      imagePullSecrets: [{ name: 'registry' }],
    },
    gatekeeper: { pods: { annotations: { scrape: 'yes' }, imagePullSecrets: [{ name: 'registry' }, { name: 'other' }] } },
  })
  realm.spec.cells.template.pods = { nodeSelector: { disk: 'fast' }, priorityClassName: 'players' }
  const template = (objects: readonly KubeManifest[], name: string) =>
    (named(objects, 'Deployment', name) as { spec: { template: V1PodTemplateSpec } }).spec.template
  expect(template(ofRealm(realm), 'main-gatekeeper')).toMatchObject({
    metadata: {
      labels: { team: 'metaverse', 'app.kubernetes.io/component': 'gatekeeper' },
      annotations: { scrape: 'yes' },
    },
    spec: { nodeSelector: { pool: 'comms' }, imagePullSecrets: [{ name: 'registry' }, { name: 'other' }] },
  })
  expect(template(ofCell(realm), 'main-0-connector').spec).toMatchObject({
    nodeSelector: { pool: 'comms', disk: 'fast' },
    priorityClassName: 'players',
  })
  expect(template(ofRealm(realm), 'main-stats').spec).toMatchObject({ nodeSelector: { pool: 'comms' } })
})

describe('the containers of a realm', () => {
  const external = { type: 'External', secret: { name: 'postgres', key: 'url' } } as const
  /** Every container of a realm and its first cell, by name. */
  function containersOf(realm: Realm) {
    const objects = [...ofRealm(realm), ...ofCell(realm)] as (KubeManifest & { spec?: { template?: V1PodTemplateSpec } })[]
    return Object.fromEntries(
      objects.flatMap(({ spec }) => spec?.template?.spec?.containers ?? []).map((container) => [container.name, container]),
    )
  }
  const everyPart = ['archipelago', 'connector', 'gatekeeper', 'livekit', 'migration', 'nats', 'stats']

  test('request a little CPU and memory, so that none is the first to be evicted, and have no limit', () => {
    const containers = containersOf(aRealm({ livekit: { type: 'Managed' }, gatekeeper: { database: external } }))
    expect(Object.keys(containers).sort()).toEqual(everyPart)
    for (const { name, resources } of Object.values(containers)) {
      expect(resources, name).toEqual({
        requests: { cpu: expect.stringMatching(/^\d+m$/), memory: expect.stringMatching(/Mi$/) },
      })
    }
    expect(containersOf(aRealm()).gatekeeper?.resources?.requests?.memory).toBe('192Mi')
    expect(containers.gatekeeper?.resources?.requests?.memory).toBe('88Mi')
  })

  test('can all be given resources, as a ResourceQuota demands, and be left without any', () => {
    const withResources = (resources: { requests?: Record<string, string>; limits?: Record<string, number | string> }) => {
      const realm = aRealm({
        livekit: { type: 'Managed', resources },
        nats: { resources },
        stats: { resources },
        gatekeeper: { database: external, resources, migration: { resources } },
      })
      realm.spec.cells.template.connectors.resources = resources
      realm.spec.cells.template.archipelago.resources = resources
      return Object.values(containersOf(realm))
    }
    const full = { requests: { cpu: '100m', memory: '64Mi' }, limits: { cpu: 1, memory: '128Mi' } }
    const given = withResources(full)
    expect(given.map(({ name }) => name).sort()).toEqual(everyPart)
    for (const { name, resources } of given) expect(resources, name).toEqual({ ...full, limits: { cpu: '1', memory: '128Mi' } })
    for (const { name, resources } of withResources({})) expect(resources, name).toEqual({})
  })
})

describe('the pods of a realm', () => {
  const everything = aRealm({
    livekit: { type: 'Managed' },
    gatekeeper: { replicas: 2, database: { type: 'External', secret: { name: 'postgres', key: 'url' }, caSecretName: 'pg-ca' } },
  })
  const templatesOf = (realm: Realm, on = platform) => {
    const plan = planRealm(realm, nothing, site)
    return podTemplates([...realmObjects(realm, plan, on), ...cellObjects(aCell(realm), planCell(aCell(realm)), on)])
  }

  test('leave user and group ids to the cluster where it assigns them, and read their Secrets all the same', () => {
    const templates = templatesOf(everything, { ...platform, userIds: false })
    expect(templates).toHaveLength(7)
    for (const { spec } of templates) {
      expect(spec?.securityContext).toEqual({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } })
      for (const { securityContext } of spec?.containers ?? []) expect(securityContext).not.toHaveProperty('runAsUser')
      for (const { secret } of spec?.volumes ?? []) expect(secret?.defaultMode ?? 0o444).toBe(0o444)
    }
    for (const { spec } of templatesOf(everything)) {
      expect(spec?.securityContext).toMatchObject({ runAsUser: 65532, runAsGroup: 65532, fsGroup: 65532 })
      for (const { secret } of spec?.volumes ?? []) expect(secret?.defaultMode ?? 0o440).toBe(0o440)
    }
  })

  test('get variables and authorities of the user, which replace none of the operator', () => {
    const secret = { name: 'proxy', key: 'url' }
    const realm = {
      ...everything,
      spec: {
        ...everything.spec,
        pods: {
          env: [
            { name: 'HTTPS_PROXY', secret },
            { name: 'NO_PROXY', value: '.svc' },
            { name: 'BUS_SCOPE', value: 'stolen' },
          ],
          caCertificates: { configMapName: 'authorities', key: 'bundle.pem' },
        },
      },
    }
    realm.spec.gatekeeper = { ...realm.spec.gatekeeper, pods: { env: [{ name: 'NO_PROXY', value: '.svc,db' }] } }
    const templates = templatesOf(realm)
    expect(templates).toHaveLength(7)
    for (const { metadata, spec } of templates) {
      const component = metadata?.labels?.['app.kubernetes.io/component'] ?? ''
      const env = spec?.containers[0]?.env ?? []
      const ofGatekeeper = component === 'gatekeeper' || component === 'migration'
      expect(env, component).toContainEqual({ name: 'HTTPS_PROXY', valueFrom: { secretKeyRef: secret } })
      expect(env, component).toContainEqual({ name: 'NO_PROXY', value: ofGatekeeper ? '.svc,db' : '.svc' })
      expect(env, component).toContainEqual({ name: 'NODE_EXTRA_CA_CERTS', value: '/run/ca-certificates/ca.crt' })
      expect(new Set(env.map(({ name }) => name)).size, component).toBe(env.length)
      if (component === 'connector') expect(env).toContainEqual({ name: 'BUS_SCOPE', value: 'metaverse.main.0' })
      expect(spec?.volumes, component).toContainEqual({
        name: 'ca-certificates',
        configMap: { name: 'authorities', items: [{ key: 'bundle.pem', path: 'ca.crt' }], defaultMode: 0o444 },
      })
    }
  })

  test('connect to an External database with its authority, the migration as well as the gatekeeper', () => {
    const mounting = templatesOf(everything).filter(({ spec }) =>
      spec?.volumes?.some(({ secret }) => secret?.secretName === 'pg-ca'),
    )
    expect(mounting.map(({ metadata }) => metadata?.labels?.['app.kubernetes.io/component']).sort()).toEqual([
      'gatekeeper',
      'migration',
    ])
    for (const { spec } of mounting)
      expect(spec?.containers[0]?.env).toContainEqual({ name: 'DATABASE_CA_FILE', value: '/run/secrets/realm/pg-ca/ca.crt' })
  })
})

const podTemplates = (objects: readonly KubeManifest[]) =>
  (objects as (KubeManifest & { spec?: { template?: V1PodTemplateSpec } })[]).flatMap(({ spec }) => spec?.template ?? [])
const EVICTABLE = 'cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes'

test('a cluster autoscaler may remove the node of every pod but that of an embedded database, and users may decide otherwise', () => {
  const templates = podTemplates([...ofRealm(managed), ...ofCell()])
  expect(templates.length).toBeGreaterThanOrEqual(6)
  for (const { metadata, spec } of templates) {
    const local = spec?.volumes?.filter(({ emptyDir }) => emptyDir).map(({ name }) => name)
    expect(metadata?.annotations?.[EVICTABLE]).toBe('tmp')
    expect(local).toEqual(metadata?.labels?.['app.kubernetes.io/component'] === 'gatekeeper' ? ['data', 'tmp'] : ['tmp'])
  }
  const realm = aRealm({ pods: { annotations: { [EVICTABLE]: '' } } })
  for (const { metadata } of podTemplates([...ofRealm(realm), ...ofCell(realm)]))
    expect(metadata?.annotations?.[EVICTABLE]).toBe('')
})

test('the status of a container whose process ended has the end of its log', () => {
  for (const { spec } of podTemplates([...ofRealm(managed), ...ofRealm(exposed), ...ofCell()]))
    for (const { name, terminationMessagePolicy } of spec?.containers ?? [])
      expect(terminationMessagePolicy, name).toBe('FallbackToLogsOnError')
})

test('no mesh adds a container to the migration, which would never end, unless the realm asks for it', () => {
  const job = (pods?: Pods) => {
    const realm = aRealm({ gatekeeper: { ...exposed.spec.gatekeeper, ...(pods && { pods }) } })
    return podTemplates(ofRealm(realm).filter(({ kind }) => kind === 'Job'))[0]?.metadata
  }
  expect(job()).toMatchObject({
    labels: { 'sidecar.istio.io/inject': 'false' },
    annotations: { 'linkerd.io/inject': 'disabled' },
  })
  const wanted = { labels: { 'sidecar.istio.io/inject': 'true' }, annotations: { 'linkerd.io/inject': 'enabled' } }
  expect(job(wanted)).toMatchObject(wanted)
})

test('a pod mounts only the keys of a Secret that it uses', () => {
  const { template } = (named(ofCell(), 'Deployment', 'main-0-connector') as { spec: { template: V1PodTemplateSpec } }).spec
  expect(template.spec?.volumes).toContainEqual({
    name: 'secret-0',
    secret: { secretName: 'main-nats-users', defaultMode: 0o440, items: [{ key: 'cell_0', path: 'cell_0' }] },
  })
})

test('an External database is migrated once per version by a Job, an embedded one by its gatekeeper', async () => {
  const job = (version: string) =>
    ofRealm(aRealm({ version, gatekeeper: { replicas: 2, database: exposed.spec.gatekeeper.database } })).filter(
      ({ kind }) => kind === 'Job',
    )
  await expect(yaml(job('1.2.3'))).toMatchFileSnapshot('golden/job.yaml')
  expect(job('1.2.3')).toEqual(job('1.2.3'))
  expect(job('1.2.4')[0]?.metadata.name).not.toBe(job('1.2.3')[0]?.metadata.name)
  expect(job('1.2.4')).toHaveLength(1)
  expect(ofRealm(aRealm()).filter(({ kind }) => kind === 'Job')).toEqual([])
  expect(
    ofRealm(aRealm({ gatekeeper: { ...exposed.spec.gatekeeper, replicas: 0 } })).filter(({ kind }) => kind === 'Job'),
  ).toEqual([])
})
