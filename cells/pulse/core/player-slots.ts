import { longer } from './columns.ts'

const FIRST_SLOTS = 256

/**
 * A place in tables for each player that is there, so that a round looks up whether something of a player has changed without touching the
 * player. A place that was given back is given to another player.
 */
export class PlayerSlots {
  /** Another number with each change of the player of a slot. No player has slot 0. */
  changes = new Int32Array(FIRST_SLOTS)
  readonly #free: number[] = []
  #next = 1

  take(): number {
    const slot = this.#free.pop() ?? this.#next++
    if (slot >= this.changes.length) this.changes = longer(this.changes, new Int32Array(2 * this.changes.length))
    return slot
  }

  give(slot: number): void {
    this.#free.push(slot)
  }

  changed(slot: number): void {
    this.changes[slot] = (this.changes[slot] ?? 0) + 1
  }
}
