import { longer } from './columns.ts'

const FIRST_ENTRIES = 256

/**
 * An entry of tables for each player that is there, so that a round looks up whether something of a player has changed, and where it is,
 * without touching the player. An entry that was given back is given to another player.
 */
export class PlayerEntries {
  /** The sequence of the state of the player of an entry, as a signed number. No player has entry 0. */
  sequences = new Int32Array(FIRST_ENTRIES)
  /** Another number with each change of the player that is more than one of its state. */
  changes = new Int32Array(FIRST_ENTRIES)
  /** x and z, in metres. */
  places = new Float64Array(2 * FIRST_ENTRIES)
  /** The last look of an observer at those it sees already. */
  seenIn = new Int32Array(FIRST_ENTRIES)
  readonly #free: number[] = []
  #next = 1

  take(): number {
    const entry = this.#free.pop() ?? this.#next++
    if (entry >= this.changes.length) {
      const entries = 2 * this.changes.length
      this.sequences = longer(this.sequences, new Int32Array(entries))
      this.changes = longer(this.changes, new Int32Array(entries))
      this.places = longer(this.places, new Float64Array(2 * entries))
      this.seenIn = longer(this.seenIn, new Int32Array(entries))
    }
    return entry
  }

  give(entry: number): void {
    this.#free.push(entry)
  }

  moved(entry: number, x: number, z: number): void {
    this.places[2 * entry] = x
    this.places[2 * entry + 1] = z
  }

  changed(entry: number): void {
    this.changes[entry] = (this.changes[entry] ?? 0) + 1
  }
}
