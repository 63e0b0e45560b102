import { int, NONE, real } from './columns.ts'
import { HilbertOrder } from './hilbert-order.ts'
import type { PeerTable } from './peer-table.ts'

/** Ranks to look at on each side of a peer: whoever is near on the ground is mostly near on the curve, however dense the crowd. */
const RANKS_EACH_SIDE = 8

/** Everybody who is placed, in the order of the curve. A rank is a place in that order. */
export class Neighbourhoods {
  readonly #peers: PeerTable
  readonly #curve: HilbertOrder
  readonly #reachSquared: number
  count = 0
  /** By rank. */
  peer = new Int32Array(0)
  #x = new Float64Array(0)
  #z = new Float64Array(0)
  /** The island of each, by rank. */
  island = new Int32Array(0)
  /** The island where each is to be, by rank: at first where it is. */
  intended = new Int32Array(0)
  /** The share of those near that is of one's island, by rank; 1 for a peer with nobody near. */
  share = new Float64Array(0)

  /** @param reach metres beyond which somebody is no company */
  constructor(peers: PeerTable, reach: number) {
    this.#peers = peers
    this.#curve = new HilbertOrder(peers)
    this.#reachSquared = reach * reach
  }

  /** Where on the curve a rank lies. */
  keyOf(rank: number): number {
    return int(this.#curve.keys, rank) >>> 0
  }

  /** Lines everybody up along the curve. */
  sort(): void {
    const { rows, x, z, island } = this.#peers
    if (this.peer.length < rows) this.#grow(rows * 2)
    this.count = 0
    for (let slot = 0; slot < rows; slot++)
      if (int(island, slot) !== NONE && !this.#peers.hasNoPosition(slot)) this.peer[this.count++] = slot
    this.#curve.sort(this.peer, this.count)
    for (let rank = 0; rank < this.count; rank++) {
      const slot = int(this.peer, rank)
      this.#x[rank] = real(x, slot)
      this.#z[rank] = real(z, slot)
      this.island[rank] = int(island, slot)
      this.intended[rank] = int(island, slot)
    }
  }

  /** Looks at the company each one has. */
  measureShares(): void {
    for (let rank = 0; rank < this.count; rank++) this.share[rank] = this.shareIn(rank, int(this.island, rank))
  }

  /** The share of those near a rank who are to be in an island. */
  shareIn(rank: number, island: number): number {
    const end = Math.min(this.count - 1, rank + RANKS_EACH_SIDE)
    let near = 0
    let together = 0
    for (let other = Math.max(0, rank - RANKS_EACH_SIDE); other <= end; other++) {
      if (other === rank || !this.areNear(rank, other)) continue
      near++
      if (int(this.intended, other) === island) together++
    }
    return near === 0 ? 1 : together / near
  }

  /** The island in which most of those near a rank are to be; NONE for a peer with nobody near. */
  majorityIsland(rank: number): number {
    const votes = new Map<number, number>()
    let favourite = NONE
    const end = Math.min(this.count - 1, rank + RANKS_EACH_SIDE)
    for (let other = Math.max(0, rank - RANKS_EACH_SIDE); other <= end; other++) {
      if (other === rank || !this.areNear(rank, other)) continue
      const island = int(this.intended, other)
      const count = (votes.get(island) ?? 0) + 1
      votes.set(island, count)
      if (count > (votes.get(favourite) ?? 0)) favourite = island
    }
    return favourite
  }

  areNear(one: number, other: number): boolean {
    return this.squaredDistance(one, other) <= this.#reachSquared
  }

  /** In square metres, between two ranks. */
  squaredDistance(one: number, other: number): number {
    const dx = real(this.#x, one) - real(this.#x, other)
    const dz = real(this.#z, one) - real(this.#z, other)
    return dx * dx + dz * dz
  }

  #grow(rows: number): void {
    this.peer = new Int32Array(rows)
    this.#x = new Float64Array(rows)
    this.#z = new Float64Array(rows)
    this.island = new Int32Array(rows)
    this.intended = new Int32Array(rows)
    this.share = new Float64Array(rows)
  }
}
