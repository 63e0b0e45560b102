import type { CommsCell } from '../../crds/realm.ts'
import { HELD_SLOTS_ANNOTATION } from './naming.ts'

/**
 * The other slots whose URL players of a cell may hold. Explorers keep the URL they were given, so after a slot lost its cell, its players
 * are in the cell that answered there then, and they come back by that URL whichever cell answers there by now.
 */
export const heldSlots = ({ metadata }: CommsCell): readonly number[] =>
  (metadata.annotations?.[HELD_SLOTS_ANNOTATION] ?? '')
    .split(',')
    .flatMap((text) => (/^\d{1,2}$/.test(text) ? [Number(text)] : []))

/** The cell with a record of those slots. */
export function withHeldSlots(cell: CommsCell, slots: Iterable<number>): CommsCell {
  const { [HELD_SLOTS_ANNOTATION]: _, ...others } = cell.metadata.annotations ?? {}
  const text = [...new Set(slots)]
    .filter((slot) => slot !== cell.spec.slot)
    .sort((a, b) => a - b)
    .join()
  const annotations = { ...others, ...(text && { [HELD_SLOTS_ANNOTATION]: text }) }
  const { annotations: __, ...metadata } = cell.metadata
  return { ...cell, metadata: { ...metadata, ...(Object.keys(annotations).length > 0 && { annotations }) } }
}

/** Which cells answer for slots of others, by slot. */
export interface HeldRoutes {
  /** While a cell is drained whose players hold the URL of the slot, its successor answers there, so that they follow to the same islands. */
  successors: ReadonlyMap<number, string>
  /** Cells in which players who hold the URL of the slot are. */
  holders: ReadonlyMap<number, readonly string[]>
}

/** @param slots the cell that has each slot, and the cells of it that are being drained */
export function heldRoutes(
  cells: readonly CommsCell[],
  slots: readonly { active: CommsCell | undefined; draining: readonly CommsCell[] }[],
): HeldRoutes {
  const successors = new Map<number, string>()
  for (const { active, draining } of slots)
    if (active) for (const slot of draining.flatMap(heldSlots)) successors.set(slot, active.metadata.name)
  const holders = new Map<number, string[]>()
  for (const cell of cells)
    for (const slot of heldSlots(cell)) holders.set(slot, [...(holders.get(slot) ?? []), cell.metadata.name])
  return { successors, holders }
}

/**
 * Records in each planned cell the slots of others whose URL its players may hold: those that it or another cell of its slot has on
 * record, and those of draining cells whose players come back to it. A slot without players has none.
 *
 * @param existing cells as observed
 * @param draining those of them whose players are moved
 */
export function recordHeldSlots(
  planned: readonly CommsCell[],
  existing: readonly CommsCell[],
  draining: readonly CommsCell[],
  routes: readonly { slot: number; cell: string }[],
  players: ReadonlyMap<number, number> | undefined,
): CommsCell[] {
  const cellOf = new Map(routes.map(({ slot, cell }) => [slot, cell]))
  const moving = new Set(draining.flatMap((cell) => [cell.spec.slot, ...heldSlots(cell)]))
  return planned.map((cell) => {
    const { slot } = cell.spec
    const kept = players?.get(slot) === 0 ? [] : existing.filter(({ spec }) => spec.slot === slot).flatMap(heldSlots)
    return withHeldSlots(cell, [...kept, ...[...moving].filter((other) => cellOf.get(other) === cell.metadata.name)])
  })
}
