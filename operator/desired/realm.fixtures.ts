import { API_VERSION, type CommsCell, type Realm, type RealmSpec } from '../../crds/realm.ts'
import { planRealm } from './plan.ts'
import type { Platform } from './platform.ts'
import { clusterSite, type Site } from './site.ts'

/** The installation of the operator in tests. */
export const platform: Platform = {
  imageRepository: 'ghcr.io/example/realm',
  natsImage: 'docker.io/library/nats:2.12',
  livekitImage: 'docker.io/livekit/livekit-server:v1.13',
  proxyImage: 'docker.io/nginxinc/nginx-unprivileged:1.30',
  imagePullPolicy: 'IfNotPresent',
  userIds: true,
  clusterDomain: 'cluster.local',
  namespace: 'realm-system',
  providerUrl: 'http://realm-provider',
}

/** The cluster of that installation. */
export const site: Site = clusterSite(platform.clusterDomain, platform.providerUrl)

/** Changes to a realm's spec; objects are merged, everything else is replaced. */
type SpecChanges = { [Key in keyof RealmSpec]?: RealmSpec[Key] extends object ? Partial<RealmSpec[Key]> : RealmSpec[Key] }

/** The realm `main` of namespace `metaverse` with the defaults of the API server and the changes of a test. */
export function aRealm({
  cells,
  gatekeeper,
  nats,
  livekit,
  movement,
  content,
  exposure,
  networkPolicy,
  publication,
  rollout,
  ...rest
}: SpecChanges = {}): Realm {
  return {
    apiVersion: API_VERSION,
    kind: 'Realm',
    metadata: { name: 'main', namespace: 'metaverse', uid: 'realm-uid', generation: 1 },
    spec: {
      mode: 'City',
      version: '1.2.3',
      cells: {
        replicas: 1,
        max: 4,
        assignment: 'LeastLoaded',
        template: {
          topology: 'Split',
          connectors: { replicas: 1, drainSeconds: 30 },
          archipelago: { joinDistance: 64, leaveDistance: 80, islandSize: 100, flushPeriodMilliseconds: 2000 },
        },
        ...cells,
      },
      gatekeeper: { replicas: 1, database: { type: 'Embedded' }, ...gatekeeper },
      nats: { type: 'Managed', ...nats },
      livekit: { type: 'External', url: 'wss://livekit.example.org', credentials: { secretName: 'livekit' }, ...livekit },
      movement: { type: 'Managed', ...movement },
      content: {
        catalysts: [],
        networkId: 1,
        scenesUrn: [],
        globalScenesUrn: [],
        map: { minimapEnabled: true, sizes: [{ left: -150, top: 150, right: 150, bottom: -150 }] },
        ...content,
      },
      exposure: { type: 'None', ...exposure },
      networkPolicy: { type: 'None', ...networkPolicy },
      publication: { providers: [], ...publication },
      rollout: { paused: false, joinProbe: 'Required', minJoinRate: 90, progressDeadlineSeconds: 600, ...rollout },
      ...rest,
    },
  }
}

/** The same realm without LiveKit. */
export const aRealmWithoutLivekit = (changes: SpecChanges = {}): Realm => {
  const realm = aRealm(changes)
  return { ...realm, spec: { ...realm.spec, livekit: { type: 'None' } } }
}

/** The same realm with Compact cells. */
export const compact = (realm: Realm): Realm => ({
  ...realm,
  spec: { ...realm.spec, cells: { ...realm.spec.cells, template: { ...realm.spec.cells.template, topology: 'Compact' } } },
})

/** A cell of a realm as it is planned, with a uid as if it existed. */
export function aCell(realm: Realm = aRealm(), slot = 0): CommsCell {
  const scaled = { ...realm, spec: { ...realm.spec, cells: { ...realm.spec.cells, replicas: slot + 1 } } }
  const cell = planRealm(scaled, { cells: [], services: [] }, site).cells[slot]
  if (!cell) throw new Error(`the realm has no slot ${slot}`)
  return { ...cell, metadata: { ...cell.metadata, uid: `${cell.metadata.name}-uid`, generation: 1 } }
}

/** The same cell with a status: its connectors and archipelago work, or they do not. */
export const aServingCell = (realm?: Realm, slot = 0, status: 'True' | 'False' = 'True'): CommsCell => {
  const cell = aCell(realm, slot)
  return {
    ...cell,
    status: {
      observedGeneration: 1,
      replicas: 1,
      readyReplicas: status === 'True' ? 1 : 0,
      updatedReplicas: 1,
      conditions: [
        {
          type: 'Ready',
          status,
          reason: status === 'True' ? 'Serving' : 'ConnectorsNotReady',
          message: '',
          lastTransitionTime: '2026-01-01T00:00:00Z',
          observedGeneration: 1,
        },
      ],
    },
  }
}
