import { int, NONE } from './columns.ts'
import type { IslandTable } from './island-table.ts'
import type { IslandTiles } from './island-tiles.ts'

/**
 * The entries of `IslandTiles` by tile, in ascending order of the seats their islands took when the index was built; and by
 * island.
 */
export class TileIndex {
  readonly #islands: IslandTable
  readonly #tiles: IslandTiles
  readonly #maxPeers: number
  /** Entries, tile by tile, and the seats that the island of each takes. */
  entry = new Int32Array(0)
  seats = new Int32Array(0)
  #spare = new Int32Array(0)
  #end = new Int32Array(0)
  /** By island: its first and its last entry; by entry: the next one of its island. */
  #first = new Int32Array(0)
  #last = new Int32Array(0)
  #next = new Int32Array(0)

  constructor(islands: IslandTable, tiles: IslandTiles, maxPeers: number) {
    this.#islands = islands
    this.#tiles = tiles
    this.#maxPeers = maxPeers
  }

  /** Index of the first entry of a tile. */
  startOf(tile: number): number {
    return tile === 0 ? 0 : int(this.#end, tile - 1)
  }

  /** Index after the last entry of a tile whose island takes at most so many seats. */
  endOf(tile: number, seats: number): number {
    const end = int(this.#end, tile)
    const seatsOf = this.seats
    let at = this.startOf(tile)
    while (at < end && (seatsOf[at] as number) <= seats) at++
    return at
  }

  firstOf(island: number): number {
    return int(this.#first, island)
  }

  nextOf(entry: number): number {
    return int(this.#next, entry)
  }

  /** Builds the index of all tiles. */
  rebuild(): void {
    const { entries, tile, island, grid } = this.#tiles
    const { seatsTaken } = this.#islands
    if (this.entry.length < entries) this.#grow(entries * 2)
    if (this.#first.length < this.#islands.rows) {
      this.#first = new Int32Array(this.#islands.rows * 2)
      this.#last = new Int32Array(this.#islands.rows * 2)
    }
    this.#first.fill(NONE)
    const { entry, seats } = this
    for (let one = 0; one < entries; one++) {
      entry[one] = one
      seats[one] = seatsTaken[island[one] as number] as number
      this.#addToIsland(island[one] as number, one)
    }
    this.#sort(entry, this.#spare, seats, this.#maxPeers + 1)
    this.#sort(this.#spare, entry, tile, grid.tileCount)
    for (let at = 0; at < entries; at++) seats[at] = seatsTaken[island[entry[at] as number] as number] as number
  }

  /** Adds the entries of the loser to those of the winner, into which it is merged. */
  unite(winner: number, loser: number): void {
    if (this.firstOf(loser) === NONE) return
    if (this.firstOf(winner) === NONE) this.#first[winner] = this.firstOf(loser)
    else this.#next[int(this.#last, winner)] = this.firstOf(loser)
    this.#last[winner] = int(this.#last, loser)
  }

  #addToIsland(island: number, entry: number): void {
    this.#next[entry] = NONE
    if (this.firstOf(island) === NONE) this.#first[island] = entry
    else this.#next[int(this.#last, island)] = entry
    this.#last[island] = entry
  }

  /** Sorts entries by a key below `keys`; equal ones keep their order. `#end` then holds where the entries of each key end. */
  #sort(from: Int32Array, to: Int32Array, key: Int32Array, keys: number): void {
    if (this.#end.length < keys) this.#end = new Int32Array(keys * 2)
    const { entries } = this.#tiles
    const end = this.#end.fill(0, 0, keys)
    for (let at = 0; at < entries; at++) {
      const one = key[from[at] as number] as number
      end[one] = (end[one] as number) + 1
    }
    let start = 0
    for (let one = 0; one < keys; one++) {
      const count = end[one] as number
      end[one] = start
      start += count
    }
    for (let at = 0; at < entries; at++) {
      const entry = from[at] as number
      const one = key[entry] as number
      const place = end[one] as number
      end[one] = place + 1
      to[place] = entry
    }
  }

  #grow(entries: number): void {
    this.entry = new Int32Array(entries)
    this.seats = new Int32Array(entries)
    this.#spare = new Int32Array(entries)
    this.#next = new Int32Array(entries)
  }
}
