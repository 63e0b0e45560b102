import type { PeerId } from '../../../wire/peer.ts'
import { int, NONE } from './columns.ts'
import type { IslandTable } from './island-table.ts'
import type { PeerTable } from './peer-table.ts'

/**
 * Peers that an earlier engine put into a room. They go back there without being told, for a restart is no reason to move (clustering.md
 * §6.9); until they speak their seats are kept, so that nobody merges a room away of which only half has come back yet.
 */
export class RestoredPeers {
  readonly #peers: PeerTable
  readonly #islands: IslandTable
  readonly #maxPeers: number
  readonly #rooms = new Map<PeerId, string>()
  /** How many have not spoken yet, by room. */
  readonly #awaited = new Map<string, number>()

  constructor(peers: PeerTable, islands: IslandTable, maxPeers: number) {
    this.#peers = peers
    this.#islands = islands
    this.#maxPeers = maxPeers
  }

  /** Notes the room a peer without an island was last told; it goes there at its first flush. */
  reserve(peer: PeerId, room: string): void {
    this.release(peer)
    this.#rooms.set(peer, room)
    this.#await(room, 1)
  }

  /** Keeps no seat for a peer any more. */
  release(peer: PeerId): void {
    const room = this.#rooms.get(peer)
    if (room === undefined) return
    this.#rooms.delete(peer)
    this.#await(room, -1)
  }

  /** Puts a newcomer that is expected back into its room, which may have to be opened again under its old id, and says whether it fit. */
  restore(slot: number): boolean {
    const peer = this.#peers.idOf(slot)
    const room = this.#rooms.get(peer)
    if (room === undefined) return false
    this.release(peer)
    const island = this.#open(room)
    if (island === NONE) return false
    this.#peers.reportedRoom[slot] = room
    this.#islands.join(island, slot)
    return true
  }

  isReserved(slot: number): boolean {
    return this.#rooms.has(this.#peers.idOf(slot))
  }

  get count(): number {
    return this.#rooms.size
  }

  /** The island of a room, NONE when it is full. */
  #open(room: string): number {
    const existing = this.#islands.rowOf(room)
    if (existing !== NONE) return int(this.#islands.size, existing) < this.#maxPeers ? existing : NONE
    const island = this.#islands.create()
    this.#islands.assignId(island, room)
    this.#islands.seatsTaken[island] = this.#awaited.get(room) ?? 0
    return island
  }

  #await(room: string, change: 1 | -1): void {
    const awaited = (this.#awaited.get(room) ?? 0) + change
    if (awaited > 0) this.#awaited.set(room, awaited)
    else this.#awaited.delete(room)
    const island = this.#islands.rowOf(room)
    if (island === NONE) return
    this.#islands.seatsTaken[island] = int(this.#islands.size, island) + awaited
    this.#islands.markDirty(island)
  }
}
