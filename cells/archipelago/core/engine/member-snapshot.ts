import { int, NONE } from './columns.ts'
import type { IslandTable } from './island-table.ts'
import type { PeerTable } from './peer-table.ts'

/**
 * A copy of all peers with an island, island by island, as of the moment it was taken: code that visits all members of all
 * islands reads memory sequentially. An index is a position in this copy.
 */
export class MemberSnapshot {
  readonly #peers: PeerTable
  readonly #islands: IslandTable
  /** By island: its members have the indices from the end of the island before it up to its own end. */
  #end = new Int32Array(0)
  /** Rows of the island table at that moment. */
  islandRows = 0
  /** By peer: its index, if it has an island. */
  indexOf = new Int32Array(0)
  /** By index: row, position and link of the peer. */
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
    this.#resetEnds()
    const end = this.#end
    const { indexOf, peer, x: east, z: north, link: linked } = this
    for (let row = 0; row < rows; row++) {
      const island = islandOf[row] as number
      if (island === NONE) continue
      const index = end[island] as number
      end[island] = index + 1
      indexOf[row] = index
      peer[index] = row
      east[index] = x[row] as number
      north[index] = z[row] as number
      linked[index] = link[row] as number
    }
  }

  /** Sets the end of each island to its start; `take` then advances it with each member. */
  #resetEnds(): void {
    const { rows, size } = this.#islands
    if (this.#end.length < rows) this.#end = new Int32Array(rows * 2)
    this.islandRows = rows
    const end = this.#end
    let start = 0
    for (let island = 0; island < rows; island++) {
      end[island] = start
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
