import type { CommsCell, Realm } from '../../../crds/realm.ts'
import type { ObservedRealm } from '../../observed/workload.ts'
import { isServing, takesPlayers } from '../endpoints.ts'
import { heldSlots } from '../held-slots.ts'
import { SCALED_ANNOTATION } from '../naming.ts'

/** The cells of a realm that exist and are not being deleted. */
export interface RealmCells {
  /** Created by the operator, which may replace and remove them; by slot. */
  own: ReadonlyMap<number, readonly CommsCell[]>
  /** Created by users: they serve beside the operator's at the slots they name, and the operator never changes them. */
  userCreated: readonly CommsCell[]
}

/** Sorts the cells that refer to a realm. */
export function cellsBySlot(realm: Realm, cells: readonly CommsCell[]): RealmCells {
  const living = cells.filter(({ metadata }) => !metadata.deletionTimestamp)
  const own = new Map<number, CommsCell[]>()
  for (const cell of living) if (isOwn(realm, cell)) own.set(cell.spec.slot, [...(own.get(cell.spec.slot) ?? []), cell])
  return { own, userCreated: living.filter((cell) => !isOwn(realm, cell) && cell.spec.slot < realm.spec.cells.max) }
}

/** Whether the operator created a cell. By name: a cell that a deleted realm of the same name left is adopted before it is collected. */
export const isOwn = (realm: Realm, { metadata }: CommsCell): boolean =>
  metadata.ownerReferences?.some(({ kind, name }) => kind === 'Realm' && name === realm.metadata.name) ?? false

/** Whether a cell keeps its own number of connectors, because another client scaled them. */
export const isScaled = ({ scaled }: ObservedRealm, { metadata }: CommsCell): boolean =>
  scaled?.has(metadata.name) || metadata.annotations?.[SCALED_ANNOTATION] !== undefined

/**
 * The slots that are to have a cell of the operator. Slots with a cell keep it. When there are too many, slots whose cells are draining are
 * given up first, then those whose cells do not serve, then those with the fewest players; when there are too few, the lowest free
 * slots are added, first those whose URL no player of another cell holds.
 */
export function chooseSlots(
  { spec: { cells } }: Realm,
  desiredCells: number,
  { own, userCreated }: RealmCells,
  players?: ReadonlyMap<number, number>,
): number[] {
  // A user's cell that does not serve yet takes no slot from a cell of the operator.
  const taken = new Set(userCreated.filter((cell) => isServing(cell) || !own.has(cell.spec.slot)).map(({ spec }) => spec.slot))
  const free = Array.from({ length: cells.max }, (_, slot) => slot).filter((slot) => !taken.has(slot))
  const used = free.filter((slot) => own.has(slot))
  const worth = (slot: number) => worthOf(own.get(slot) ?? [], players?.get(slot))
  const best = [...used].sort((a, b) => worth(b) - worth(a) || a - b)
  const held = new Set([...own.values()].flat().flatMap(heldSlots))
  const unused = free.filter((slot) => !own.has(slot)).sort((a, b) => Number(held.has(a)) - Number(held.has(b)) || a - b)
  return [...best, ...unused].slice(0, desiredCells).sort((a, b) => a - b)
}

/** Rank of a slot when one has to be given up; the lowest goes first. */
function worthOf(cells: readonly CommsCell[], players: number | undefined): number {
  if (!cells.some(takesPlayers)) return -2
  if (!cells.some(isServing)) return -1
  // Without a count, slots are compared by their numbers alone.
  return players ?? 0
}
