import type { CommsCell, Realm } from '../../../crds/realm.ts'
import type { RealmObserved } from '../../observed/workload.ts'
import { isServing, takesPlayers } from '../endpoints.ts'
import { SCALED_ANNOTATION } from '../naming.ts'

/** The cells of a realm that exist and stay, told apart by who made them. */
export interface RealmCells {
  /** Ours to replace and to remove, by slot. */
  own: ReadonlyMap<number, readonly CommsCell[]>
  /** Written by people: they serve beside ours at the slots they name, and nobody but people changes them. */
  byHand: readonly CommsCell[]
}

/** Sorts out the cells that say they belong to a realm; one that is being deleted is no longer among them. */
export function cellsOf(realm: Realm, cells: readonly CommsCell[]): RealmCells {
  const living = cells.filter(({ metadata }) => !metadata.deletionTimestamp)
  const own = new Map<number, CommsCell[]>()
  for (const cell of living) if (isOwn(realm, cell)) own.set(cell.spec.slot, [...(own.get(cell.spec.slot) ?? []), cell])
  return { own, byHand: living.filter((cell) => !isOwn(realm, cell) && cell.spec.slot < realm.spec.cells.max) }
}

/** Whether the operator made a cell. By name: what a realm of the same name left behind is taken over before it is collected. */
export const isOwn = (realm: Realm, { metadata }: CommsCell): boolean =>
  metadata.ownerReferences?.some(({ kind, name }) => kind === 'Realm' && name === realm.metadata.name) ?? false

/** Whether the number of a cell's connectors is its own, because somebody scaled them. */
export const isScaled = ({ scaled }: RealmObserved, { metadata }: CommsCell): boolean =>
  scaled?.has(metadata.name) || metadata.annotations?.[SCALED_ANNOTATION] !== undefined

/**
 * The slots our cells should have, as many as are wanted. Those that have one keep it. When there are too many, those go first
 * that are on their way out already, then those that never served, then the emptiest; when there are too few, the lowest come.
 */
export function chooseSlots(
  { spec: { cells } }: Realm,
  wanted: number,
  { own, byHand }: RealmCells,
  players?: ReadonlyMap<number, number>,
): number[] {
  // One that does not serve yet takes no slot from a cell of ours that may.
  const taken = new Set(byHand.filter((cell) => isServing(cell) || !own.has(cell.spec.slot)).map(({ spec }) => spec.slot))
  const free = Array.from({ length: cells.max }, (_, slot) => slot).filter((slot) => !taken.has(slot))
  const used = free.filter((slot) => own.has(slot))
  const worth = (slot: number) => worthOf(own.get(slot) ?? [], players?.get(slot))
  const best = [...used].sort((a, b) => worth(b) - worth(a) || a - b)
  return [...best, ...free.filter((slot) => !own.has(slot))].slice(0, wanted).sort((a, b) => a - b)
}

/** How much would be lost with the cells of a slot. */
function worthOf(cells: readonly CommsCell[], players: number | undefined): number {
  if (!cells.some(takesPlayers)) return -2
  if (!cells.some(isServing)) return -1
  // Of a cell nobody counted nothing is known, so it goes by its number like all others.
  return players ?? 0
}
