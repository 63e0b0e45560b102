import type { V1ServicePort } from '@kubernetes/client-node'
import type { ObjectMeta } from '../../../crds/object.ts'
import type { CommsCell, Realm } from '../../../crds/realm.ts'
import type { Component } from '../../observed/workload.ts'
import {
  cellChildMeta,
  cellName,
  cellSelector,
  partName,
  realmChildMeta,
  realmSelector,
  roomsServiceName,
  slotServiceName,
  statisticsSelector,
} from '../naming.ts'
import type { RealmPlan } from '../plan.ts'
import type { StatisticsPlan } from '../statistics.ts'
import type { ManifestOf } from './kube-manifest.ts'
import { STATS_PORT_NAME } from './pod.ts'

/** A Service inside the cluster that selects pods by labels. */
export type Service = ManifestOf<{
  type: 'ClusterIP'
  selector: Record<string, string>
  ports: V1ServicePort[]
  publishNotReadyAddresses?: true
}>

/** The port of the Services in front of the project's services. */
export const SERVICE_PORT = 80

const http: V1ServicePort[] = [{ name: 'http', port: SERVICE_PORT, targetPort: 'http' }]

/** The Service in front of the connectors of one cell. */
export const connectorService = (cell: CommsCell): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: cellChildMeta(cell, 'connector'),
  spec: { type: 'ClusterIP', selector: cellSelector(cell.metadata.name, 'connector'), ports: http },
})

/** The Service of a realm to which routes lead. */
export function routedService(realm: Realm, component: 'gatekeeper' | 'stats'): Service {
  const service = realmService(realm, component)
  return { ...service, metadata: routedMeta(realm, service.metadata.name, component) }
}

/** Some controllers are configured by annotations of the Services they lead to. */
function routedMeta(realm: Realm, name: string, component: string): ObjectMeta {
  const { type, serviceAnnotations } = realm.spec.exposure
  const meta = realmChildMeta(realm, name, component)
  return serviceAnnotations && type !== 'LoadBalancer' ? { ...meta, annotations: serviceAnnotations } : meta
}

/** The Service in front of a part of a realm. */
export const realmService = (realm: Realm, component: Component, ports: V1ServicePort[] = http): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: realmChildMeta(realm, partName(realm, component), component),
  spec: { type: 'ClusterIP', selector: realmSelector(realm, component), ports },
})

/** The Service in front of the statistics of a realm, wherever they run. */
export function statsService(realm: Realm, { fromCells }: StatisticsPlan): Service {
  const own = routedService(realm, 'stats')
  const inCells = {
    selector: statisticsSelector(realm),
    ports: [{ name: 'http', port: SERVICE_PORT, targetPort: STATS_PORT_NAME }],
  }
  return fromCells ? { ...own, spec: { ...own.spec, ...inCells } } : own
}

/**
 * The alias Services behind the stable URLs of all slots. Routes point to them for the whole life of the realm; only the cell they select
 * changes, and that closes no socket. While no cell exists, a slot selects its own first cell, which does not exist.
 */
export function slotServices(realm: Realm, { routes, compactCells, retainedRoutes }: RealmPlan): Service[] {
  const { name } = realm.metadata
  const hasRooms = realm.spec.livekit.type === 'None' || retainedRoutes.rooms
  return Array.from({ length: realm.spec.cells.max }, (_, slot) => {
    const cell = routes.find((entry) => entry.slot === slot)?.cell ?? cellName(realm, slot)
    const alias = (service: string, component: 'connector' | 'archipelago', purpose: string, of = cell): Service => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: routedMeta(realm, service, purpose),
      spec: { type: 'ClusterIP', selector: cellSelector(of, component), ports: http },
    })
    const withRooms = retainedRoutes.roomsCells.get(slot) ?? cell
    const hasOneProcess = compactCells.has(withRooms)
    const rooms = alias(roomsServiceName(name, slot), hasOneProcess ? 'connector' : 'archipelago', 'rooms', withRooms)
    return [
      alias(slotServiceName(name, slot), 'connector', 'slot'),
      // The readiness of the pod is that of its archipelago, which has nothing to do without a bus. The rooms have: players whom they know
      // come back after a broken connection. And they are in one pod only, so that there is no better one to send players to. A Compact cell
      // has two while its pod is replaced: players belong to the new one, and the old one is not ready.
      ...(hasRooms
        ? [hasOneProcess ? rooms : { ...rooms, spec: { ...rooms.spec, publishNotReadyAddresses: true as const } }]
        : []),
    ]
  }).flat()
}
