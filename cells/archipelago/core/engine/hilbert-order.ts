import { int, real } from './columns.ts'
import type { PeerTable } from './peer-table.ts'

/** Steps of the curve per metre: fine enough to tell who stands nearer in the densest crowd. */
const STEPS_PER_METRE = 8
/** The curve fills a square of 2^16 steps (8 km) and repeats beyond it. */
const LEVELS = 16
const DIGIT = 11
const BUCKETS = 2 ** DIGIT

/**
 * Sorts peers along a Hilbert curve, which visits one neighbourhood after the other and, unlike Morton order, never jumps. Equals keep their
 * order. Radix sort: the cost per peer does not depend on the size of the crowd.
 */
export class HilbertOrder {
  readonly #peers: PeerTable
  /** Where on the curve each of the sorted is. */
  keys = new Int32Array(0)
  #slots = new Int32Array(0)
  #spareSlots = new Int32Array(0)
  #sparePlace = new Int32Array(0)
  readonly #starts = new Int32Array(BUCKETS)

  constructor(peers: PeerTable) {
    this.#peers = peers
  }

  /** Sorts the first `count` slots in place; `place` then holds their places. */
  sort(slots: Int32Array, count: number): void {
    const { x, z } = this.#peers
    if (this.keys.length < count) {
      this.keys = new Int32Array(count * 2)
      this.#slots = new Int32Array(count * 2)
      this.#spareSlots = new Int32Array(count * 2)
      this.#sparePlace = new Int32Array(count * 2)
    }
    for (let i = 0; i < count; i++) {
      const peer = int(slots, i)
      this.#slots[i] = peer
      this.keys[i] = hilbertKey(real(x, peer), real(z, peer))
    }
    for (let shift = 0; shift < 2 * LEVELS; shift += DIGIT) this.#sortByDigit(shift, count)
    slots.set(this.#slots.subarray(0, count))
  }

  #sortByDigit(shift: number, count: number): void {
    const starts = this.#starts.fill(0)
    const place = this.keys
    for (let i = 0; i < count; i++) {
      const digit = (int(place, i) >>> shift) & (BUCKETS - 1)
      starts[digit] = int(starts, digit) + 1
    }
    let start = 0
    for (let digit = 0; digit < BUCKETS; digit++) {
      const size = int(starts, digit)
      starts[digit] = start
      start += size
    }
    for (let i = 0; i < count; i++) {
      const digit = (int(place, i) >>> shift) & (BUCKETS - 1)
      const to = int(starts, digit)
      starts[digit] = to + 1
      this.#sparePlace[to] = int(place, i)
      this.#spareSlots[to] = int(this.#slots, i)
    }
    this.keys = this.#sparePlace
    this.#sparePlace = place
    const slots = this.#slots
    this.#slots = this.#spareSlots
    this.#spareSlots = slots
  }
}

/** How far along the curve a place lies, as 32 bits; nowhere lies at its start. */
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
    // The two southern quarters are run through turned, so that the ends of neighbouring quarters meet.
    const turned = isEast ? ~north : north
    north = isEast ? ~east : east
    east = turned
  }
  return along
}
