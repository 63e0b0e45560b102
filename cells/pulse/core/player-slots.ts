import { longer } from './columns.ts'

const FIRST_SLOTS = 256

/**
 * A place in tables for each player that is there, so that a round looks up whether something of a player has changed, and where it is,
 * without touching the player. A place that was given back is given to another player.
 */
export class PlayerSlots {
  /** Another number with each change of the player of a slot. No player has slot 0. */
  changes = new Int32Array(FIRST_SLOTS)
  /** x and z, in metres. */
  places = new Float64Array(2 * FIRST_SLOTS)
  /** The last look of an observer at those it sees already. */
  seenIn = new Int32Array(FIRST_SLOTS)
  readonly #free: number[] = []
  #next = 1

  take(): number {
    const slot = this.#free.pop() ?? this.#next++
    if (slot >= this.changes.length) {
      const slots = 2 * this.changes.length
      this.changes = longer(this.changes, new Int32Array(slots))
      this.places = longer(this.places, new Float64Array(2 * slots))
      this.seenIn = longer(this.seenIn, new Int32Array(slots))
    }
    return slot
  }

  give(slot: number): void {
    this.#free.push(slot)
  }

  moved(slot: number, x: number, z: number): void {
    this.places[2 * slot] = x
    this.places[2 * slot + 1] = z
  }

  changed(slot: number): void {
    this.changes[slot] = (this.changes[slot] ?? 0) + 1
  }
}
