import { int, NONE, real } from './columns.ts'
import { HilbertOrder } from './hilbert-order.ts'
import type { IslandTable } from './island-table.ts'
import type { IslandTiles } from './island-tiles.ts'
import type { PeerTable } from './peer-table.ts'
import type { RowList } from './stack.ts'
import { TILES_AROUND } from './tile-grid.ts'

/** As many islands with room, and one that somebody can join, are choice enough. */
const ENOUGH_CANDIDATES = 8

/**
 * Puts newcomers straight into the biggest island with room within reach, the oldest of equals, or the one they wish for; whoever finds
 * none opens one. No island is made only to be merged, so no id is spent on it. They come in the order of the curve, and whoever stands in
 * the same tile as the one before follows that one while there is room: neighbours stay together and a crowd is not searched for each.
 */
export class Placing {
  readonly #peers: PeerTable
  readonly #islands: IslandTable
  readonly #tiles: IslandTiles
  readonly #maxPeers: number
  readonly #curve: HilbertOrder
  /** Whom of the island just chosen the newcomer touches; NONE on one of its own. */
  #welcomer = NONE

  constructor(peers: PeerTable, islands: IslandTable, tiles: IslandTiles, maxPeers: number) {
    this.#peers = peers
    this.#islands = islands
    this.#tiles = tiles
    this.#maxPeers = maxPeers
    this.#curve = new HilbertOrder(peers)
  }

  /** Places all of them; the tiles know the islands with room, and afterwards the newcomers too. */
  place(arrivals: RowList): void {
    this.#sort(arrivals)
    let leader = NONE
    let leadersTile = NONE
    for (let i = 0; i < arrivals.length; i++) {
      const peer = arrivals.at(i)
      if (this.#peers.hasNoPosition(peer)) {
        this.#islands.join(this.#islands.create(), peer)
        continue
      }
      const x = real(this.#peers.x, peer)
      const z = real(this.#peers.z, peer)
      const tile = this.#tiles.tileAt(x, z)
      const wish = this.#peers.preferredRoom[peer]
      const follows = tile === leadersTile && wish === undefined && this.#hasRoom(leader)
      const island = follows ? leader : this.#choose(x, z, tile, wish)
      this.#islands.join(island, peer)
      const fellow = this.#tiles.add(peer, island, tile, x, z)
      this.#peers.link[peer] = fellow === NONE ? this.#welcomer : fellow
      leader = island
      leadersTile = tile
    }
  }

  /** Along the curve; who stands on one spot goes by address, so that it does not matter who spoke first (clustering.md §6.8). */
  #sort({ rows, length }: RowList): void {
    if (length < 2) return
    this.#curve.sort(rows, length)
    const { keys } = this.#curve
    for (let start = 0, end = 1; end <= length; end++) {
      if (end < length && int(keys, end) === int(keys, start)) continue
      if (end - start > 1) {
        const tied = Array.from(rows.subarray(start, end))
        rows.set(
          tied.sort((a, b) => (this.#peers.idOf(a) < this.#peers.idOf(b) ? -1 : 1)),
          start,
        )
      }
      start = end
    }
  }

  #hasRoom(island: number): boolean {
    return int(this.#islands.seatsTaken, island) < this.#maxPeers
  }

  #choose(x: number, z: number, tile: number, wish: string | undefined): number {
    const tiles = this.#tiles
    const islands = this.#islands
    const wished = wish === undefined ? NONE : islands.rowOf(wish)
    let best = NONE
    let met = 0
    this.#welcomer = NONE
    for (let i = 0; i < TILES_AROUND; i++) {
      const there = tiles.grid.around(tile, i)
      if (there === NONE) continue
      let before = NONE
      for (let presence = tiles.firstIn(there); presence !== NONE; presence = int(tiles.next, presence)) {
        const island = int(tiles.island, presence)
        if (!this.#hasRoom(island)) {
          // Full for the rest of the flush: nobody needs to meet it again.
          tiles.removeAfter(there, before)
          continue
        }
        before = presence
        met++
        if (island === best || (best === wished && best !== NONE)) continue
        if (best !== NONE && island !== wished && !islands.outranks(island, best)) continue
        const welcomer = tiles.memberInReach(x, z, presence)
        if (welcomer === NONE) continue
        best = island
        this.#welcomer = welcomer
      }
      // In a crowd of islands with room those on the same tile will do: they are nearer anyway.
      if (met >= ENOUGH_CANDIDATES && best !== NONE && wish === undefined) break
    }
    return best === NONE ? islands.create() : best
  }
}
