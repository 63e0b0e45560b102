import type { Duplex } from 'node:stream'

/** Joins what is written to a socket within one turn of the event loop into one write: the system call is what costs, not the byte. */
export class Corks {
  #corked = new Set<Duplex>()

  /** Holds back the writes of a stream until this turn ends. */
  cork(stream: Duplex): void {
    if (this.#corked.has(stream)) return
    if (this.#corked.size === 0) setImmediate(() => this.#uncork())
    this.#corked.add(stream)
    stream.cork()
  }

  #uncork(): void {
    const corked = this.#corked
    this.#corked = new Set()
    for (const stream of corked) stream.uncork()
  }
}
