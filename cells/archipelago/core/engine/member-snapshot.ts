import { int, NONE, real } from './columns.ts'
import type { IslandTable } from './island-table.ts'
import type { PeerTable } from './peer-table.ts'

/**
 * Everybody who is placed, island by island, as they were when it was taken: what looks at all members of all islands reads memory from front
 * to back. A place is an index into it.
 */
export class MemberSnapshot {
  readonly #peers: PeerTable
  readonly #islands: IslandTable
  /** By island: its members are at the places from the end of the island before it up to its own. */
  #end = new Int32Array(0)
  /** Every island that is in it is smaller. */
  islandRows = 0
  /** By peer: its place, if it is placed. */
  indexOf = new Int32Array(0)
  /** By place: who it is, where it stands, and whom it holds on to. */
  peer = new Int32Array(0)
  x = new Float64Array(0)
  z = new Float64Array(0)
  link = new Int32Array(0)

  constructor(peers: PeerTable, islands: IslandTable) {
    this.#peers = peers
    this.#islands = islands
  }

  startOf(island: number): number {
    return island === 0 ? 0 : int(this.#end, island - 1)
  }

  endOf(island: number): number {
    return int(this.#end, island)
  }

  take(): void {
    const { rows, x, z, island: islandOf, link } = this.#peers
    if (this.peer.length < rows) this.#grow(rows * 2)
    this.#measure()
    for (let slot = 0; slot < rows; slot++) {
      const island = int(islandOf, slot)
      if (island === NONE) continue
      const place = int(this.#end, island)
      this.#end[island] = place + 1
      this.indexOf[slot] = place
      this.peer[place] = slot
      this.x[place] = real(x, slot)
      this.z[place] = real(z, slot)
      this.link[place] = int(link, slot)
    }
  }

  /** Lets each island end where it begins; its members move the end on. */
  #measure(): void {
    const { rows, size } = this.#islands
    if (this.#end.length < rows) this.#end = new Int32Array(rows * 2)
    this.islandRows = rows
    let start = 0
    for (let island = 0; island < rows; island++) {
      this.#end[island] = start
      start += int(size, island)
    }
  }

  #grow(rows: number): void {
    this.indexOf = new Int32Array(rows)
    this.peer = new Int32Array(rows)
    this.x = new Float64Array(rows)
    this.z = new Float64Array(rows)
    this.link = new Int32Array(rows)
  }
}
