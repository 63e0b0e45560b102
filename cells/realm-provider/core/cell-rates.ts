import type { MapCell, RealmMap } from '../../wire/realm-map.ts'

/** What happens in one cell, per second where it is a rate. */
export interface CellRates {
  slot: number
  healthy: boolean
  players: number
  islands: number
  /** Undefined until two maps of one instance of the statistics are known. */
  heartbeats: number | undefined
  joins: number | undefined
  leaves: number | undefined
}

/** A map, and when it arrived by the monotonic clock. */
export interface MapAt {
  map: RealmMap
  atMs: number
}

const COUNTED = ['heartbeats', 'joins', 'leaves'] as const

/** The rates between two maps. */
export function cellRates(now: MapAt, before: MapAt | undefined): CellRates[] {
  const seconds = before && before.map.instance === now.map.instance ? (now.atMs - before.atMs) / 1_000 : 0
  const earlier = new Map(before?.map.cells.map((cell) => [cell.slot, cell]))
  return now.map.cells.map((cell) => {
    const from = earlier.get(cell.slot)
    const rate = (name: (typeof COUNTED)[number]) => rateOf(cell, from, name, seconds)
    const { slot, healthy, userCount, islands } = cell
    return {
      slot,
      healthy,
      players: userCount,
      islands,
      heartbeats: rate('heartbeats'),
      joins: rate('joins'),
      leaves: rate('leaves'),
    }
  })
}

function rateOf(now: MapCell, before: MapCell | undefined, name: (typeof COUNTED)[number], seconds: number): number | undefined {
  if (!before || seconds <= 0 || now[name] < before[name]) return undefined
  return (now[name] - before[name]) / seconds
}
