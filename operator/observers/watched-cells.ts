import type { Poller } from '../../cells/chassis/poller.ts'
import { keyText, type ObjectKey } from '../../crds/object.ts'
import type { CommsCell } from '../../crds/realm.ts'

/** A cell that is polled, and the realm it belongs to. */
export interface WatchedCell {
  readonly realm: ObjectKey
  cell: CommsCell
}

/** Nothing is known of a cell that was created again under the same name: it has another uid. */
export const watchedCellId = ({ metadata }: CommsCell): string => `${keyText(metadata)}/${metadata.uid}`

/** Makes a poller watch these cells of a realm, and no other cells of it. */
export function watchCells<Target extends WatchedCell, Answer>(
  poller: Poller<Target, Answer>,
  { namespace, name }: ObjectKey,
  cells: readonly CommsCell[],
  create: (realm: ObjectKey, cell: CommsCell) => Target,
): void {
  const realm = { namespace, name }
  const ids = new Set(cells.map(watchedCellId))
  for (const [id, target] of poller.targets()) if (keyText(target.realm) === keyText(realm) && !ids.has(id)) poller.forget(id)
  for (const cell of cells) poller.watch(watchedCellId(cell), () => create(realm, cell)).cell = cell
}
