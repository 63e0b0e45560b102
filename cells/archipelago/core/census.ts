import type { PeerId } from '../../wire/peer.ts'

/** When each peer was last heard; times in ms. */
export class Census {
  /** In the order they were heard: the first is the most silent. */
  readonly #heard = new Map<PeerId, number>()

  hear(peer: PeerId, now: number): void {
    this.#heard.delete(peer)
    this.#heard.set(peer, now)
  }

  forget(peer: PeerId): void {
    this.#heard.delete(peer)
  }

  /** Peers not heard since `time`, the most silent first; looks at no others. */
  silentSince(time: number): PeerId[] {
    const silent: PeerId[] = []
    for (const [peer, heardAt] of this.#heard) {
      if (heardAt >= time) break
      silent.push(peer)
    }
    return silent
  }
}
