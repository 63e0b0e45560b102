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
    const sorted = this.#rows
    const { keys } = this
    for (let i = 0; i < count; i++) {
      const peer = rows[i] as number
      sorted[i] = peer
      keys[i] = hilbertKey(x[peer] as number, z[peer] as number)
    }
    for (let shift = 0; shift < 2 * LEVELS; shift += DIGIT) this.#sortByDigit(shift, count)
    rows.set(this.#rows.subarray(0, count))
  }

  #sortByDigit(shift: number, count: number): void {
    const starts = this.#starts.fill(0)
    const keys = this.keys
    const rows = this.#rows
    const spareKeys = this.#spareKeys
    const spareRows = this.#spareRows
    for (let i = 0; i < count; i++) {
      const digit = ((keys[i] as number) >>> shift) & (BUCKETS - 1)
      starts[digit] = (starts[digit] as number) + 1
    }
    let start = 0
    for (let digit = 0; digit < BUCKETS; digit++) {
      const size = starts[digit] as number
      starts[digit] = start
      start += size
    }
    for (let i = 0; i < count; i++) {
      const key = keys[i] as number
      const digit = (key >>> shift) & (BUCKETS - 1)
      const to = starts[digit] as number
      starts[digit] = to + 1
      spareKeys[to] = key
      spareRows[to] = rows[i] as number
    }
    this.keys = spareKeys
    this.#spareKeys = keys
    this.#rows = spareRows
    this.#spareRows = rows
  }
}

/** Levels of the curve that one look-up descends. */
const LEVELS_AT_ONCE = 4
const CELLS = 2 ** LEVELS_AT_ONCE
/** East and north exchanged, and both reversed: how a quarter is traversed. The two are independent, so there are four. */
const EXCHANGED = 1
const REVERSED = 2
const TRAVERSALS = 4
/** By traversal and cell: the distance of the cell along the curve, and above its bits how the cell itself is traversed. */
const STEPS = descents()

/** The distance of a position along the curve, as 32 bits; 0 for NaN. */
export function hilbertKey(x: number, z: number): number {
  // To whole numbers modulo the square; NaN becomes 0.
  const east = Math.floor(x * STEPS_PER_METRE) & (2 ** LEVELS - 1)
  const north = Math.floor(z * STEPS_PER_METRE) & (2 ** LEVELS - 1)
  let along = 0
  let traversal = 0
  for (let level = LEVELS - LEVELS_AT_ONCE; level >= 0; level -= LEVELS_AT_ONCE) {
    const cell = (((east >>> level) & (CELLS - 1)) * CELLS) | ((north >>> level) & (CELLS - 1))
    const step = STEPS[traversal * CELLS ** 2 + cell] as number
    along = (along << (2 * LEVELS_AT_ONCE)) | (step & (CELLS ** 2 - 1))
    traversal = step >>> (2 * LEVELS_AT_ONCE)
  }
  return along
}

function descents(): Int32Array {
  const steps = new Int32Array(TRAVERSALS * CELLS ** 2)
  for (let index = 0; index < steps.length; index++) {
    let traversal = Math.floor(index / CELLS ** 2)
    let along = 0
    for (let level = LEVELS_AT_ONCE - 1; level >= 0; level--) {
      const [inEast, inNorth] = [(index >>> (level + LEVELS_AT_ONCE)) & 1, (index >>> level) & 1]
      const isReversed = traversal & REVERSED ? 1 : 0
      const isEast = (traversal & EXCHANGED ? inNorth : inEast) ^ isReversed
      const isNorth = (traversal & EXCHANGED ? inEast : inNorth) ^ isReversed
      along = (along << 2) | ((3 * isEast) ^ isNorth)
      // The two southern quarters are traversed rotated, so that the ends of neighbouring quarters meet.
      if (!isNorth) traversal ^= isEast ? EXCHANGED | REVERSED : EXCHANGED
    }
    steps[index] = (traversal << (2 * LEVELS_AT_ONCE)) | along
  }
  return steps
}
