import type { ObjectMeta } from '../../../crds/object.ts'
import type { CommsCell, Realm } from '../../../crds/realm.ts'
import type { Component } from '../../observed/workload.ts'
import { cellChildMeta, cellSelector, partName, realmChildMeta, realmSelector } from '../naming.ts'
import type { ManifestOf } from './kube-manifest.ts'

/** A PodDisruptionBudget with the fields the operator sets. */
export type DisruptionBudget = ManifestOf<{
  maxUnavailable: number
  unhealthyPodEvictionPolicy: 'AlwaysAllow'
  selector: { matchLabels: Record<string, string> }
}>

// One pod at a time, never zero: a budget that allows no eviction would block a node drain for ever.
const oneAtATime = (metadata: ObjectMeta, matchLabels: Record<string, string>): DisruptionBudget => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata,
  spec: { maxUnavailable: 1, unhealthyPodEvictionPolicy: 'AlwaysAllow', selector: { matchLabels } },
})

/** Lets a node drain evict the connectors of a cell one at a time. */
export const connectorBudget = (cell: CommsCell): DisruptionBudget =>
  oneAtATime(cellChildMeta(cell, 'connector'), cellSelector(cell.metadata.name, 'connector'))

/** The same for its archipelagos: the standby has to be left to take over. */
export const archipelagoBudget = (cell: CommsCell): DisruptionBudget =>
  oneAtATime(cellChildMeta(cell, 'archipelago'), cellSelector(cell.metadata.name, 'archipelago'))

/** The same for a service of the realm. */
export const serviceBudget = (realm: Realm, component: Component): DisruptionBudget =>
  oneAtATime(realmChildMeta(realm, partName(realm, component), component), realmSelector(realm, component))
