import { int, longer, NONE } from './columns.ts'

/** Tiles to look at on each side: a tile is a hair smaller than reach/√2, so two cover more than the reach. */
const SPAN = 2
const ACROSS = 2 * SPAN + 1
/** A tile and all from which somebody may reach it. */
export const AROUND = ACROSS ** 2
const WINDOW = 128
const ITSELF = (AROUND - 1) / 2

/**
 * The ground, laid out in square tiles as people come upon them: everybody in one touches everybody else in it. A tile knows those around it,
 * so that nobody has to look for them twice.
 */
export class Ground {
  readonly #tilesPerMetre: number
  /** The hash table: tiles, open addressing. */
  #table = new Int32Array(4096).fill(NONE)
  /** A window on the ground, for a first glance: which tile was last asked for at a spot, the window repeating. */
  readonly #known = new Int32Array(WINDOW ** 2)
  #east = new Int32Array(1024)
  #north = new Int32Array(1024)
  #around = new Int32Array(1024 * AROUND)
  /** Every tile is smaller. */
  tiles = 0

  /** @param reach metres at which two peers touch, at least 1 */
  constructor(reach: number) {
    this.#tilesPerMetre = Math.SQRT2 / (reach * 0.99999)
  }

  /** Forgets all tiles. */
  clear(): void {
    this.tiles = 0
    this.#table.fill(NONE)
  }

  /** The tile at a spot. */
  tileAt(x: number, z: number): number {
    const east = Math.floor(x * this.#tilesPerMetre)
    const north = Math.floor(z * this.#tilesPerMetre)
    const glance = ((east & (WINDOW - 1)) * WINDOW) | (north & (WINDOW - 1))
    const known = int(this.#known, glance)
    if (known < this.tiles && int(this.#east, known) === east && int(this.#north, known) === north) return known
    const found = int(this.#table, this.#slotFor(east, north))
    const tile = found === NONE ? this.#lay(east, north) : found
    this.#known[glance] = tile
    return tile
  }

  /** One of the tiles around, `i` from 0 to AROUND: itself first; NONE where nobody ever stood. */
  around(tile: number, i: number): number {
    return int(this.#around, tile * AROUND + i)
  }

  #lay(east: number, north: number): number {
    const tile = this.tiles++
    if (tile === this.#east.length) this.#grow(tile * 2)
    this.#east[tile] = east
    this.#north[tile] = north
    if (this.tiles * 3 > this.#table.length) this.#rehash()
    else this.#table[this.#slotFor(east, north)] = tile
    for (let i = 0; i < AROUND; i++) {
      const other = int(this.#table, this.#slotFor(east + Math.floor(i / ACROSS) - SPAN, north + (i % ACROSS) - SPAN))
      this.#around[tile * AROUND + place(i)] = other
      if (other !== NONE) this.#around[other * AROUND + place(AROUND - 1 - i)] = tile
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
    for (let tile = 0; tile < this.tiles; tile++) this.#table[this.#slotFor(int(this.#east, tile), int(this.#north, tile))] = tile
  }

  #grow(tiles: number): void {
    this.#east = longer(this.#east, tiles)
    this.#north = longer(this.#north, tiles)
    this.#around = longer(this.#around, tiles * AROUND)
  }
}

/** The tile itself comes first; what was first takes its place. */
const place = (i: number): number => (i === ITSELF ? 0 : i === 0 ? ITSELF : i)
