import type { LRUCache } from 'lru-cache'
import type { ByteReader, ByteWriter } from '../chassis/byte-buffers.ts'
import { growingCache } from '../chassis/growing-cache.ts'
import type { PeerId } from '../wire/peer.ts'
import { SIGN_IN_WINDOW_MS } from './sign-in-claim.ts'

/** The sign-ins of the last minutes: one that was recorded on its way cannot be used again. */
export class SignInMemory {
  readonly #seen: LRUCache<string, true>

  /** @param max sign-ins that are remembered; the oldest is forgotten first */
  constructor(max: number, clock: { monotonic(): number }) {
    this.#seen = growingCache(max, { ttl: 2 * SIGN_IN_WINDOW_MS, perf: { now: () => clock.monotonic() } })
  }

  freeze(writer: ByteWriter): void {
    writer.text(JSON.stringify(this.#seen.dump()))
  }

  thaw(reader: ByteReader): void {
    this.#seen.load(JSON.parse(reader.text()))
  }

  /** Whether a wallet signs in with this time stamp for the first time; from now on it is not. */
  isNew(wallet: PeerId, timestampMs: number): boolean {
    const key = `${wallet} ${timestampMs}`
    if (this.#seen.has(key)) return false
    this.#seen.set(key, true)
    return true
  }
}
