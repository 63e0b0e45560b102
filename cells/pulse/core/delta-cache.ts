import { longer } from './columns.ts'
import { ProtoWriter } from './messages/proto-writer.ts'
import { serverMessages, TIERS } from './messages/server-message.ts'
import type { Player } from './player.ts'

/** Of all deltas together; when it is full, those that follow take the place of all before. Rounds of a full relay need a tenth of it. */
const BYTES = 1024 * 1024
/** More than any delta has. */
const MAX_DELTA_BYTES = 256
/** Deltas that are kept of a player: from one of four baselines, for each of three tiers and for those who changed the tier. */
const PLACES = 16
/** Of each delta: the sequences from and to which it leads, which tier was sent before and when it was made, where it is. */
const COLUMNS = 4
const FIRST_ENTRIES = 256
const MAX_AGE = 100_000_000

/**
 * Deltas that were made: observers of a tier were mostly sent the same state last, so that one delta is right for all of them. Each has its
 * place by its player and what it is for; a later one of the same place replaces it.
 */
export class DeltaCache {
  readonly #writer = new ProtoWriter(BYTES)
  #table = new Int32Array(FIRST_ENTRIES * PLACES * COLUMNS)
  /** How often the memory was begun anew; a delta of before is no delta any more. */
  #age = 1
  /** Where the delta that was found or made last is in `bytes`. */
  start = 0
  end = 0
  /** Deltas that were made since the start. */
  encoded = 0

  /** Where the deltas are. */
  get bytes(): Buffer {
    return this.#writer.memory
  }

  /** So many deltas that are found from now on stay where they are. */
  reserve(deltas: number): void {
    if (this.#writer.length + deltas * MAX_DELTA_BYTES <= this.bytes.length) return
    this.#writer.reset()
    this.#age = (this.#age + 1) % MAX_AGE
  }

  /** Finds the delta of the player of an entry from one sequence to another, both as signed numbers. @returns false when it was not made yet */
  find(entry: number, baseline: number, sequence: number, tier: number, sentTier: number): boolean {
    const at = placeOf(entry, baseline, tier, sentTier)
    const table = this.#table
    // Beyond its end nothing is found.
    if (table[at] !== baseline || table[at + 1] !== sequence || table[at + 2] !== this.#made(tier, sentTier)) return false
    const place = table[at + 3] as number
    this.start = place >>> 8
    this.end = this.start + (place & 0xff)
    return true
  }

  /** Makes the delta from a sequence to the state that the player has. */
  make(player: Player, baseline: number, tier: number, sentTier: number): void {
    const at = placeOf(player.entry, baseline, tier, sentTier)
    if (at >= this.#table.length) this.#table = longer(this.#table, new Int32Array(2 * at + PLACES * COLUMNS))
    const table = this.#table
    this.start = this.#writer.length
    serverMessages.delta(this.#writer, player, baseline >>> 0, tier, sentTier)
    this.end = this.#writer.length
    table[at] = baseline
    table[at + 1] = player.sequence
    table[at + 2] = this.#made(tier, sentTier)
    table[at + 3] = (this.start << 8) | (this.end - this.start)
    this.encoded++
  }

  /** A player has a place in the table that another one had before. */
  forget(entry: number): void {
    const at = entry * PLACES * COLUMNS
    this.#table.fill(0, at, at + PLACES * COLUMNS)
  }

  #made(tier: number, sentTier: number): number {
    return (this.#age * TIERS + sentTier) * TIERS + tier
  }
}

/** Those that bring fields which the tier of before left out share a place: they are few. */
const placeOf = (entry: number, baseline: number, tier: number, sentTier: number): number =>
  (entry * PLACES + (baseline & 3) * 4 + (tier === sentTier ? tier : TIERS)) * COLUMNS
