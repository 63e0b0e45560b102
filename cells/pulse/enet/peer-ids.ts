/** The peer ID has 12 bits, of which the last value means none. */
export const MAX_PEERS = 4095

/** Which IDs are free, and the session bits with which each was used the last time. */
export class PeerIds {
  /** 3 at first, so that the first session of each ID is 0. */
  readonly sessions = new Uint8Array(MAX_PEERS).fill(3)
  readonly #free: number[]
  readonly #random: (below: number) => number

  constructor(count: number, random: (below: number) => number) {
    this.#free = Array.from({ length: Math.min(count, MAX_PEERS) }, (_, id) => id)
    this.#random = random
  }

  /** Any free ID, so that strangers cannot know which one a client has. */
  take(): { id: number; session: number } | undefined {
    const last = this.#free.length - 1
    const index = last < 0 ? 0 : this.#random(last + 1)
    const id = this.#free[index]
    if (id === undefined) return undefined
    this.#free[index] = this.#free[last] as number
    this.#free.length = last
    const session = ((this.sessions[id] ?? 0) + 1) & 3
    this.sessions[id] = session
    return { id, session }
  }

  give(id: number): void {
    this.#free.push(id)
  }

  /** Takes IDs that are in use already. */
  reserve(ids: ReadonlySet<number>): void {
    const free = this.#free.filter((id) => !ids.has(id))
    this.#free.length = 0
    this.#free.push(...free)
  }
}
