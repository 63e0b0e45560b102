import type { CommsCell, Realm } from '../../../crds/realm.ts'
import type { ObservedCell } from '../../observed/workload.ts'
import { takesPlayers } from '../endpoints.ts'
import { isEmpty } from '../plan.ts'

/**
 * The players of one cell. They are counted by slot, which during a rollout has two cells: the new one has none until it gets the slot, and
 * while the old one is being drained the count of the slot does not say which of them has whom.
 *
 * @param cells all cells of the realm
 * @param bySlot players by slot, when known
 */
export function playersOfCell(
  realm: Realm | undefined,
  cell: CommsCell,
  observed: ObservedCell,
  cells: readonly CommsCell[],
  bySlot: ReadonlyMap<number, number> | undefined,
): number | 'shared' | undefined {
  if (isEmpty(observed)) return 0
  const { slot } = cell.spec
  const others = cellsBeside(cell, cells)
  if (others.length === 0) return bySlot?.get(slot)
  const active = realm?.status?.endpoints?.find((endpoint) => endpoint.slot === slot)?.cell
  if (takesPlayers(cell) && active !== undefined && active !== cell.metadata.name) return 0
  return [cell, ...others].every(takesPlayers) ? bySlot?.get(slot) : 'shared'
}

/** The other cells of the slot of a cell that have connectors. */
export const cellsBeside = (cell: CommsCell, cells: readonly CommsCell[]): CommsCell[] =>
  cells.filter(
    ({ metadata, spec, status }) =>
      spec.slot === cell.spec.slot && metadata.name !== cell.metadata.name && (status?.readyReplicas ?? 0) > 0,
  )
