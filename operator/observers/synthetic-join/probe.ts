import type { ObjectKey } from '../../../crds/object.ts'
import type { CommsCell } from '../../../crds/realm.ts'
import type { SyntheticJoin } from '../../observed/synthetic-join.ts'

/** Joins cells as a player would; answers from memory, joins in the background. */
export interface Probe {
  /** Joins these cells of a realm from now on, and no others of it. */
  attend(realm: ObjectKey, cells: readonly CommsCell[]): void
  /** What came of it so far. */
  joinOf(cell: CommsCell): SyntheticJoin
  /** Tells when something else came of it; the returned function ends it. */
  onChange(listener: (realm: ObjectKey) => void): () => void
}
