import type { Duplex } from 'node:stream'

/**
 * Joins what is written to a socket within one turn of the event loop into one write: the system call, not the byte,
 * is what costs (six to ten times at ten frames).
 */
export class WriteCoalescer {
  #corked = new Set<Duplex>()

  /** Holds back the writes of a stream until this turn ends. */
  coalesce(stream: Duplex): void {
    if (this.#corked.has(stream)) return
    stream.cork()
    if (this.#corked.size === 0) setImmediate(() => this.#uncork())
    this.#corked.add(stream)
  }

  #uncork(): void {
    const corked = this.#corked
    this.#corked = new Set()
    for (const stream of corked) stream.uncork()
  }
}
