import type { V1DeploymentSpec, V1DeploymentStrategy, V1Volume, V1VolumeMount } from '@kubernetes/client-node'
import type { CommsCell, Realm } from '../../../crds/realm.ts'
import type { Component } from '../../observed/workload.ts'
import {
  cellChildMeta,
  cellLabels,
  cellSelector,
  databaseClaimName,
  partName,
  realmChildMeta,
  realmLabels,
  realmSelector,
  STATISTICS_LABEL,
  serviceAccountName,
} from '../naming.ts'
import type { CellPlan, ServicePlan } from '../plan.ts'
import { imageOf, type Platform } from '../platform.ts'
import { mergePods } from '../pod-overrides.ts'
import { DATA_FOLDER, type Settings, STATS_PORT } from '../settings.ts'
import { isCompact } from '../topology.ts'
import type { ManifestOf } from './kube-manifest.ts'
import { environmentOf, HTTP_PORT, type PodParts, podTemplate, probes, STATS_PORT_NAME } from './pod.ts'
import { type Resources, resourcesOf } from './resources.ts'
import { worldVolumes } from './worlds.ts'

/** A Deployment with the fields the operator sets. */
export type Deployment = ManifestOf<V1DeploymentSpec>

/** Seconds a pod gets to stop beyond the time it needs for draining. */
export const GRACE_SECONDS = 15
/** How long a stopping pod still serves new requests: by then every node, and every proxy in front, no longer routes to it. */
const ROUTES_SETTLE_VARIABLE = { name: 'ROUTES_SETTLE_SECONDS', value: '3' }
/** Replaces pods one by one; the new pod starts first. */
export const SURGE: V1DeploymentStrategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1, maxUnavailable: 0 } }
/**
 * Starts all new pods before it stops the first old one: one by one, a disconnected player could reconnect to another old pod, and would be
 * disconnected again. Where the cluster has no room for so many pods, as many old pods stop as new ones became ready.
 */
const SURGE_ALL: V1DeploymentStrategy = { type: 'RollingUpdate', rollingUpdate: { maxSurge: '100%', maxUnavailable: 0 } }
/** Never runs an old and a new pod at the same time. */
export const RECREATE: V1DeploymentStrategy = { type: 'Recreate' }

/** The Deployment of the connectors of a cell; in a Compact cell they are its archipelagos, and have the statistics of the realm, too. */
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
      template: podTemplate(
        {
          ...cellPod(cell, 'connector', connectors.settings, platform, resources),
          terminationGracePeriodSeconds: drainSeconds + GRACE_SECONDS,
        },
        platform,
      ),
    },
  }
}

/** The archipelagos of a cell: a leader and a standby; only one where it keeps the cell's own rooms in its memory. */
export const archipelagoReplicas = ({ spec }: CommsCell): number => (spec.livekit ? 2 : 1)

/** The Deployment of the archipelago of a cell. Its pods elect their leader over the bus; a new standby is ready before an old pod stops. */
export const archipelagoDeployment = (cell: CommsCell, { archipelago }: CellPlan, platform: Platform): Deployment => ({
  apiVersion: 'apps/v1',
  kind: 'Deployment',
  metadata: cellChildMeta(cell, 'archipelago'),
  spec: {
    replicas: archipelago.runs ? archipelagoReplicas(cell) : 0,
    revisionHistoryLimit: 2,
    strategy: archipelagoReplicas(cell) > 1 ? SURGE : RECREATE,
    selector: { matchLabels: cellSelector(cell.metadata.name, 'archipelago') },
    template: podTemplate(
      cellPod(cell, 'archipelago', archipelago.settings, platform, cell.spec.archipelago.resources),
      platform,
    ),
  },
})

/** The Deployment of a service that all cells of a realm share. */
export function serviceDeployment(realm: Realm, plan: ServicePlan, platform: Platform): Deployment {
  const { component, replicas, settings, hosting } = plan
  const data = component === 'gatekeeper' ? databaseVolume(realm) : undefined
  const worlds = worldVolumes(realm, hosting)
  // Two processes would corrupt an embedded database, and players of one embedded room would be in two of them.
  const isSingle = data !== undefined || settings.ROOMS_SERVER !== undefined
  const { volumes, ...container } = environmentOf(settings)
  // With Recreate the next pod waits for this one to end, so serving on would only make the outage longer.
  const env = isSingle ? container.env : [ROUTES_SETTLE_VARIABLE, ...container.env]
  return {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: realmChildMeta(realm, partName(realm, component), component),
    spec: {
      replicas,
      revisionHistoryLimit: 2,
      strategy: isSingle ? RECREATE : SURGE,
      selector: { matchLabels: realmSelector(realm, component) },
      template: podTemplate(
        {
          labels: realmLabels(realm, component),
          selector: realmSelector(realm, component),
          pods: component === 'gatekeeper' ? mergePods(realm.spec.pods, realm.spec.gatekeeper.pods) : realm.spec.pods,
          serviceAccountName: serviceAccountName(realm.metadata.name),
          terminationGracePeriodSeconds: GRACE_SECONDS,
          volumes: [...volumes, ...worlds.volumes, ...(data ? [data.volume] : [])],
          container: {
            ...serviceContainer(component, env, realm.spec.version, platform),
            ...resourcesOf(component, realm.spec[component]?.resources, { embeddedDatabase: data !== undefined }),
            volumeMounts: [...container.volumeMounts, ...worlds.mounts, ...(data ? [data.mount] : [])],
          },
        },
        platform,
      ),
    },
  }
}

function cellPod(cell: CommsCell, component: Component, settings: Settings, platform: Platform, resources: Resources): PodParts {
  const { env: given, volumes, volumeMounts } = environmentOf(settings)
  const env = component === 'connector' ? [ROUTES_SETTLE_VARIABLE, ...given] : given
  const program = component === 'connector' && isCompact(cell.spec) ? 'compact' : component
  const hasStatistics = program === 'compact' && cell.spec.statistics !== undefined
  const container = serviceContainer(component, env, cell.spec.version, platform)
  return {
    labels: { ...cellLabels(cell, component), ...(hasStatistics && { [STATISTICS_LABEL]: 'true' }) },
    selector: cellSelector(cell.metadata.name, component),
    pods: cell.spec.pods,
    serviceAccountName: serviceAccountName(cell.spec.realmRef.name),
    terminationGracePeriodSeconds: GRACE_SECONDS,
    volumes,
    container: {
      ...container,
      args: [program],
      ports: [...container.ports, ...(hasStatistics ? [{ name: STATS_PORT_NAME, containerPort: STATS_PORT }] : [])],
      ...resourcesOf(program, resources),
      volumeMounts,
    },
  }
}

// The project's image holds every service; its argument selects one.
const serviceContainer = (
  component: Component,
  env: { name: string; value?: string }[],
  version: string,
  platform: Platform,
) => ({
  name: component,
  image: imageOf(platform, version),
  imagePullPolicy: platform.imagePullPolicy,
  args: [component],
  env: [{ name: 'HTTP_SERVER_PORT', value: String(HTTP_PORT) }, { name: 'CURRENT_VERSION', value: version }, ...env],
  ports: [{ name: 'http', containerPort: HTTP_PORT }],
  ...probes('http'),
})

function databaseVolume(realm: Realm): { volume: V1Volume; mount: V1VolumeMount } | undefined {
  const { type, storage } = realm.spec.gatekeeper.database
  if (type !== 'Embedded') return undefined
  const claimName = storage ? databaseClaimName(realm) : realm.spec.gatekeeper.database.claimName
  return {
    volume: { name: 'data', ...(claimName ? { persistentVolumeClaim: { claimName } } : { emptyDir: {} }) },
    mount: { name: 'data', mountPath: DATA_FOLDER },
  }
}
