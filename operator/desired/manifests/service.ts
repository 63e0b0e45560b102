import type { V1ServicePort } from '@kubernetes/client-node'
import type { CommsCell, Realm } from '../../../crds/realm.ts'
import type { Component } from '../../observed/workload.ts'
import {
  cellChildMeta,
  cellName,
  cellSelector,
  natsPeersName,
  partName,
  realmChildMeta,
  realmSelector,
  roomsServiceName,
  slotServiceName,
} from '../naming.ts'
import type { RealmPlan } from '../plan.ts'
import type { ManifestOf } from './manifest.ts'

/** A Service inside the cluster that selects pods by labels. */
export type Service = ManifestOf<{ type: 'ClusterIP'; selector: Record<string, string>; ports: V1ServicePort[] }>

/** A headless Service: DNS names for its pods, without an address of its own. */
export type HeadlessService = ManifestOf<Service['spec'] & { clusterIP: 'None'; publishNotReadyAddresses: boolean }>

const http: V1ServicePort[] = [{ name: 'http', port: 80, targetPort: 'http' }]

/** The Service in front of the connectors of one cell. */
export const connectorService = (cell: CommsCell): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: cellChildMeta(cell, 'connector'),
  spec: { type: 'ClusterIP', selector: cellSelector(cell.metadata.name, 'connector'), ports: http },
})

/** The Service in front of a part of a realm. */
export const realmService = (realm: Realm, component: Component, ports: V1ServicePort[] = http): Service => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: realmChildMeta(realm, partName(realm, component), component),
  spec: { type: 'ClusterIP', selector: realmSelector(realm, component), ports },
})

/** The Service by which the servers of a Managed NATS find each other: each has its own DNS name, ready or not. */
export const natsPeersService = (realm: Realm): HeadlessService => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: realmChildMeta(realm, natsPeersName(realm.metadata.name), 'nats'),
  spec: {
    type: 'ClusterIP',
    clusterIP: 'None',
    publishNotReadyAddresses: true,
    selector: realmSelector(realm, 'nats'),
    ports: [{ name: 'peers', port: 6222, targetPort: 'peers' }],
  },
})

/** The ports of the servers of a Managed NATS and LiveKit. */
export const natsPorts: V1ServicePort[] = [{ name: 'nats', port: 4222, targetPort: 'nats' }]
export const livekitPorts: V1ServicePort[] = [
  { name: 'http', port: 7880, targetPort: 'http' },
  { name: 'rtc-tcp', port: 7881, targetPort: 'rtc-tcp' },
  { name: 'rtc-udp', port: 7882, targetPort: 'rtc-udp', protocol: 'UDP' },
]

/**
 * The alias Services behind the stable URLs of all slots. Routes point to them for the whole life of the realm; only the cell they select
 * changes, and that closes no socket. While no cell exists, a slot selects its own first cell, which does not exist.
 */
export function slotServices(realm: Realm, { routes }: RealmPlan): Service[] {
  const { name } = realm.metadata
  const hasRooms = realm.spec.livekit.type === 'None'
  return Array.from({ length: realm.spec.cells.max }, (_, slot) => {
    const cell = routes.find((entry) => entry.slot === slot)?.cell ?? cellName(realm, slot)
    const alias = (service: string, component: 'connector' | 'archipelago', purpose: string): Service => ({
      apiVersion: 'v1',
      kind: 'Service',
      metadata: realmChildMeta(realm, service, purpose),
      spec: { type: 'ClusterIP', selector: cellSelector(cell, component), ports: http },
    })
    return [
      alias(slotServiceName(name, slot), 'connector', 'slot'),
      ...(hasRooms ? [alias(roomsServiceName(name, slot), 'archipelago', 'rooms')] : []),
    ]
  }).flat()
}
