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

/** The numbers of a view, in 32 bytes, so that all of them come from one line of the processor's cache. */
export const VIEW = {
  /** Entry of the player, and the count of its changes besides the state that was looked at. */
  entry: 0,
  seen: 1,
  /** Tier of distance, and in which rounds its changes are due: with it, those of one tier are spread over all rounds. */
  tier: 2,
  phase: 3,
  /** The sequence that was sent last, as a signed number, and at which tier. */
  sequence: 4,
  sentTier: 5,
  /** A set of `MARK`. */
  marks: 6,
  profileVersion: 7,
} as const
export const VIEW_LENGTH = 8

const FIRST_ROWS = 16

/**
 * What the client of an observer knows of the players that it sees: a view is a row of a table, since a round goes through all rows of all
 * observers. The last row takes the place of one that is removed.
 */
export class ViewList<Seen extends { readonly subject: number; readonly entry: number }> {
  count = 0
  /** No view is in a nearer tier. */
  nearestTier = TIERS
  readonly players: Seen[] = []
  /** `VIEW_LENGTH` numbers for each view, at `VIEW`. */
  table = new Int32Array(FIRST_ROWS * VIEW_LENGTH)
  /** When the player was announced first, in milliseconds. */
  joinedAts = new Float64Array(FIRST_ROWS)
  readonly #rows = new Map<number, number>()

  /** The row of a player, by its number; -1 = none. */
  rowOf(subject: number): number {
    return this.#rows.get(subject) ?? -1
  }

  get(row: number, field: number): number {
    return this.table[row * VIEW_LENGTH + field] ?? 0
  }

  set(row: number, field: number, value: number): void {
    this.table[row * VIEW_LENGTH + field] = value
  }

  /** @returns the row of a player of which nothing was sent yet */
  add(player: Seen, tier: number): number {
    if (this.count === this.joinedAts.length) this.#grow()
    const row = this.count++
    const at = row * VIEW_LENGTH
    this.players[row] = player
    this.table.fill(0, at, at + VIEW_LENGTH)
    this.set(row, VIEW.entry, player.entry)
    this.set(row, VIEW.tier, tier)
    this.set(row, VIEW.phase, player.subject)
    this.mark(row, 0)
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
    this.joinedAts[row] = this.joinedAts[last] ?? 0
    this.table.copyWithin(row * VIEW_LENGTH, last * VIEW_LENGTH, (last + 1) * VIEW_LENGTH)
  }

  /** Something may be due of a row, whether or not its player has changed. */
  mark(row: number, mark: number): void {
    this.set(row, VIEW.marks, this.get(row, VIEW.marks) | mark)
    // A count that its player does not have any more, or not yet.
    this.set(row, VIEW.seen, this.get(row, VIEW.seen) - 1)
  }

  clear(): void {
    this.count = 0
    this.nearestTier = TIERS
    this.players.length = 0
    this.#rows.clear()
  }

  #grow(): void {
    const rows = this.joinedAts.length * 2
    this.table = longer(this.table, new Int32Array(rows * VIEW_LENGTH))
    this.joinedAts = longer(this.joinedAts, new Float64Array(rows))
  }
}
