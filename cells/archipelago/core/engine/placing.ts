import { int, NONE, type RowList, real } from './columns.ts'
import { HilbertOrder } from './hilbert-order.ts'
import type { IslandTable } from './island-table.ts'
import type { IslandTiles } from './island-tiles.ts'
import type { PeerTable } from './peer-table.ts'
import { TILES_AROUND } from './tile-grid.ts'

/** After so many islands with room, at least one of them in reach, no others are considered. */
const ENOUGH_CANDIDATES = 8

/**
 * Puts arriving peers directly into the preferred island, or else the largest one with room in reach, of equals the oldest; a
 * peer that finds none gets a new island. No island is created only to be merged, so no id is spent on it. Peers are placed in
 * the order of the curve, and a peer in the same tile as the previous one joins the same island while it has room: neighbours
 * stay together, and a crowd is not searched for each peer.
 */
export class Placing {
  readonly #peers: PeerTable
  readonly #islands: IslandTable
  readonly #tiles: IslandTiles
  readonly #maxPeers: number
  readonly #curve: HilbertOrder
  /** A member of the island just chosen that is in reach of the new peer; NONE for a new island. */
  #linkTarget = NONE

  constructor(peers: PeerTable, islands: IslandTable, tiles: IslandTiles, maxPeers: number) {
    this.#peers = peers
    this.#islands = islands
    this.#tiles = tiles
    this.#maxPeers = maxPeers
    this.#curve = new HilbertOrder(peers)
  }

  /** Places all arrivals. `IslandTiles` holds the islands with room, and afterwards the new peers too. */
  place(arrivals: RowList): void {
    this.#sort(arrivals)
    let previousIsland = NONE
    let previousTile = NONE
    for (let i = 0; i < arrivals.length; i++) {
      const peer = arrivals.at(i)
      if (this.#peers.hasNoPosition(peer)) {
        this.#islands.join(this.#islands.create(), peer)
        continue
      }
      const x = real(this.#peers.x, peer)
      const z = real(this.#peers.z, peer)
      const tile = this.#tiles.tileAt(x, z)
      const preferred = this.#peers.preferredRoom[peer]
      const joinsPrevious = tile === previousTile && preferred === undefined && this.#hasRoom(previousIsland)
      const island = joinsPrevious ? previousIsland : this.#choose(x, z, tile, preferred)
      this.#islands.join(island, peer)
      const neighbour = this.#tiles.add(peer, island, tile, x, z)
      this.#peers.link[peer] = neighbour === NONE ? this.#linkTarget : neighbour
      previousIsland = island
      previousTile = tile
    }
  }

  /**
   * Along the curve; peers at the same position by address, so that the order of their heartbeats does not matter (clustering.md
   * §6.8).
   */
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

  #choose(x: number, z: number, tile: number, preferred: string | undefined): number {
    const tiles = this.#tiles
    const islands = this.#islands
    const preferredIsland = preferred === undefined ? NONE : islands.rowOf(preferred)
    let best = NONE
    let candidates = 0
    this.#linkTarget = NONE
    for (let i = 0; i < TILES_AROUND; i++) {
      const nearTile = tiles.grid.around(tile, i)
      if (nearTile === NONE) continue
      let before = NONE
      for (let entry = tiles.firstIn(nearTile); entry !== NONE; entry = int(tiles.next, entry)) {
        const island = int(tiles.island, entry)
        if (!this.#hasRoom(island)) {
          // It is full for the rest of the flush, so later searches can skip it.
          tiles.removeAfter(nearTile, before)
          continue
        }
        before = entry
        candidates++
        if (island === best || (best === preferredIsland && best !== NONE)) continue
        if (best !== NONE && island !== preferredIsland && !islands.outranks(island, best)) continue
        const member = tiles.memberInReach(x, z, entry)
        if (member === NONE) continue
        best = island
        this.#linkTarget = member
      }
      // Among many islands with room the ones found first are sufficient: they are nearer anyway.
      if (candidates >= ENOUGH_CANDIDATES && best !== NONE && preferred === undefined) break
    }
    return best === NONE ? islands.create() : best
  }
}
