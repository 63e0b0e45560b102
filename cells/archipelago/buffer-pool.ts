const POOL_BYTES = 2 ** 20
/** Longer than this has memory of its own. */
const MAX_POOLED_BYTES = 2 ** 16

/**
 * Puts messages together in memory that many of them share. A city that arrives is told in a hundred thousand of a few kilobytes: too long for
 * the pool that Node has for small ones, and memory for each alone costs more than what is put into it.
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
