/** Since when something has been seen to be so; it is forgotten once it is not. */
export class ObservedSince {
  #since = new Map<string, number>()
  #seen = new Map<string, number>()

  /** Since when, in milliseconds since the epoch. To be called in every round in which it is so. */
  since(what: string, nowMs: number): number {
    const since = this.#since.get(what) ?? nowMs
    this.#seen.set(what, since)
    return since
  }

  /** Ends a round. */
  endRound(): void {
    this.#since = this.#seen
    this.#seen = new Map()
  }
}
