import type { V1DeploymentSpec, V1DeploymentStrategy, V1Volume, V1VolumeMount } from '@kubernetes/client-node'
import type { CommsCell, Realm } from '../../../crds/realm.ts'
import type { Component } from '../../observed/workload.ts'
import {
  cellChildMeta,
  cellLabels,
  cellSelector,
  partName,
  realmChildMeta,
  realmLabels,
  realmSelector,
  serviceAccountName,
} from '../naming.ts'
import { mergePods } from '../overrides.ts'
import type { CellPlan, ServicePlan } from '../plan.ts'
import { imageOf, type Platform } from '../platform.ts'
import { DATA_FOLDER, type Settings } from '../settings.ts'
import { livekitConfig } from './livekit.ts'
import type { ManifestOf } from './manifest.ts'
import { environmentOf, HTTP_PORT, type PodParts, podTemplate, probes, resourcesOf } from './pod.ts'

/** A Deployment as we write it. */
export type Deployment = ManifestOf<V1DeploymentSpec>

/** Seconds a pod gets beyond what it needs to stop. */
const GRACE_SECONDS = 15
/** How long what is routed to goes on serving on its way out: every node, and proxies before them, have learned by then that it leaves. */
const ROUTES_SETTLE = { name: 'ROUTES_SETTLE_SECONDS', value: '3' }
/** Replaces pods one by one, a new one first. */
const SURGE: V1DeploymentStrategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }
/**
 * Brings all new pods up before the first old one goes: one by one, players who were sent away would meet another old one, and be sent away
 * again. Where there is no room for so many, as many old ones go as new ones came.
 */
const SURGE_ALL: V1DeploymentStrategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: '100%', maxUnavailable: 0 } }
/** Never runs an old and a new pod at once. */
const RECREATE: V1DeploymentStrategy = { type: 'Recreate' }

/** The Deployment of the players' WebSockets of a cell. */
export function connectorDeployment(cell: CommsCell, { connectors }: CellPlan, platform: Platform): Deployment {
  const { drainSeconds, resources } = cell.spec.connectors
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: cellChildMeta(cell, 'connector'),
    spec: {
      replicas: connectors.replicas,
      revisionHistoryLimit: 2,
      strategy: SURGE_ALL,
      selector: { matchLabels: cellSelector(cell.metadata.name, 'connector') },
      template: podTemplate({
        ...cellPod(cell, 'connector', connectors.settings, platform, resources),
        terminationGracePeriodSeconds: drainSeconds + GRACE_SECONDS,
      }),
    },
  }
}

/** How many archipelagos a cell has: one that speaks and one that stands by; just one where it holds the rooms themselves in its memory. */
export const archipelagoReplicas = ({ spec }: CommsCell): number => (spec.livekit ? 2 : 1)

/** The Deployment of the clustering of a cell. Which of its pods speaks they settle over the bus; a new one stands by before an old one goes. */
export const archipelagoDeployment = (cell: CommsCell, { archipelago }: CellPlan, platform: Platform): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: cellChildMeta(cell, 'archipelago'),
  spec: {
    replicas: archipelago.runs ? archipelagoReplicas(cell) : 0,
    revisionHistoryLimit: 2,
    strategy: archipelagoReplicas(cell) > 1 ? SURGE : RECREATE,
    selector: { matchLabels: cellSelector(cell.metadata.name, 'archipelago') },
    template: podTemplate(cellPod(cell, 'archipelago', archipelago.settings, platform, cell.spec.archipelago.resources)),
  },
})

/** The Deployment of a service that all cells of a realm share. */
export function serviceDeployment(realm: Realm, { component, replicas, settings }: ServicePlan, platform: Platform): Deployment {
  const data = component === 'gatekeeper' ? databaseVolume(realm) : undefined
  const { volumes, ...container } = environmentOf(settings)
  // Where the next one waits for this one to be gone, serving on would only be a longer break.
  const env = data ? container.env : [ROUTES_SETTLE, ...container.env]
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: realmChildMeta(realm, partName(realm, component), component),
    spec: {
      replicas,
      revisionHistoryLimit: 2,
      // Two processes would corrupt an embedded database.
      strategy: data ? RECREATE : SURGE,
      selector: { matchLabels: realmSelector(realm, component) },
      template: podTemplate({
        labels: realmLabels(realm, component),
        selector: realmSelector(realm, component),
        pods: component === 'gatekeeper' ? mergePods(realm.spec.pods, realm.spec.gatekeeper.pods) : realm.spec.pods,
        serviceAccountName: serviceAccountName(realm.metadata.name),
        terminationGracePeriodSeconds: GRACE_SECONDS,
        volumes: [...volumes, ...(data ? [data.volume] : [])],
        container: {
          ...ourContainer(component, env, realm.spec.version, platform),
          ...(component === 'gatekeeper' && resourcesOf(realm.spec.gatekeeper.resources)),
          volumeMounts: [...container.volumeMounts, ...(data ? [data.mount] : [])],
        },
      }),
    },
  }
}

/** The Deployment of a Managed LiveKit: one small server, for development. */
export const livekitDeployment = (realm: Realm, platform: Platform): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: realmChildMeta(realm, partName(realm, 'livekit'), 'livekit'),
  spec: {
    replicas: 1,
    revisionHistoryLimit: 2,
    strategy: RECREATE,
    selector: { matchLabels: realmSelector(realm, 'livekit') },
    template: podTemplate({
      labels: realmLabels(realm, 'livekit'),
      selector: realmSelector(realm, 'livekit'),
      pods: realm.spec.pods,
      serviceAccountName: serviceAccountName(realm.metadata.name),
      terminationGracePeriodSeconds: GRACE_SECONDS,
      container: {
        name: 'livekit',
        image: platform.livekitImage,
        imagePullPolicy: platform.imagePullPolicy,
        env: [
          ...['apiKey', 'apiSecret'].map((key) => ({
            name: key,
            valueFrom: { secretKeyRef: { name: partName(realm, 'livekit'), key } },
          })),
          { name: 'LIVEKIT_KEYS', value: '$(apiKey): $(apiSecret)' },
          { name: 'LIVEKIT_CONFIG', value: livekitConfig },
        ],
        ports: [
          { name: 'http', containerPort: 7880 },
          { name: 'rtc-tcp', containerPort: 7881 },
          { name: 'rtc-udp', containerPort: 7882, protocol: 'UDP' },
        ],
        readinessProbe: { httpGet: { path: '/', port: 'http' }, periodSeconds: 1, failureThreshold: 3 },
      },
    }),
  },
})

function cellPod(
  cell: CommsCell,
  component: Component,
  settings: Settings,
  platform: Platform,
  resources: Parameters<typeof resourcesOf>[0],
): PodParts {
  const { env: given, volumes, volumeMounts } = environmentOf(settings)
  const env = component === 'connector' ? [ROUTES_SETTLE, ...given] : given
  return {
    labels: cellLabels(cell, component),
    selector: cellSelector(cell.metadata.name, component),
    pods: cell.spec.pods,
    serviceAccountName: serviceAccountName(cell.spec.realmRef.name),
    terminationGracePeriodSeconds: GRACE_SECONDS,
    volumes,
    container: { ...ourContainer(component, env, cell.spec.version, platform), ...resourcesOf(resources), volumeMounts },
  }
}

// Our image holds every service; its argument picks one.
const ourContainer = (component: Component, env: { name: string; value?: string }[], version: string, platform: Platform) => ({
  name: component,
  image: imageOf(platform, version),
  imagePullPolicy: platform.imagePullPolicy,
  args: [component],
  env: [{ name: 'HTTP_SERVER_PORT', value: String(HTTP_PORT) }, { name: 'CURRENT_VERSION', value: version }, ...env],
  ports: [{ name: 'http', containerPort: HTTP_PORT }],
  ...probes('http'),
})

function databaseVolume(realm: Realm): { volume: V1Volume; mount: V1VolumeMount } | undefined {
  const { type, claimName } = realm.spec.gatekeeper.database
  if (type !== 'Embedded') return undefined
  return {
    volume: { name: 'data', ...(claimName ? { persistentVolumeClaim: { claimName } } : { emptyDir: {} }) },
    mount: { name: 'data', mountPath: DATA_FOLDER },
  }
}
