import type { ObjectKey } from '../../crds/object.ts'
import type { CommsCell, CommsCellStatus, Realm, RealmStatus } from '../../crds/realm.ts'
import type { Kind } from '../../crds/resources.ts'
import type { CellPlan, RealmPlan } from '../desired/plan.ts'
import type { Component, ObservedCell, ObservedRealm } from '../observed/workload.ts'

/**
 * The cluster as the reconcilers see it: what was declared, what exists, and the ways to change it. Reads are answered from
 * memory; only `realize` and `report` send requests. Two implementations: Kubernetes, and one process on a
 * laptop.
 */
export interface Cluster {
  realm(key: ObjectKey): Realm | undefined
  cell(key: ObjectKey): CommsCell | undefined
  /** Every object of a kind. */
  keys(kind: Kind): readonly ObjectKey[]
  observeRealm(realm: Realm): ObservedRealm
  observeCell(cell: CommsCell): ObservedCell
  /**
   * Creates the desired objects of a realm, changes those that differ, removes those that are no longer desired. Returns the services
   * that keep the pods they have for now although the spec says something else.
   */
  realizeRealm(realm: Realm, plan: RealmPlan): Promise<readonly Component[]>
  /** The same for one cell. */
  realizeCell(cell: CommsCell, plan: CellPlan): Promise<void>
  /** Writes the status unless the object has it already. */
  reportRealm(realm: Realm, status: RealmStatus): Promise<void>
  reportCell(cell: CommsCell, status: CommsCellStatus): Promise<void>
  /** Calls the listener with each object that may need a pass; the returned function removes it. */
  onChange(listener: (kind: Kind, key: ObjectKey) => void): () => void
}
