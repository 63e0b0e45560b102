import { ProtoWriter } from './messages/proto-writer.ts'
import { serverMessages, TIERS } from './messages/server-message.ts'
import type { Player } from './player.ts'

/** A delta that was made at this tick. */
interface MadeDelta {
  baseline: number
  /** The tier it is for and the one that was sent before, as one number. */
  tiers: number
  bytes: Uint8Array
  /** Index of another delta of the same player; -1 = none. */
  next: number
}

const FIRST_BYTES = 64 * 1_024

/**
 * The deltas of one tick: observers of a tier were mostly sent the same state last, so that one delta is right for all of them. Its memory
 * is used again at the next tick.
 */
export class DeltaCache {
  readonly #writer = new ProtoWriter()
  readonly #made: MadeDelta[] = []
  #tick = 0
  #count = 0
  #buffer = Buffer.allocUnsafe(FIRST_BYTES)
  #used = 0
  /** Deltas that were made since the start. */
  encoded = 0

  clear(): void {
    this.#tick++
    this.#count = 0
    this.#used = 0
  }

  /** The delta from a sequence on; its bytes are valid until `clear`. */
  get(player: Player, baseline: number, tier: number, sentTier: number): Uint8Array {
    const tiers = tier * TIERS + sentTier
    const first = player.deltasOf === this.#tick ? player.firstDelta : -1
    for (let made = this.#made[first]; made; made = this.#made[made.next])
      if (made.baseline === baseline && made.tiers === tiers) return made.bytes
    serverMessages.delta(this.#writer, player, baseline, tier, sentTier)
    const bytes = this.#keep()
    player.deltasOf = this.#tick
    player.firstDelta = this.#count
    const made = this.#made[this.#count]
    if (made) Object.assign(made, { baseline, tiers, bytes, next: first })
    else this.#made.push({ baseline, tiers, bytes, next: first })
    this.#count++
    return bytes
  }

  /** Copies what was written. A buffer that is full is replaced; the deltas in it keep it until the next tick. */
  #keep(): Uint8Array {
    const start = this.#used
    if (start + this.#writer.length > this.#buffer.length) {
      this.#buffer = Buffer.allocUnsafe(this.#buffer.length * 2)
      this.#used = 0
      return this.#keep()
    }
    this.#used = this.#writer.copyTo(this.#buffer, start)
    this.encoded++
    return this.#buffer.subarray(start, this.#used)
  }
}
