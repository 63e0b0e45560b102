import { grown, int, NONE, real } from './columns.ts'
import type { PeerTable } from './peer-table.ts'
import { TileGrid } from './tile-grid.ts'

/** Tiles that may lie where nobody stands any more, before the ground is laid out anew. */
const MAX_UNUSED_TILES = 4096

/**
 * Where the islands that have room are: tiles, each with the islands that have somebody there, each of these with its peers there. Everybody
 * in one tile touches everybody else in it, so dense places need next to no distance tests.
 */
export class IslandTiles {
  readonly #peers: PeerTable
  readonly grid: TileGrid
  readonly #reachSquared: number
  #first = new Int32Array(1024)

  /** A presence is an island in a tile. */
  entries = 0
  island = new Int32Array(1024)
  tile = new Int32Array(1024)
  next = new Int32Array(1024)
  #latest = new Int32Array(1024)

  /** Everybody in the order of being added: who, where, and the one before of the same presence. */
  #added = 0
  #peer = new Int32Array(1024)
  #x = new Float64Array(1024)
  #z = new Float64Array(1024)
  #before = new Int32Array(1024)

  /** @param reach metres at which two peers touch, at least 1 */
  constructor(peers: PeerTable, reach: number) {
    this.#peers = peers
    this.grid = new TileGrid(reach)
    this.#reachSquared = reach * reach
  }

  /** Takes everybody off the tiles. */
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

  /** The tile at a spot. */
  tileAt(x: number, z: number): number {
    const laid = this.grid.tileCount
    const tile = this.grid.tileAt(x, z)
    if (tile < laid) return tile
    if (tile >= this.#first.length) this.#first = grown(this.#first, tile * 2)
    this.#first[tile] = NONE
    return tile
  }

  /** Puts a peer on a tile, as a member of an island, and answers a fellow it finds there, if there is one, else NONE. */
  add(peer: number, island: number, tile: number, x: number, z: number): number {
    let presence = int(this.#first, tile)
    // The members of an island are added one after the other, so it is the first here if it is here; to be here twice does no harm.
    if (presence === NONE || int(this.island, presence) !== island) presence = this.#enter(tile, island)
    const at = this.#added++
    const before = int(this.#latest, presence)
    this.#peer[at] = peer
    this.#x[at] = x
    this.#z[at] = z
    this.#before[at] = before
    this.#latest[presence] = at
    return before === NONE ? NONE : int(this.#peer, before)
  }

  /** Takes the presence that follows `before` (NONE: the first) out of a tile; it finds nobody any more. */
  removeAfter(tile: number, before: number): void {
    if (before === NONE) this.#first[tile] = int(this.next, int(this.#first, tile))
    else this.next[before] = int(this.next, int(this.next, before))
  }

  /** Somebody of a presence who is touched from a spot, NONE if nobody is. */
  memberInReach(x: number, z: number, presence: number): number {
    for (let at = int(this.#latest, presence); at !== NONE; at = int(this.#before, at)) {
      const dx = real(this.#x, at) - x
      const dz = real(this.#z, at) - z
      if (dx * dx + dz * dz <= this.#reachSquared) return int(this.#peer, at)
    }
    return NONE
  }

  /** Whether anybody of one presence touches anybody of another. */
  areInReach(one: number, other: number): boolean {
    if (int(this.tile, one) === int(this.tile, other)) return true
    for (let at = int(this.#latest, one); at !== NONE; at = int(this.#before, at))
      if (this.memberInReach(real(this.#x, at), real(this.#z, at), other) !== NONE) return true
    return false
  }

  #enter(tile: number, island: number): number {
    const presence = this.entries++
    if (presence === this.island.length) {
      this.island = grown(this.island, presence * 2)
      this.tile = grown(this.tile, presence * 2)
      this.next = grown(this.next, presence * 2)
      this.#latest = grown(this.#latest, presence * 2)
    }
    this.island[presence] = island
    this.tile[presence] = tile
    this.next[presence] = int(this.#first, tile)
    this.#first[tile] = presence
    this.#latest[presence] = NONE
    return presence
  }

  #growTo(rows: number): void {
    this.#peer = new Int32Array(rows)
    this.#x = new Float64Array(rows)
    this.#z = new Float64Array(rows)
    this.#before = new Int32Array(rows)
  }
}
