import type { ObjectKey } from '../../crds/object.ts'
import type { CommsCell, CommsCellStatus, Realm, RealmStatus } from '../../crds/realm.ts'
import type { Kind } from '../../crds/resources.ts'
import type { CellPlan, RealmPlan } from '../desired/plan.ts'
import type { ObservedCell, ObservedRealm } from '../observed/workload.ts'

/**
 * The world as the reconcilers wish it were: what was declared, what exists, and four ways to change it. Reading answers from
 * memory; only realizing and reporting reach out. Two implementations: Kubernetes, and one process on a laptop.
 */
export interface Cluster {
  realm(key: ObjectKey): Realm | undefined
  cell(key: ObjectKey): CommsCell | undefined
  /** Every object of a kind. */
  keys(kind: Kind): readonly ObjectKey[]
  observeRealm(realm: Realm): ObservedRealm
  observeCell(cell: CommsCell): ObservedCell
  /** Makes what the realm deserves, changes what differs, removes what it no longer deserves. */
  realizeRealm(realm: Realm, plan: RealmPlan): Promise<void>
  /** The same for one cell. */
  realizeCell(cell: CommsCell, plan: CellPlan): Promise<void>
  /** Writes status where it differs from what is there. */
  reportRealm(realm: Realm, status: RealmStatus): Promise<void>
  reportCell(cell: CommsCell, status: CommsCellStatus): Promise<void>
  /** Sets which of our finalizers hold up the end of a realm. */
  setFinalizers(realm: Realm, finalizers: readonly string[]): Promise<void>
  /** Tells which object may need a look, for whatever reason; the returned function ends it. */
  onChange(listener: (kind: Kind, key: ObjectKey) => void): () => void
}
