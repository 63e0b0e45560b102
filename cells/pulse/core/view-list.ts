import { longer } from './columns.ts'
import { TIERS } from './messages/server-message.ts'

/** What is due in a view besides the changes of the state. */
export const MARK = {
  /** The client asked for the whole state, or for the player as a whole. */
  stateRequested: 1,
  playerRequested: 2,
  /** Either of them. */
  requested: 3,
  /** The player is to be announced a second time. */
  repeatDue: 4,
} as const

const FIRST_ROWS = 16

/**
 * What the client of an observer knows of the players that it sees: a view is a row, in columns, since a round goes through all rows of all
 * observers. The last row takes the place of one that is removed.
 */
export class ViewList<Seen extends { readonly subject: number; readonly slot: number }> {
  count = 0
  /** No view is in a nearer tier. */
  nearestTier = TIERS
  readonly players: Seen[] = []
  /** The sequence that was sent last. */
  sequences = new Uint32Array(FIRST_ROWS)
  profileVersions = new Int32Array(FIRST_ROWS)
  /** The slot of the player, and the count of its changes that were sent. */
  slots = new Uint32Array(FIRST_ROWS)
  seen = new Uint32Array(FIRST_ROWS)
  /** When the player was announced first, in milliseconds. */
  joinedAts = new Float64Array(FIRST_ROWS)
  /** Tier of distance, and the one at which the last state was sent. */
  tiers = new Uint8Array(FIRST_ROWS)
  sentTiers = new Uint8Array(FIRST_ROWS)
  /** A set of `MARK`. */
  marks = new Uint8Array(FIRST_ROWS)
  /** In which rounds the changes of the player are due: with it, those of one tier are spread over all rounds. */
  phases = new Uint8Array(FIRST_ROWS)
  readonly #rows = new Map<number, number>()

  /** The row of a player, by its number; -1 = none. */
  rowOf(subject: number): number {
    return this.#rows.get(subject) ?? -1
  }

  /** @returns the row of a player that is not announced yet */
  add(player: Seen, tier: number): number {
    if (this.count === this.sequences.length) this.#grow()
    const row = this.count++
    this.players[row] = player
    this.tiers[row] = tier
    this.phases[row] = player.subject
    this.slots[row] = player.slot
    this.nearestTier = Math.min(this.nearestTier, tier)
    this.#rows.set(player.subject, row)
    return row
  }

  remove(row: number): void {
    const removed = this.players[row]
    const last = --this.count
    const moved = this.players.pop()
    if (removed) this.#rows.delete(removed.subject)
    if (!moved || row === last) return
    this.players[row] = moved
    this.#rows.set(moved.subject, row)
    this.sequences[row] = this.sequences[last] ?? 0
    this.profileVersions[row] = this.profileVersions[last] ?? 0
    this.slots[row] = this.slots[last] ?? 0
    this.seen[row] = this.seen[last] ?? 0
    this.joinedAts[row] = this.joinedAts[last] ?? 0
    this.tiers[row] = this.tiers[last] ?? 0
    this.sentTiers[row] = this.sentTiers[last] ?? 0
    this.marks[row] = this.marks[last] ?? 0
    this.phases[row] = this.phases[last] ?? 0
  }

  /** Something is due of a row, whether or not its player has changed. */
  mark(row: number, mark: number): void {
    this.marks[row] = (this.marks[row] ?? 0) | mark
    // A count that its player does not have any more.
    this.seen[row] = (this.seen[row] ?? 0) - 1
  }

  clear(): void {
    this.count = 0
    this.nearestTier = TIERS
    this.players.length = 0
    this.#rows.clear()
  }

  #grow(): void {
    const rows = this.sequences.length * 2
    this.sequences = longer(this.sequences, new Uint32Array(rows))
    this.profileVersions = longer(this.profileVersions, new Int32Array(rows))
    this.slots = longer(this.slots, new Uint32Array(rows))
    this.seen = longer(this.seen, new Uint32Array(rows))
    this.joinedAts = longer(this.joinedAts, new Float64Array(rows))
    this.tiers = longer(this.tiers, new Uint8Array(rows))
    this.sentTiers = longer(this.sentTiers, new Uint8Array(rows))
    this.marks = longer(this.marks, new Uint8Array(rows))
    this.phases = longer(this.phases, new Uint8Array(rows))
  }
}
