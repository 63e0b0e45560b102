import { int, NONE, real } from './columns.ts'
import { HilbertOrder } from './hilbert-order.ts'
import type { PeerTable } from './peer-table.ts'

/** Ranks considered on each side of a peer: peers near on the ground are mostly near on the curve, however dense the crowd. */
const RANKS_EACH_SIDE = 8

/**
 * All peers with an island, in the order of the curve, and how many of their neighbours share their island. A rank is an index in
 * that order.
 */
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
  /** The island each is planned to be in, by rank: at first its own. */
  intended = new Int32Array(0)
  /** The share of the near peers that are in the same island, by rank; 1 for a peer without any near. */
  share = new Float64Array(0)
  majorityShare = 0
  /** The islands of the peers near a rank, and how many of them are in each. */
  readonly #votedFor = new Int32Array(2 * RANKS_EACH_SIDE)
  readonly #votes = new Int32Array(2 * RANKS_EACH_SIDE)

  /** @param reach metres within which peers count as near */
  constructor(peers: PeerTable, reach: number) {
    this.#peers = peers
    this.#curve = new HilbertOrder(peers)
    this.#reachSquared = reach * reach
  }

  /** The key of a rank on the curve. */
  keyOf(rank: number): number {
    return int(this.#curve.keys, rank) >>> 0
  }

  /** Sorts all peers along the curve. */
  sort(): void {
    const { rows, x, z, island } = this.#peers
    if (this.peer.length < rows) this.#grow(rows * 2)
    const { peer, island: islandOf, intended } = this
    let count = 0
    for (let row = 0; row < rows; row++) if (island[row] !== NONE && !Number.isNaN(x[row])) peer[count++] = row
    this.count = count
    this.#curve.sort(peer, count)
    const east = this.#x
    const north = this.#z
    for (let rank = 0; rank < count; rank++) {
      const row = peer[rank] as number
      east[rank] = x[row] as number
      north[rank] = z[row] as number
      islandOf[rank] = island[row] as number
      intended[rank] = island[row] as number
    }
  }

  /** Computes `share` from one rank up to, not including, another. */
  measureShares(from: number, to: number): void {
    const end = Math.min(to, this.count)
    for (let rank = from; rank < end; rank++) this.share[rank] = this.shareIn(rank, int(this.island, rank))
  }

  /** The share of the peers near a rank that are planned to be in an island. */
  shareIn(rank: number, island: number): number {
    const { intended } = this
    const x = this.#x
    const z = this.#z
    const reachSquared = this.#reachSquared
    const end = Math.min(this.count - 1, rank + RANKS_EACH_SIDE)
    let near = 0
    let together = 0
    for (let other = Math.max(0, rank - RANKS_EACH_SIDE); other <= end; other++) {
      if (other === rank) continue
      const dx = (x[rank] as number) - (x[other] as number)
      const dz = (z[rank] as number) - (z[other] as number)
      if (dx * dx + dz * dz > reachSquared) continue
      near++
      if (intended[other] === island) together++
    }
    return near === 0 ? 1 : together / near
  }

  /**
   * The island in which most of the peers near a rank are planned to be; NONE for a peer without any near. `majorityShare` then holds their share.
   */
  majorityIsland(rank: number): number {
    const votedFor = this.#votedFor
    const votes = this.#votes
    let islands = 0
    let majority = NONE
    let most = 0
    let near = 0
    const end = Math.min(this.count - 1, rank + RANKS_EACH_SIDE)
    for (let other = Math.max(0, rank - RANKS_EACH_SIDE); other <= end; other++) {
      if (other === rank || !this.areNear(rank, other)) continue
      near++
      const island = int(this.intended, other)
      let at = 0
      while (at < islands && int(votedFor, at) !== island) at++
      votes[at] = at < islands ? int(votes, at) + 1 : 1
      if (at === islands) votedFor[islands++] = island
      if (int(votes, at) <= most) continue
      most = int(votes, at)
      majority = island
    }
    this.majorityShare = near === 0 ? 0 : most / near
    return majority
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
