import type { Endpoint, RealmSpec } from '../../../crds/realm.ts'
import { fnv1a } from '../../chassis/fnv1a.ts'

/** How a realm shares its players out among its cells. */
export type Assignment = Pick<RealmSpec['cells'], 'assignment' | 'capacity'>

/** What is known when a newcomer asks. */
export interface Visitor {
  /** Players by slot; nothing while nobody counted. */
  players?: ReadonlyMap<number, number> | undefined
  /** What tells visitors apart, such as their address: the same one is led to the same cell, where that is asked for. */
  visitor?: string
}

/**
 * Which cell a newcomer is led to. Cells with room go before full ones; when all are full, the emptiest takes one more. Where players of a
 * cell are not known, it counts as having room.
 */
export function chooseEndpoint(
  endpoints: readonly Endpoint[],
  { assignment, capacity }: Assignment = { assignment: 'LeastLoaded' },
  { players, visitor = '' }: Visitor = {},
): Endpoint | undefined {
  const bySlot = [...endpoints].sort((a, b) => a.slot - b.slot)
  const withRoom = bySlot.filter(({ slot }) => capacity === undefined || (players?.get(slot) ?? 0) < capacity)
  if (withRoom.length === 0) return emptiest(bySlot, players)
  switch (assignment) {
    case 'LeastLoaded':
      return emptiest(withRoom, players)
    case 'Fill':
      return withRoom[0]
    case 'Sticky':
      return favourite(withRoom, visitor)
  }
}

/** The emptiest when the players of every candidate are known, else the lowest slot. */
function emptiest(bySlot: readonly Endpoint[], players: ReadonlyMap<number, number> | undefined): Endpoint | undefined {
  const loads = bySlot.map(({ slot }) => players?.get(slot))
  if (loads.includes(undefined)) return bySlot[0]
  const lightest = Math.min(...loads.map((load) => load ?? 0))
  return bySlot[loads.indexOf(lightest)]
}

/** The slot a visitor ranks highest: when one comes or goes, only those who ranked it highest change. */
function favourite(bySlot: readonly Endpoint[], visitor: string): Endpoint | undefined {
  const ranked = bySlot.map((endpoint) => ({ endpoint, rank: rankHash(`${endpoint.slot} ${visitor}`) }))
  return ranked.sort((a, b) => b.rank - a.rank)[0]?.endpoint
}

/** FNV-1a, mixed once more, because short texts that differ in one letter should not rank alike. */
function rankHash(text: string): number {
  const hash = fnv1a(text)
  const mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return (mixed ^ (mixed >>> 13)) >>> 0
}
