import { FIRST_ROWS, grown, int, NONE, real } from './columns.ts'
import type { PeerTable } from './peer-table.ts'
import { TileGrid } from './tile-grid.ts'

/** Tiles without peers that are tolerated before the grid is built anew. */
const MAX_UNUSED_TILES = 4096

/**
 * Where the islands with room are: the tiles, for each of them an entry per island with peers there, and for each entry these
 * peers. All peers of a tile are in reach of each other, so that dense places need almost no distance tests.
 */
export class IslandTiles {
  readonly #peers: PeerTable
  readonly grid: TileGrid
  readonly #reachSquared: number
  #first = new Int32Array(FIRST_ROWS)

  /** An entry is an island in a tile. */
  entries = 0
  island = new Int32Array(FIRST_ROWS)
  tile = new Int32Array(FIRST_ROWS)
  next = new Int32Array(FIRST_ROWS)
  #latest = new Int32Array(FIRST_ROWS)

  /** The peers in the order of being added: row, position, and the index of the previous one of the same entry. */
  #added = 0
  #peer = new Int32Array(FIRST_ROWS)
  #x = new Float64Array(FIRST_ROWS)
  #z = new Float64Array(FIRST_ROWS)
  #before = new Int32Array(FIRST_ROWS)

  /** @param reach in metres, at least 1 */
  constructor(peers: PeerTable, reach: number) {
    this.#peers = peers
    this.grid = new TileGrid(reach)
    this.#reachSquared = reach * reach
  }

  /** Removes all peers from the tiles. */
  clear(): void {
    const { rows } = this.#peers
    this.entries = 0
    this.#added = 0
    if (this.grid.tileCount > 2 * rows + MAX_UNUSED_TILES) this.grid.clear()
    this.#first.fill(NONE, 0, this.grid.tileCount)
    if (this.#peer.length < rows) this.#growTo(rows * 2)
  }

  firstIn(tile: number): number {
    return int(this.#first, tile)
  }

  /** The tile at a position. */
  tileAt(x: number, z: number): number {
    const tileCount = this.grid.tileCount
    const tile = this.grid.tileAt(x, z)
    if (tile < tileCount) return tile
    if (tile >= this.#first.length) this.#first = grown(this.#first, tile * 2)
    this.#first[tile] = NONE
    return tile
  }

  /** Adds a peer to a tile as a member of an island, and returns another member in this tile, or NONE. */
  add(peer: number, island: number, tile: number, x: number, z: number): number {
    let entry = int(this.#first, tile)
    // The members of an island are added one after the other, so its entry is the first of the tile if it has one; a second entry
    // does no harm.
    if (entry === NONE || int(this.island, entry) !== island) entry = this.#addEntry(tile, island)
    const at = this.#added++
    const before = int(this.#latest, entry)
    this.#peer[at] = peer
    this.#x[at] = x
    this.#z[at] = z
    this.#before[at] = before
    this.#latest[entry] = at
    return before === NONE ? NONE : int(this.#peer, before)
  }

  /** Removes the entry after `before` (NONE: the first) from a tile, so that searches no longer find it. */
  removeAfter(tile: number, before: number): void {
    if (before === NONE) this.#first[tile] = int(this.next, int(this.#first, tile))
    else this.next[before] = int(this.next, int(this.next, before))
  }

  /** A peer of an entry that is in reach of a position, or NONE. */
  memberInReach(x: number, z: number, entry: number): number {
    for (let at = int(this.#latest, entry); at !== NONE; at = int(this.#before, at)) {
      const dx = real(this.#x, at) - x
      const dz = real(this.#z, at) - z
      if (dx * dx + dz * dz <= this.#reachSquared) return int(this.#peer, at)
    }
    return NONE
  }

  /** Whether a peer of one entry is in reach of a peer of another. */
  areInReach(one: number, other: number): boolean {
    if (int(this.tile, one) === int(this.tile, other)) return true
    for (let at = int(this.#latest, one); at !== NONE; at = int(this.#before, at))
      if (this.memberInReach(real(this.#x, at), real(this.#z, at), other) !== NONE) return true
    return false
  }

  #addEntry(tile: number, island: number): number {
    const entry = this.entries++
    if (entry === this.island.length) {
      this.island = grown(this.island, entry * 2)
      this.tile = grown(this.tile, entry * 2)
      this.next = grown(this.next, entry * 2)
      this.#latest = grown(this.#latest, entry * 2)
    }
    this.island[entry] = island
    this.tile[entry] = tile
    this.next[entry] = int(this.#first, tile)
    this.#first[tile] = entry
    this.#latest[entry] = NONE
    return entry
  }

  #growTo(rows: number): void {
    this.#peer = new Int32Array(rows)
    this.#x = new Float64Array(rows)
    this.#z = new Float64Array(rows)
    this.#before = new Int32Array(rows)
  }
}
