const POOL_BYTES = 2 ** 20
/** Longer messages get memory of their own. */
const MAX_POOLED_BYTES = 2 ** 16

/**
 * Concatenates messages in memory that many of them share. When a large crowd arrives there are a hundred thousand announcements
 * of a few kilobytes: too long for Node's own pool of small buffers, and an allocation for each costs more than filling it.
 */
export class BufferPool {
  #bytes: Uint8Array = new Uint8Array(0)
  #used = 0

  concat(pieces: readonly Uint8Array[]): Uint8Array {
    const length = pieces.reduce((sum, piece) => sum + piece.length, 0)
    const message = length > MAX_POOLED_BYTES ? new Uint8Array(length) : this.#take(length)
    let at = 0
    for (const piece of pieces) {
      message.set(piece, at)
      at += piece.length
    }
    return message
  }

  #take(length: number): Uint8Array {
    if (this.#used + length > this.#bytes.length) {
      this.#bytes = Buffer.allocUnsafeSlow(POOL_BYTES)
      this.#used = 0
    }
    const start = this.#used
    this.#used += length
    return this.#bytes.subarray(start, this.#used)
  }
}
