import { SOCKADDR_BYTES, SOCKADDR_WORDS } from './socket-addresses.ts'
import type { SocketLibrary } from './socket-library.ts'

/** `struct mmsghdr` and `struct iovec` of Linux with 64 bits: how long they are, and where their fields begin, in words of 32 bits. */
const HEADER_WORDS = 16
const HEADER = { address: 0, addressBytes: 2, vector: 4, vectors: 6, received: 14 }
const VECTOR_WORDS = 4
const VECTOR = { bytes: 0, length: 2 }

/**
 * Memory for some datagrams with their addresses, and the structures by which the kernel finds them. All pointers are written once, here;
 * then only lengths and addresses change. What arrives is written between, so it cannot lead the kernel to other memory.
 */
export class DatagramBatch {
  readonly size: number
  /** Where each datagram is. */
  readonly bytes: readonly Buffer[]
  /** All of the memory in words: an address begins at word `addressAt(slot)`. */
  readonly words: Uint32Array
  readonly #memory: Buffer
  readonly #vectorsAt: number
  readonly #addressesAt: number

  /** @param slotBytes how long a datagram may be, a multiple of 4; the rest of a longer one is lost */
  constructor(library: SocketLibrary, family: number, size: number, slotBytes: number) {
    this.size = size
    this.#vectorsAt = size * HEADER_WORDS
    this.#addressesAt = this.#vectorsAt + size * VECTOR_WORDS
    const dataAt = this.#addressesAt + size * SOCKADDR_WORDS
    // Outside of the heap, so it is never moved.
    this.#memory = Buffer.allocUnsafeSlow(4 * dataAt + size * slotBytes).fill(0)
    const { buffer, byteOffset } = this.#memory
    this.words = new Uint32Array(buffer, byteOffset, dataAt)
    this.bytes = Array.from({ length: size }, (_, slot) =>
      this.#memory.subarray(4 * dataAt + slot * slotBytes).subarray(0, slotBytes),
    )
    const base = library.addressOf(this.#memory)
    const pointer = (at: number, wordsAway: number, bytesMore = 0) =>
      this.#memory.writeBigUInt64LE(base + BigInt(4 * wordsAway + bytesMore), 4 * at)
    for (let slot = 0; slot < size; slot++) {
      const header = slot * HEADER_WORDS
      const vector = this.#vectorsAt + slot * VECTOR_WORDS
      pointer(header + HEADER.address, this.addressAt(slot))
      pointer(header + HEADER.vector, vector)
      pointer(vector + VECTOR.bytes, dataAt, slot * slotBytes)
      this.words[header + HEADER.addressBytes] = SOCKADDR_BYTES[family] as number
      this.words[header + HEADER.vectors] = 1
      this.words[vector + VECTOR.length] = slotBytes
    }
  }

  addressAt(slot: number): number {
    return this.#addressesAt + slot * SOCKADDR_WORDS
  }

  /** How many bytes of a datagram are to be sent. */
  setLength(slot: number, bytes: number): void {
    this.words[this.#vectorsAt + slot * VECTOR_WORDS + VECTOR.length] = bytes
  }

  lengthOf(slot: number): number {
    return this.words[this.#vectorsAt + slot * VECTOR_WORDS + VECTOR.length] as number
  }

  /** How many bytes have been received. */
  receivedLength(slot: number): number {
    return this.words[slot * HEADER_WORDS + HEADER.received] as number
  }

  /** The structures of a datagram and those that follow. */
  headersFrom(slot: number): Uint8Array {
    return slot === 0 ? this.#memory : this.#memory.subarray(4 * slot * HEADER_WORDS)
  }
}
