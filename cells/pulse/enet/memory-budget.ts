/** What an empty command costs in memory, roughly. */
export const OVERHEAD_BYTES = 128

/**
 * How many bytes may be kept for strangers: of one peer, and with `parent` of all peers of a host. What can be sent again is refused
 * when half of it is taken, so that what must be taken in to make room still finds some.
 */
export class MemoryBudget {
  readonly #parent: MemoryBudget | undefined
  readonly #bytes: number
  #left: number

  constructor(bytes: number, parent?: MemoryBudget) {
    this.#left = bytes
    this.#bytes = bytes
    this.#parent = parent
  }

  get leftBytes(): number {
    return this.#left
  }

  get takenBytes(): number {
    return this.#bytes - this.#left
  }

  /** Takes `bytes` if both this budget and its parent have them; takes nothing otherwise. */
  take(bytes: number): boolean {
    if (bytes > this.#left || (this.#parent && !this.#parent.take(bytes))) return false
    this.#left -= bytes
    return true
  }

  /** As `take`, but leaves half of the whole alone. */
  takeSparing(bytes: number): boolean {
    if (bytes > this.#left - this.#bytes / 2 || (this.#parent && !this.#parent.takeSparing(bytes))) return false
    this.#left -= bytes
    return true
  }

  give(bytes: number): void {
    this.#left += bytes
    this.#parent?.give(bytes)
  }
}
