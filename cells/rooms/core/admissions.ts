import { LRUCache } from 'lru-cache'
import type { Admission } from '../../wire/admission.ts'
import type { PeerId } from '../../wire/peer.ts'

/** Rooms of one peer: the island it belongs to, and scenes it was let into, the latest last. */
interface Admitted {
  island: string | undefined
  scenes: string[]
}

/** A client is in one scene at a time and on the way to another; the rest is history. */
const MAX_SCENES = 4

/** Who may enter which room (comms.md §13), as far as there is memory for it: the peer admitted longest ago is forgotten first. */
export class Admissions {
  readonly #admitted: LRUCache<PeerId, Admitted>

  constructor(maxPeers: number) {
    this.#admitted = new LRUCache({ max: maxPeers })
  }

  /** Lets a peer into a room; answers the island it may no longer be in, if this one replaces another. */
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
    // Looking must not make an admission younger.
    const admitted = this.#admitted.peek(peer)
    return admitted !== undefined && (admitted.island === room || admitted.scenes.includes(room))
  }
}
