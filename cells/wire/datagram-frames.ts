import type { Writable } from 'node:stream'

/** Longer ones no relay and no explorer sends. */
const MAX_DATAGRAM_BYTES = 4_096
const LENGTH_BYTES = 2

/** What waits for a reader that is slow. */
const MAX_WAITING_BYTES = 256 * 1024

/** Writes a datagram into a stream, or drops it where the reader is slow, as a network would. */
export function writeDatagram(to: Writable, datagram: Uint8Array): void {
  if (to.writableLength < MAX_WAITING_BYTES) to.write(datagramFrame(datagram))
}

/** A datagram in a stream: its length in two bytes, the higher one first, then its bytes. */
export function datagramFrame(datagram: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + datagram.length)
  frame.writeUInt16BE(datagram.length)
  frame.set(datagram, LENGTH_BYTES)
  return frame
}

/** Finds the datagrams in a stream, however it was cut. It keeps at most one that is not whole yet. */
export class DatagramFrames {
  #rest: Buffer = Buffer.alloc(0)
  readonly #onDatagram: (datagram: Buffer) => void

  constructor(onDatagram: (datagram: Buffer) => void) {
    this.#onDatagram = onDatagram
  }

  /** @returns false when a length is none: what follows has no meaning */
  read(bytes: Buffer): boolean {
    let rest = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    while (rest.length >= LENGTH_BYTES) {
      const length = rest.readUInt16BE()
      if (length === 0 || length > MAX_DATAGRAM_BYTES) return false
      if (rest.length < LENGTH_BYTES + length) break
      this.#onDatagram(rest.subarray(LENGTH_BYTES, LENGTH_BYTES + length))
      rest = rest.subarray(LENGTH_BYTES + length)
    }
    // Not a view into the memory of a chunk, which may be much larger.
    this.#rest = Buffer.from(rest)
    return true
  }
}
