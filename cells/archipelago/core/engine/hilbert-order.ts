import { int, real } from './columns.ts'
import type { PeerTable } from './peer-table.ts'

/** Steps of the curve per metre: fine enough to order peers in the densest crowd. */
const STEPS_PER_METRE = 8
/** The curve fills a square of 2^16 steps (8 km) and repeats beyond it. */
const LEVELS = 16
const DIGIT = 11
const BUCKETS = 2 ** DIGIT

/**
 * Sorts peers along a Hilbert curve, which visits one neighbourhood after the other and, unlike Morton order, never jumps. A
 * stable radix sort: peers with equal keys keep their order, and the cost per peer does not depend on the size of the crowd.
 */
export class HilbertOrder {
  readonly #peers: PeerTable
  /** After `sort`: the distance along the curve of each sorted peer. */
  keys = new Int32Array(0)
  #rows = new Int32Array(0)
  #spareRows = new Int32Array(0)
  #spareKeys = new Int32Array(0)
  readonly #starts = new Int32Array(BUCKETS)

  constructor(peers: PeerTable) {
    this.#peers = peers
  }

  /** Sorts the first `count` rows in place; `keys` then holds their keys. */
  sort(rows: Int32Array, count: number): void {
    const { x, z } = this.#peers
    if (this.keys.length < count) {
      this.keys = new Int32Array(count * 2)
      this.#rows = new Int32Array(count * 2)
      this.#spareRows = new Int32Array(count * 2)
      this.#spareKeys = new Int32Array(count * 2)
    }
    for (let i = 0; i < count; i++) {
      const peer = int(rows, i)
      this.#rows[i] = peer
      this.keys[i] = hilbertKey(real(x, peer), real(z, peer))
    }
    for (let shift = 0; shift < 2 * LEVELS; shift += DIGIT) this.#sortByDigit(shift, count)
    rows.set(this.#rows.subarray(0, count))
  }

  #sortByDigit(shift: number, count: number): void {
    const starts = this.#starts.fill(0)
    const keys = this.keys
    for (let i = 0; i < count; i++) {
      const digit = (int(keys, i) >>> shift) & (BUCKETS - 1)
      starts[digit] = int(starts, digit) + 1
    }
    let start = 0
    for (let digit = 0; digit < BUCKETS; digit++) {
      const size = int(starts, digit)
      starts[digit] = start
      start += size
    }
    for (let i = 0; i < count; i++) {
      const digit = (int(keys, i) >>> shift) & (BUCKETS - 1)
      const to = int(starts, digit)
      starts[digit] = to + 1
      this.#spareKeys[to] = int(keys, i)
      this.#spareRows[to] = int(this.#rows, i)
    }
    this.keys = this.#spareKeys
    this.#spareKeys = keys
    const rows = this.#rows
    this.#rows = this.#spareRows
    this.#spareRows = rows
  }
}

/** The distance of a position along the curve, as 32 bits; 0 for NaN. */
export function hilbertKey(x: number, z: number): number {
  // To whole numbers modulo the square; NaN becomes 0.
  let east = Math.floor(x * STEPS_PER_METRE) & (2 ** LEVELS - 1)
  let north = Math.floor(z * STEPS_PER_METRE) & (2 ** LEVELS - 1)
  let along = 0
  for (let level = LEVELS - 1; level >= 0; level--) {
    const isEast = (east >>> level) & 1
    const isNorth = (north >>> level) & 1
    along = (along << 2) | ((3 * isEast) ^ isNorth)
    if (isNorth) continue
    // The two southern quarters are traversed rotated, so that the ends of neighbouring quarters meet.
    const rotated = isEast ? ~north : north
    north = isEast ? ~east : east
    east = rotated
  }
  return along
}
