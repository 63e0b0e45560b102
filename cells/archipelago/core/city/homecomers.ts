import type { PeerId } from '../../../wire/peer.ts'
import { int, NONE } from './columns.ts'
import type { IslandTable } from './island-table.ts'
import type { PeerTable } from './peer-table.ts'

/**
 * Peers that an earlier engine put into a room. They go back there without being told, for a restart is no reason to move (clustering.md
 * §6.9); until they speak their seats are kept, so that nobody merges a room away of which only half has come back yet.
 */
export class Homecomers {
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
  expect(peer: PeerId, room: string): void {
    this.forget(peer)
    this.#rooms.set(peer, room)
    this.#await(room, 1)
  }

  /** Keeps no seat for a peer any more. */
  forget(peer: PeerId): void {
    const room = this.#rooms.get(peer)
    if (room === undefined) return
    this.#rooms.delete(peer)
    this.#await(room, -1)
  }

  /** Puts a newcomer that is expected back into its room, which may have to be opened again under its old id, and says whether it fit. */
  bringHome(slot: number): boolean {
    const peer = this.#peers.idOf(slot)
    const room = this.#rooms.get(peer)
    if (room === undefined) return false
    this.forget(peer)
    const island = this.#open(room)
    if (island === NONE) return false
    this.#peers.told[slot] = room
    this.#islands.join(island, slot)
    return true
  }

  isExpected(slot: number): boolean {
    return this.#rooms.has(this.#peers.idOf(slot))
  }

  get count(): number {
    return this.#rooms.size
  }

  /** The island of a room, NONE when it is full. */
  #open(room: string): number {
    const existing = this.#islands.slotOf(room)
    if (existing !== NONE) return int(this.#islands.size, existing) < this.#maxPeers ? existing : NONE
    const island = this.#islands.found()
    this.#islands.name(island, room)
    this.#islands.taken[island] = this.#awaited.get(room) ?? 0
    return island
  }

  #await(room: string, change: 1 | -1): void {
    const awaited = (this.#awaited.get(room) ?? 0) + change
    if (awaited > 0) this.#awaited.set(room, awaited)
    else this.#awaited.delete(room)
    const island = this.#islands.slotOf(room)
    if (island === NONE) return
    this.#islands.taken[island] = int(this.#islands.size, island) + awaited
    this.#islands.stir(island)
  }
}
