import { LRUCache } from 'lru-cache'
import type { Admission } from '../../wire/admission.ts'
import type { PeerId } from '../../wire/peer.ts'

/** Rooms of one peer: the island it belongs to, and the scenes it was admitted to, the latest last. */
interface Admitted {
  island: string | undefined
  scenes: string[]
}

/** A client is in one scene and on the way to another; older scenes are kept for clients that turn back. */
const MAX_SCENES = 4

/** Which peer may enter which room (comms.md §13). The number of peers is limited: the one admitted longest ago is forgotten. */
export class Admissions {
  readonly #admitted: LRUCache<PeerId, Admitted>

  constructor(maxPeers: number) {
    this.#admitted = new LRUCache({ max: maxPeers })
  }

  /** Admits a peer to a room; returns the island it may no longer be in, if this one replaces another. */
  admit(peer: PeerId, { room, kind }: Admission): string | undefined {
    const admitted = this.#admitted.get(peer) ?? { island: undefined, scenes: [] }
    this.#admitted.set(peer, admitted)
    if (kind === 'scene') {
      admitted.scenes = [...admitted.scenes.filter((scene) => scene !== room), room].slice(-MAX_SCENES)
      return undefined
    }
    const before = admitted.island
    admitted.island = room
    return before !== undefined && !this.allows(peer, before) ? before : undefined
  }

  allows(peer: PeerId, room: string): boolean {
    // Reading an admission must not make it younger.
    const admitted = this.#admitted.peek(peer)
    return admitted !== undefined && (admitted.island === room || admitted.scenes.includes(room))
  }
}
