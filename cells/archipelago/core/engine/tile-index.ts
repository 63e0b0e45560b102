import { int, NONE } from './columns.ts'
import type { IslandTable } from './island-table.ts'
import type { IslandTiles } from './island-tiles.ts'

/** Which islands are in a tile, the smallest first, by the seats they took when one looked; and in which tiles an island is. */
export class TileIndex {
  readonly #islands: IslandTable
  readonly #tiles: IslandTiles
  readonly #maxPeers: number
  /** Presences, tile by tile, and the seats that the island of each takes. */
  entry = new Int32Array(0)
  seats = new Int32Array(0)
  #spare = new Int32Array(0)
  #end = new Int32Array(0)
  /** By island: its first and its last presence; by presence: the next one of its island. */
  #first = new Int32Array(0)
  #last = new Int32Array(0)
  #next = new Int32Array(0)

  constructor(islands: IslandTable, tiles: IslandTiles, maxPeers: number) {
    this.#islands = islands
    this.#tiles = tiles
    this.#maxPeers = maxPeers
  }

  /** Where the occupants of a tile begin. */
  startOf(tile: number): number {
    return tile === 0 ? 0 : int(this.#end, tile - 1)
  }

  /** Where the occupants of a tile end, those left out that take more seats. */
  endOf(tile: number, seats: number): number {
    const end = int(this.#end, tile)
    let at = this.startOf(tile)
    while (at < end && int(this.seats, at) <= seats) at++
    return at
  }

  firstOf(island: number): number {
    return int(this.#first, island)
  }

  nextOf(presence: number): number {
    return int(this.#next, presence)
  }

  /** Looks at all tiles. */
  rebuild(): void {
    const { entries, tile, island, grid } = this.#tiles
    const { seatsTaken } = this.#islands
    if (this.entry.length < entries) this.#grow(entries * 2)
    if (this.#first.length < this.#islands.rows) {
      this.#first = new Int32Array(this.#islands.rows * 2)
      this.#last = new Int32Array(this.#islands.rows * 2)
    }
    this.#first.fill(NONE)
    for (let one = 0; one < entries; one++) {
      this.entry[one] = one
      this.seats[one] = int(seatsTaken, int(island, one))
      this.#list(int(island, one), one)
    }
    this.#sort(this.entry, this.#spare, this.seats, this.#maxPeers + 1)
    this.#sort(this.#spare, this.entry, tile, grid.tileCount)
    for (let at = 0; at < entries; at++) this.seats[at] = int(seatsTaken, int(island, int(this.entry, at)))
  }

  /** Lets an island be wherever another is, which becomes part of it. */
  unite(winner: number, loser: number): void {
    if (this.firstOf(loser) === NONE) return
    if (this.firstOf(winner) === NONE) this.#first[winner] = this.firstOf(loser)
    else this.#next[int(this.#last, winner)] = this.firstOf(loser)
    this.#last[winner] = int(this.#last, loser)
  }

  #list(island: number, presence: number): void {
    this.#next[presence] = NONE
    if (this.firstOf(island) === NONE) this.#first[island] = presence
    else this.#next[int(this.#last, island)] = presence
    this.#last[island] = presence
  }

  /** Sorts presences by a key below `keys`, equals as they were; `#end` then says where those of each key end. */
  #sort(from: Int32Array, to: Int32Array, key: Int32Array, keys: number): void {
    if (this.#end.length < keys) this.#end = new Int32Array(keys * 2)
    const { entries } = this.#tiles
    const end = this.#end.fill(0, 0, keys)
    for (let at = 0; at < entries; at++) {
      const one = int(key, int(from, at))
      end[one] = int(end, one) + 1
    }
    let start = 0
    for (let one = 0; one < keys; one++) {
      const count = int(end, one)
      end[one] = start
      start += count
    }
    for (let at = 0; at < entries; at++) {
      const presence = int(from, at)
      const place = int(end, int(key, presence))
      end[int(key, presence)] = place + 1
      to[place] = presence
    }
  }

  #grow(presences: number): void {
    this.entry = new Int32Array(presences)
    this.seats = new Int32Array(presences)
    this.#spare = new Int32Array(presences)
    this.#next = new Int32Array(presences)
  }
}
