import type { PeerId } from '../../../wire/peer.ts'
import { int, NONE } from './columns.ts'
import type { IslandTable } from './island-table.ts'
import type { PeerTable } from './peer-table.ts'

/**
 * Peers that an earlier engine had put into a room. They are put back there without an announcement, because a restart is no
 * reason to move (clustering.md §6.9). Until their first heartbeat their seats are reserved, so that a room of which only a part
 * has returned is not merged into another.
 */
export class RestoredPeers {
  readonly #peers: PeerTable
  readonly #islands: IslandTable
  readonly #maxPeers: number
  readonly #rooms = new Map<PeerId, string>()
  /** Reserved seats, by room. */
  readonly #reserved = new Map<string, number>()

  constructor(peers: PeerTable, islands: IslandTable, maxPeers: number) {
    this.#peers = peers
    this.#islands = islands
    this.#maxPeers = maxPeers
  }

  /** Reserves a seat in a room for a peer without an island, until its first flush. */
  reserve(peer: PeerId, room: string): void {
    this.release(peer)
    this.#rooms.set(peer, room)
    this.#changeReserved(room, 1)
  }

  /** Gives up the reserved seat of a peer, if it has one. */
  release(peer: PeerId): void {
    const room = this.#rooms.get(peer)
    if (room === undefined) return
    this.#rooms.delete(peer)
    this.#changeReserved(room, -1)
  }

  /** Puts a peer into its reserved seat and creates the island under its old id if necessary; false if the peer did not fit. */
  restore(row: number): boolean {
    const peer = this.#peers.idOf(row)
    const room = this.#rooms.get(peer)
    if (room === undefined) return false
    this.release(peer)
    const island = this.#islandOf(room)
    if (island === NONE) return false
    this.#peers.reportedRoom[row] = room
    this.#islands.join(island, row)
    return true
  }

  isReserved(row: number): boolean {
    return this.#rooms.has(this.#peers.idOf(row))
  }

  get count(): number {
    return this.#rooms.size
  }

  /** The island of a room, which is created if necessary; NONE when it is full. */
  #islandOf(room: string): number {
    const existing = this.#islands.rowOf(room)
    if (existing !== NONE) return int(this.#islands.size, existing) < this.#maxPeers ? existing : NONE
    const island = this.#islands.create()
    this.#islands.assignId(island, room)
    this.#islands.seatsTaken[island] = this.#reserved.get(room) ?? 0
    return island
  }

  #changeReserved(room: string, change: 1 | -1): void {
    const reserved = (this.#reserved.get(room) ?? 0) + change
    if (reserved > 0) this.#reserved.set(room, reserved)
    else this.#reserved.delete(room)
    const island = this.#islands.rowOf(room)
    if (island === NONE) return
    this.#islands.seatsTaken[island] = int(this.#islands.size, island) + reserved
    this.#islands.markDirty(island)
  }
}
