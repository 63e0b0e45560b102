import { longer } from './columns.ts'
import { ProtoWriter } from './messages/proto-writer.ts'
import { serverMessages, TIERS } from './messages/server-message.ts'
import type { Player } from './player.ts'

const FIRST_DELTAS = 1_024

/**
 * The deltas of one tick: observers of a tier were mostly sent the same state last, so that one delta is right for all of them. A delta is
 * a row; the memory of all is used again at the next tick.
 */
export class DeltaCache {
  readonly #writer = new ProtoWriter()
  #baselines = new Uint32Array(FIRST_DELTAS)
  /** The tier it is for and the one that was sent before, as one number. */
  #tiers = new Uint8Array(FIRST_DELTAS)
  #starts = new Uint32Array(FIRST_DELTAS)
  #ends = new Uint32Array(FIRST_DELTAS)
  /** Row of another delta of the same player; -1 = none. */
  #others = new Int32Array(FIRST_DELTAS)
  #tick = 0
  #count = 0
  /** Deltas that were made since the start. */
  encoded = 0

  clear(): void {
    this.#tick++
    this.#count = 0
    this.#writer.reset()
  }

  /** Where the deltas are, until the next one is made. */
  get bytes(): Buffer {
    return this.#writer.memory
  }

  startOf(row: number): number {
    return this.#starts[row] ?? 0
  }

  endOf(row: number): number {
    return this.#ends[row] ?? 0
  }

  /** The delta from a sequence on; valid until `clear`. */
  rowOf(player: Player, baseline: number, tier: number, sentTier: number): number {
    const tiers = tier * TIERS + sentTier
    const isOfNow = player.deltasOf === this.#tick && player.deltasTo === player.sequence
    const first = isOfNow ? player.firstDelta : -1
    for (let row = first; row >= 0; row = this.#others[row] ?? -1)
      if (this.#baselines[row] === baseline && this.#tiers[row] === tiers) return row
    if (this.#count === this.#starts.length) this.#grow()
    const row = this.#count++
    this.#starts[row] = this.#writer.length
    serverMessages.delta(this.#writer, player, baseline, tier, sentTier)
    this.#ends[row] = this.#writer.length
    this.#baselines[row] = baseline
    this.#tiers[row] = tiers
    this.#others[row] = first
    player.deltasOf = this.#tick
    player.deltasTo = player.sequence
    player.firstDelta = row
    this.encoded++
    return row
  }

  #grow(): void {
    const rows = 2 * this.#starts.length
    this.#baselines = longer(this.#baselines, new Uint32Array(rows))
    this.#tiers = longer(this.#tiers, new Uint8Array(rows))
    this.#starts = longer(this.#starts, new Uint32Array(rows))
    this.#ends = longer(this.#ends, new Uint32Array(rows))
    this.#others = longer(this.#others, new Int32Array(rows))
  }
}
