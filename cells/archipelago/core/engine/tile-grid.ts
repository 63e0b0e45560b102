import { FIRST_ROWS, grown, int, NONE } from './columns.ts'

/** Neighbouring tiles on each side: a tile is slightly smaller than reach/√2, so two cover more than the reach. */
const TILES_EACH_SIDE = 2
const TILES_ACROSS = 2 * TILES_EACH_SIDE + 1
/** A tile and all tiles whose peers may be in reach of it. */
export const TILES_AROUND = TILES_ACROSS ** 2
const CACHE_SIDE = 128
const CENTRE = (TILES_AROUND - 1) / 2

/**
 * The ground in square tiles, which get a number when a peer is first seen there. All peers in one tile are in reach of each
 * other. The neighbours of a tile are stored with it, so that they are looked up in the hash table only once.
 */
export class TileGrid {
  readonly #tilesPerMetre: number
  /** A hash table of tiles with open addressing. */
  #table = new Int32Array(4 * FIRST_ROWS).fill(NONE)
  /** A direct-mapped cache in front of it, indexed by the coordinates modulo its side: the tile last returned there. */
  readonly #cache = new Int32Array(CACHE_SIDE ** 2)
  #east = new Int32Array(FIRST_ROWS)
  #north = new Int32Array(FIRST_ROWS)
  #around = new Int32Array(FIRST_ROWS * TILES_AROUND)
  /** Tiles are numbered from 0 to this. */
  tileCount = 0

  /** @param reach in metres, at least 1 */
  constructor(reach: number) {
    this.#tilesPerMetre = Math.SQRT2 / (reach * 0.99999)
  }

  /** Forgets all tiles. */
  clear(): void {
    this.tileCount = 0
    this.#table.fill(NONE)
  }

  /** The tile at a position. */
  tileAt(x: number, z: number): number {
    const east = Math.floor(x * this.#tilesPerMetre)
    const north = Math.floor(z * this.#tilesPerMetre)
    const cacheIndex = ((east & (CACHE_SIDE - 1)) * CACHE_SIDE) | (north & (CACHE_SIDE - 1))
    const cached = int(this.#cache, cacheIndex)
    if (cached < this.tileCount && int(this.#east, cached) === east && int(this.#north, cached) === north) return cached
    const found = int(this.#table, this.#bucketFor(east, north))
    const tile = found === NONE ? this.#addTile(east, north) : found
    this.#cache[cacheIndex] = tile
    return tile
  }

  /** One of the tiles around, `i` from 0 to TILES_AROUND: the tile itself first; NONE where no peer was seen yet. */
  around(tile: number, i: number): number {
    return int(this.#around, tile * TILES_AROUND + i)
  }

  #addTile(east: number, north: number): number {
    const tile = this.tileCount++
    if (tile === this.#east.length) this.#grow(tile * 2)
    this.#east[tile] = east
    this.#north[tile] = north
    if (this.tileCount * 3 > this.#table.length) this.#rehash()
    else this.#table[this.#bucketFor(east, north)] = tile
    for (let i = 0; i < TILES_AROUND; i++) {
      const other = int(
        this.#table,
        this.#bucketFor(east + Math.floor(i / TILES_ACROSS) - TILES_EACH_SIDE, north + (i % TILES_ACROSS) - TILES_EACH_SIDE),
      )
      this.#around[tile * TILES_AROUND + neighbourIndex(i)] = other
      if (other !== NONE) this.#around[other * TILES_AROUND + neighbourIndex(TILES_AROUND - 1 - i)] = tile
    }
    return tile
  }

  /** The index in the hash table where a tile is, or would be. */
  #bucketFor(east: number, north: number): number {
    const mask = this.#table.length - 1
    let hash = Math.imul(east, 0x9e3779b1) ^ Math.imul(north, 0x85ebca6b)
    hash ^= hash >>> 15
    let bucket = hash & mask
    for (let tile = int(this.#table, bucket); tile !== NONE; tile = int(this.#table, bucket)) {
      if (int(this.#east, tile) === east && int(this.#north, tile) === north) return bucket
      bucket = (bucket + 1) & mask
    }
    return bucket
  }

  #rehash(): void {
    this.#table = new Int32Array(this.#table.length * 2).fill(NONE)
    for (let tile = 0; tile < this.tileCount; tile++)
      this.#table[this.#bucketFor(int(this.#east, tile), int(this.#north, tile))] = tile
  }

  #grow(tiles: number): void {
    this.#east = grown(this.#east, tiles)
    this.#north = grown(this.#north, tiles)
    this.#around = grown(this.#around, tiles * TILES_AROUND)
  }
}

/** Swaps the tile itself, in the middle, with the first one. */
const neighbourIndex = (i: number): number => (i === CENTRE ? 0 : i === 0 ? CENTRE : i)
