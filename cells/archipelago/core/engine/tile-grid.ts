import { grown, int, NONE } from './columns.ts'

/** Tiles to look at on each side: a tile is a hair smaller than reach/√2, so two cover more than the reach. */
const TILES_EACH_SIDE = 2
const TILES_ACROSS = 2 * TILES_EACH_SIDE + 1
/** A tile and all from which somebody may reach it. */
export const TILES_AROUND = TILES_ACROSS ** 2
const CACHE_SIDE = 128
const CENTRE = (TILES_AROUND - 1) / 2

/**
 * The ground, laid out in square tiles as people come upon them: everybody in one touches everybody else in it. A tile knows those around it,
 * so that nobody has to look for them twice.
 */
export class TileGrid {
  readonly #tilesPerMetre: number
  /** The hash table: tiles, open addressing. */
  #table = new Int32Array(4096).fill(NONE)
  /** A window on the ground, for a first glance: which tile was last asked for at a spot, the window repeating. */
  readonly #known = new Int32Array(CACHE_SIDE ** 2)
  #east = new Int32Array(1024)
  #north = new Int32Array(1024)
  #around = new Int32Array(1024 * TILES_AROUND)
  /** Every tile is smaller. */
  tileCount = 0

  /** @param reach metres at which two peers touch, at least 1 */
  constructor(reach: number) {
    this.#tilesPerMetre = Math.SQRT2 / (reach * 0.99999)
  }

  /** Forgets all tiles. */
  clear(): void {
    this.tileCount = 0
    this.#table.fill(NONE)
  }

  /** The tile at a spot. */
  tileAt(x: number, z: number): number {
    const east = Math.floor(x * this.#tilesPerMetre)
    const north = Math.floor(z * this.#tilesPerMetre)
    const glance = ((east & (CACHE_SIDE - 1)) * CACHE_SIDE) | (north & (CACHE_SIDE - 1))
    const known = int(this.#known, glance)
    if (known < this.tileCount && int(this.#east, known) === east && int(this.#north, known) === north) return known
    const found = int(this.#table, this.#slotFor(east, north))
    const tile = found === NONE ? this.#lay(east, north) : found
    this.#known[glance] = tile
    return tile
  }

  /** One of the tiles around, `i` from 0 to AROUND: itself first; NONE where nobody ever stood. */
  around(tile: number, i: number): number {
    return int(this.#around, tile * TILES_AROUND + i)
  }

  #lay(east: number, north: number): number {
    const tile = this.tileCount++
    if (tile === this.#east.length) this.#grow(tile * 2)
    this.#east[tile] = east
    this.#north[tile] = north
    if (this.tileCount * 3 > this.#table.length) this.#rehash()
    else this.#table[this.#slotFor(east, north)] = tile
    for (let i = 0; i < TILES_AROUND; i++) {
      const other = int(
        this.#table,
        this.#slotFor(east + Math.floor(i / TILES_ACROSS) - TILES_EACH_SIDE, north + (i % TILES_ACROSS) - TILES_EACH_SIDE),
      )
      this.#around[tile * TILES_AROUND + place(i)] = other
      if (other !== NONE) this.#around[other * TILES_AROUND + place(TILES_AROUND - 1 - i)] = tile
    }
    return tile
  }

  /** Where in the hash table a tile is, or would be. */
  #slotFor(east: number, north: number): number {
    const mask = this.#table.length - 1
    let hash = Math.imul(east, 0x9e3779b1) ^ Math.imul(north, 0x85ebca6b)
    hash ^= hash >>> 15
    let slot = hash & mask
    for (let tile = int(this.#table, slot); tile !== NONE; tile = int(this.#table, slot)) {
      if (int(this.#east, tile) === east && int(this.#north, tile) === north) return slot
      slot = (slot + 1) & mask
    }
    return slot
  }

  #rehash(): void {
    this.#table = new Int32Array(this.#table.length * 2).fill(NONE)
    for (let tile = 0; tile < this.tileCount; tile++)
      this.#table[this.#slotFor(int(this.#east, tile), int(this.#north, tile))] = tile
  }

  #grow(tiles: number): void {
    this.#east = grown(this.#east, tiles)
    this.#north = grown(this.#north, tiles)
    this.#around = grown(this.#around, tiles * TILES_AROUND)
  }
}

/** The tile itself comes first; what was first takes its place. */
const place = (i: number): number => (i === CENTRE ? 0 : i === 0 ? CENTRE : i)
