import type { ObjectKey } from '../../crds/object.ts'
import type { CommsCell, Realm } from '../../crds/realm.ts'

/** Finds something out about realms in the background, and answers from memory. */
export interface Observer {
  /** Stops observing a realm, and forgets what was found out about it. */
  forget(realm: ObjectKey): void
  /** Calls the listener with each realm of which `get` returns something else than before; the returned function removes it. */
  onChange(listener: (realm: ObjectKey) => void): () => void
}

/** An observer with one result for each realm. */
export interface RealmObserver<Result> extends Observer {
  /** Observes a realm until it is forgotten; called in every pass, with the realm as it is then. */
  watch(realm: Realm): void
  /** What was found out last; undefined while the realm is not observed. */
  get(realm: ObjectKey): Result | undefined
}

/** An observer with one result for each cell. */
export interface CellObserver<Result> extends Observer {
  /** Observes these cells of a realm from now on, and no other cells of it. */
  watch(realm: ObjectKey, cells: readonly CommsCell[]): void
  /** What was found out last; undefined while this cell, by its uid, is not observed. */
  get(cell: CommsCell): Result | undefined
}
