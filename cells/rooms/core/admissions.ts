import type { LRUCache } from 'lru-cache'
import { growingCache } from '../../chassis/growing-cache.ts'
import type { PeerId } from '../../wire/peer.ts'

/** Rooms of one peer: the island it belongs to, and the scenes it was admitted to, the latest last. */
interface Admitted {
  island: string | undefined
  scenes: string[]
}

/** A client is in one scene and on the way to another; older scenes are kept for clients that turn back. */
const MAX_SCENES = 4

/**
 * Which peer may enter which room (comms.md §13). The number of peers is limited: the one admitted longest ago is forgotten. Any
 * wallet is admitted to scenes by a request over HTTP, and wallets are free: so those that have no island, because they are not
 * connected to the realm, are counted apart and take no place of a player.
 */
export class Admissions {
  /** Peers with an island. */
  readonly #players: LRUCache<PeerId, Admitted>
  /** Peers that were admitted to scenes only. */
  readonly #visitors: LRUCache<PeerId, Admitted>

  /** @param maxPeers with an island; and as many without one */
  constructor(maxPeers: number) {
    this.#players = growingCache(maxPeers)
    this.#visitors = growingCache(maxPeers)
  }

  /** Admits a peer to a room; returns the island it may no longer be in, if this one replaces another. */
  admit(peer: PeerId, { room, kind }: { room: string; kind: 'island' | 'scene' }): string | undefined {
    const admitted = this.#players.get(peer) ?? this.#visitors.get(peer) ?? { island: undefined, scenes: [] }
    if (kind === 'scene') {
      admitted.scenes = [...admitted.scenes.filter((scene) => scene !== room), room].slice(-MAX_SCENES)
      if (admitted.island === undefined) this.#visitors.set(peer, admitted)
      return undefined
    }
    const before = admitted.island
    admitted.island = room
    this.#visitors.delete(peer)
    this.#players.set(peer, admitted)
    return before !== undefined && !this.allows(peer, before) ? before : undefined
  }

  /** Takes an admission back; the peer may be admitted again. */
  revoke(peer: PeerId, room: string): void {
    const admitted = this.#players.peek(peer) ?? this.#visitors.peek(peer)
    if (!admitted) return
    if (admitted.island === room) admitted.island = undefined
    admitted.scenes = admitted.scenes.filter((scene) => scene !== room)
  }

  allows(peer: PeerId, room: string): boolean {
    // Reading an admission must not make it younger.
    const admitted = this.#players.peek(peer) ?? this.#visitors.peek(peer)
    return admitted !== undefined && (admitted.island === room || admitted.scenes.includes(room))
  }
}
