import type { CellActivityCounts } from '../../wire/realm-map.ts'

const NONE: CellActivityCounts = { peers: 0, heartbeats: 0, joins: 0, leaves: 0 }

/** Counts by cell since the service started: a reader of two of them knows the rates between. */
export class CellActivity {
  readonly #cells = new Map<string, { -readonly [Name in keyof CellActivityCounts]: number }>()
  readonly #maxCells: number

  constructor(maxCells: number) {
    this.#maxCells = maxCells
  }

  of(cell: string): CellActivityCounts {
    return this.#cells.get(cell) ?? NONE
  }

  heartbeat(cell: string): void {
    const counts = this.#at(cell)
    if (counts) counts.heartbeats++
  }

  joined(cell: string): void {
    const counts = this.#at(cell)
    if (!counts) return
    counts.joins++
    counts.peers++
  }

  left(cell: string): void {
    const counts = this.#cells.get(cell)
    if (!counts) return
    counts.leaves++
    counts.peers = Math.max(0, counts.peers - 1)
  }

  /** Any client of the bus can make up cells, so there is a limit. */
  #at(cell: string) {
    const known = this.#cells.get(cell)
    if (known || this.#cells.size >= this.#maxCells) return known
    const fresh = { ...NONE }
    this.#cells.set(cell, fresh)
    return fresh
  }
}
