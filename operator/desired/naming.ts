import type { ObjectMeta, OwnerReference } from '../../crds/object.ts'
import { API_VERSION, type CommsCell, type Realm } from '../../crds/realm.ts'
import { gatekeeperRealmOf } from '../../crds/world.ts'
import type { Component } from '../observed/workload.ts'

/** The operator's name: the value of `app.kubernetes.io/managed-by`, and the field manager of everything it applies. */
export const MANAGER = 'realm-operator'

/** The label with the name of the realm that an object belongs to; every child of a realm or of its cells has it. */
export const REALM_LABEL = 'comms.decentraland.org/realm'
/** The label with the name of the cell that an object belongs to. */
export const CELL_LABEL = 'comms.decentraland.org/cell'
/** The label that says which slot an object serves. */
export const SLOT_LABEL = 'comms.decentraland.org/slot'
/** The label with the part of a realm that an object is; on pods and workloads a `Component`. */
export const COMPONENT_LABEL = 'app.kubernetes.io/component'

/**
 * On a cell that replaced one whose connectors another client had scaled: it keeps its number of connectors, whatever the
 * template says.
 */
export const SCALED_ANNOTATION = 'comms.decentraland.org/scaled'

/** On the pod template of a workload that the operator restarted: when. */
export const RESTARTED_ANNOTATION = 'comms.decentraland.org/restarted-at'

/** On a cell: other slots whose URL its players may hold, separated by commas. */
export const HELD_SLOTS_ANNOTATION = 'comms.decentraland.org/held-slots'

/** The name of the first CommsCell of a slot. */
export const cellName = (realm: Realm, slot: number): string => `${realm.metadata.name}-${slot}`

/** The name of the workload of a part of a realm or a cell, and of the Service in front of it. */
export const partName = (owner: Realm | CommsCell, component: Component): string => `${owner.metadata.name}-${component}`

/** The gatekeeper that serves a realm: its own, or that of the Realm a world names. */
export const gatekeeperName = (realm: Realm): string => `${gatekeeperRealmOf(realm)}-gatekeeper`

/** The Ingress or HTTPRoute of further hosts of a gatekeeper. No Realm has a name with a dot, so that of no other Realm is called like it. */
export const gatekeeperRouteName = ({ metadata }: Realm): string => `${metadata.name}.gatekeeper`

/** The HTTPRoute of some slots of a realm, by the first of them. */
export const slotsRouteName = ({ metadata }: Realm, firstSlot: number): string => `${metadata.name}.slots-${firstSlot}`

/** The alias Service behind the stable URL of a slot: it selects the connectors of the cell that answers there. */
export const slotServiceName = (realm: string, slot: number): string => `${realm}-slot-${slot}`

/** The alias Service of a slot that selects the rooms of the cell that answers there. */
export const roomsServiceName = (realm: string, slot: number): string => `${realm}-rooms-${slot}`

/** The ServiceAccount of all pods of a realm; it has no rights. */
export const serviceAccountName = (realm: string): string => `${realm}-realm`

/** The Service by which the servers of a Managed NATS find each other. */
export const natsPeersName = (realm: string): string => `${realm}-nats-peers`

/** The Service by which players outside the cluster reach the media of a Managed LiveKit. */
export const livekitMediaName = ({ metadata }: Realm): string => `${metadata.name}-livekit-media`

/** The Deployment of the proxy behind the load balancer of a realm, its configuration, and the Service of type LoadBalancer. */
export const proxyName = ({ metadata }: Realm): string => `${metadata.name}-proxy`

/** The Secret with the passwords of all users of a Managed NATS. */
export const natsSecretName = (realm: string): string => `${realm}-nats-users`

/** The host name of a Service inside the cluster. */
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

/** On a pod of a gatekeeper: the fingerprint of the worlds that its ConfigMap has. A change of it has the kubelet update mounted files at once. */
export const WORLDS_ANNOTATION = 'comms.decentraland.org/worlds'
/** On the pods of a Compact cell whose processes run the statistics of the realm. */
export const STATISTICS_LABEL = 'comms.decentraland.org/statistics'
/** On a workload: what it was made with, a `WorkloadImage` as JSON. */
export const IMAGE_ANNOTATION = 'comms.decentraland.org/image'
/** On a workload of a realm: the fingerprint of its pod template. */
export const TEMPLATE_ANNOTATION = 'comms.decentraland.org/template'

// Selectors are immutable and outlive upgrades: they hold what a part is, never its version.

/** The selector of the pods of a part of a realm. */
export const realmSelector = (realm: Realm, component: Component): Record<string, string> => ({
  [REALM_LABEL]: realm.metadata.name,
  [COMPONENT_LABEL]: component,
})

/** The selector of the pods of a part of a cell. */
export const cellSelector = (cell: string, component: Component): Record<string, string> => ({
  [CELL_LABEL]: cell,
  [COMPONENT_LABEL]: component,
})

/** The selector of the pods of all Compact cells of a realm that run its statistics. */
export const statisticsSelector = (realm: Realm): Record<string, string> => ({
  [REALM_LABEL]: realm.metadata.name,
  [STATISTICS_LABEL]: 'true',
})

/** A selector in the syntax of `/scale` and kubectl. */
export const selectorText = (selector: Readonly<Record<string, string>>): string =>
  Object.entries(selector)
    .map(([key, value]) => `${key}=${value}`)
    .join(',')

/** The selector of the connectors of a realm that serve players: what `/scale` of a Realm counts. */
export const servingSelector = (realm: string, cells: readonly string[]): string =>
  [
    selectorText({ [REALM_LABEL]: realm, [COMPONENT_LABEL]: 'connector' }),
    // Every connector belongs to a cell, so without cells this selects none.
    cells.length > 0 ? `${CELL_LABEL} in (${[...cells].sort().join(',')})` : `!${CELL_LABEL}`,
  ].join(',')

/** The claim that the operator creates for the embedded database of a realm. */
export const databaseClaimName = (realm: Realm): string => `${partName(realm, 'gatekeeper')}-data`

/** The Secret with the token of a realm at the movement relay; a token of another key has another Secret. */
export const realmTokenSecretName = ({ metadata }: Realm, keyId: string): string => `${metadata.name}-movement-${keyId}`

/** The ConfigMap with the worlds that the gatekeeper of a realm serves. */
export const worldsName = (realm: Realm): string => `${realm.metadata.name}-worlds`

/** The reference by which Kubernetes deletes an object together with its owner. */
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
