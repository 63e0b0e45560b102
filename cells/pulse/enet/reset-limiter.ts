import { fnv1a } from '../../chassis/fnv1a.ts'
import { TokenBucket } from '../../chassis/token-bucket.ts'

/** A datagram of 10 bytes that tells a client of an earlier process that its connection is gone. */
export const RESET_BYTES = 10
const PER_CLIENT_MS = 1_000
/** Of 1 500 clients that a crash has left, some thirty meet another one in their entry. */
const ENTRY_BITS = 16
const ENTRIES = 2 ** ENTRY_BITS

/**
 * Decides which datagrams of strangers are answered: at most one per second, address and port, a number of them in all, and never with
 * more bytes than came. The port counts because many players may share an address, and all of them wait for the answer after a crash. Its
 * memory is a table of fixed size; clients that meet in one entry wait for each other.
 */
export class ResetLimiter {
  readonly #total: TokenBucket
  readonly #seed: number
  readonly #owners = new Uint32Array(ENTRIES)
  readonly #credits = new Uint16Array(ENTRIES)
  readonly #answeredAt = new Float64Array(ENTRIES).fill(Number.NEGATIVE_INFINITY)

  constructor(perSecond: number, seed: number, now: number) {
    this.#total = new TokenBucket({ perSecond, burst: perSecond }, now)
    this.#seed = seed
  }

  take(address: string, port: number, receivedBytes: number, now: number): boolean {
    // The seed keeps strangers from choosing addresses that meet.
    const owner = Math.imul(fnv1a(`${address} ${port}`) ^ this.#seed, 0x9e3779b1) >>> 0
    const entry = owner >>> (32 - ENTRY_BITS)
    const isRecent = now - (this.#answeredAt[entry] ?? now) < PER_CLIENT_MS
    if (this.#owners[entry] !== owner) {
      if (isRecent) return false
      this.#owners[entry] = owner
      this.#credits[entry] = 0
    }
    const credit = Math.min(RESET_BYTES, (this.#credits[entry] ?? 0) + receivedBytes)
    this.#credits[entry] = credit
    if (isRecent || credit < RESET_BYTES || !this.#total.take(now)) return false
    this.#credits[entry] = 0
    this.#answeredAt[entry] = now
    return true
  }
}
