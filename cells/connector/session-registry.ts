import type { PeerId } from '../wire/peer.ts'

/**
 * One session per wallet, the newest. Sessions are compared by identity, never by wallet alone: a socket closes some time after
 * it was replaced, and must not remove its successor.
 */
export class SessionRegistry<Session extends object> {
  readonly #byPeer = new Map<PeerId, Session>()

  /** Registers a session; returns the one it replaces. */
  register(peer: PeerId, session: Session): Session | undefined {
    const replaced = this.#byPeer.get(peer)
    this.#byPeer.set(peer, session)
    return replaced === session ? undefined : replaced
  }

  /** Removes a session if it still is the one of its wallet; returns whether it was. */
  release(peer: PeerId, session: Session): boolean {
    return this.#byPeer.get(peer) === session && this.#byPeer.delete(peer)
  }

  get(peer: PeerId): Session | undefined {
    return this.#byPeer.get(peer)
  }

  has(peer: PeerId): boolean {
    return this.#byPeer.has(peer)
  }

  get size(): number {
    return this.#byPeer.size
  }

  [Symbol.iterator](): IterableIterator<[PeerId, Session]> {
    return this.#byPeer[Symbol.iterator]()
  }
}
