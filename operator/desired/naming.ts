import type { ObjectMeta, OwnerReference } from '../../crds/object.ts'
import { API_VERSION, type CommsCell, type Realm } from '../../crds/realm.ts'
import type { Component } from '../observed/workload.ts'

/** Who we are: the value of `app.kubernetes.io/managed-by`, and the field manager of everything we apply. */
export const MANAGER = 'realm-operator'

/** The label that says which realm an object belongs to; every child of a realm or of its cells has it. */
export const REALM_LABEL = 'comms.decentraland.org/realm'
/** The label that says which cell an object belongs to. */
export const CELL_LABEL = 'comms.decentraland.org/cell'
/** The label that says which slot an object serves. */
export const SLOT_LABEL = 'comms.decentraland.org/slot'
/** The label that says which part of a realm an object is; a `Component` on pods and what runs them. */
export const COMPONENT_LABEL = 'app.kubernetes.io/component'

/** On a cell that took the number of its connectors over from one that somebody had scaled: it is its own, whatever the template says. */
export const SCALED_ANNOTATION = 'comms.decentraland.org/scaled'

/** The first CommsCell of a slot. */
export const cellName = (realm: Realm, slot: number): string => `${realm.metadata.name}-${slot}`

/** What runs a part of a realm or of a cell, and the Service in front of it. */
export const partName = (owner: Realm | CommsCell, component: Component): string => `${owner.metadata.name}-${component}`

/** The alias Service behind the stable URL of a slot: it leads to the connectors of whichever cell answers there. */
export const slotServiceName = (realm: string, slot: number): string => `${realm}-slot-${slot}`

/** The alias Service that leads to the rooms of whichever cell answers at a slot. */
export const roomsServiceName = (realm: string, slot: number): string => `${realm}-rooms-${slot}`

/** The ServiceAccount all pods of a realm run under; it may do nothing. */
export const serviceAccountName = (realm: string): string => `${realm}-realm`

/** The Service by which the servers of a Managed NATS find each other. */
export const natsPeersName = (realm: string): string => `${realm}-nats-peers`

/** The Secret with the passwords of everybody on a Managed NATS. */
export const natsSecretName = (realm: string): string => `${realm}-nats-users`

/** Where a Service answers inside the cluster. */
export const serviceHost = (name: string, namespace: string, clusterDomain: string): string =>
  `${name}.${namespace}.svc.${clusterDomain}`

/** The labels of a part of a realm. */
export const realmLabels = (realm: Realm, component: string): Record<string, string> => ({
  'app.kubernetes.io/name': component,
  'app.kubernetes.io/instance': realm.metadata.name,
  [COMPONENT_LABEL]: component,
  'app.kubernetes.io/managed-by': MANAGER,
  'app.kubernetes.io/part-of': realm.metadata.name,
  [REALM_LABEL]: realm.metadata.name,
})

/** The labels of a part of a cell. */
export const cellLabels = (cell: CommsCell, component: string): Record<string, string> => ({
  'app.kubernetes.io/name': component,
  'app.kubernetes.io/instance': cell.metadata.name,
  [COMPONENT_LABEL]: component,
  'app.kubernetes.io/managed-by': MANAGER,
  'app.kubernetes.io/part-of': cell.spec.realmRef.name,
  [REALM_LABEL]: cell.spec.realmRef.name,
  [SLOT_LABEL]: String(cell.spec.slot),
  [CELL_LABEL]: cell.metadata.name,
})

// Selectors are immutable and outlive upgrades: they hold what a part is, never its version.

/** What picks the pods of a part of a realm. */
export const realmSelector = (realm: Realm, component: Component): Record<string, string> => ({
  [REALM_LABEL]: realm.metadata.name,
  [COMPONENT_LABEL]: component,
})

/** What picks the pods of a part of a cell. */
export const cellSelector = (cell: string, component: Component): Record<string, string> => ({
  [CELL_LABEL]: cell,
  [COMPONENT_LABEL]: component,
})

/** A selector as `/scale` and kubectl write it. */
export const selectorText = (selector: Readonly<Record<string, string>>): string =>
  Object.entries(selector)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')

/** What picks the connectors that serve players, out of all of a realm: what `/scale` of a Realm counts. */
export const servingSelector = (realm: string, cells: readonly string[]): string =>
  [
    selectorText({ [REALM_LABEL]: realm, [COMPONENT_LABEL]: 'connector' }),
    // Every connector is of a cell, so without cells this picks none.
    cells.length > 0 ? `${CELL_LABEL} in (${[...cells].sort().join(',')})` : `!${CELL_LABEL}`,
  ].join(',')

/** The reference that makes Kubernetes collect an object when the one it belongs to goes. */
export const ownedBy = ({ kind, metadata: { name, uid } }: Realm | CommsCell): OwnerReference => ({
  apiVersion: API_VERSION,
  kind,
  name,
  uid: uid ?? '',
  controller: true,
  blockOwnerDeletion: true,
})

/** Metadata of a part of a realm; `component` may be narrower than a workload, such as `slot`. */
export const realmChildMeta = (realm: Realm, name: string, component: string): ObjectMeta => ({
  name,
  namespace: realm.metadata.namespace,
  labels: realmLabels(realm, component),
  ownerReferences: [ownedBy(realm)],
})

/** Metadata of a part of a cell. */
export const cellChildMeta = (cell: CommsCell, component: Component): ObjectMeta => ({
  name: partName(cell, component),
  namespace: cell.metadata.namespace,
  labels: cellLabels(cell, component),
  ownerReferences: [ownedBy(cell)],
})
