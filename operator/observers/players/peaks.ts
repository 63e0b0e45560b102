import type { PlayerPeak } from '../../observed/players.ts'

interface Sample {
  at: number
  players: ReadonlyMap<number, number>
}

/** Per realm: more than an hour of counts. */
const MAX_SAMPLES = 512

/** The counts of one realm's players over a while, for their peak. */
export class Peaks {
  #samples: Sample[] = []
  /** Since when every request was answered. */
  #since: number | undefined

  /**
   * Adds a count and drops those older than `keepMs`; undefined = the number of players is unknown, which begins the record anew.
   */
  record(now: number, players: ReadonlyMap<number, number> | undefined, keepMs: number): void {
    if (!players) {
      this.#samples = []
      this.#since = undefined
      return
    }
    this.#since ??= now
    this.#samples.push({ at: now, players })
    this.#samples = this.#samples.slice(Math.max(this.#firstOf(now - keepMs), this.#samples.length - MAX_SAMPLES))
  }

  /** The most players within a window that ends now; undefined while they were not counted for that long. */
  over(windowMs: number, now: number): PlayerPeak | undefined {
    if (this.#since === undefined || now - this.#since < windowMs) return undefined
    const within = this.#samples.slice(this.#firstOf(now - windowMs))
    const bySlot = new Map<number, number>()
    let total = 0
    for (const { players } of within) {
      let sum = 0
      for (const [slot, count] of players) {
        bySlot.set(slot, Math.max(bySlot.get(slot) ?? 0, count))
        sum += count
      }
      total = Math.max(total, sum)
    }
    for (const slot of bySlot.keys()) if (!within.every(({ players }) => players.has(slot))) bySlot.delete(slot)
    return { bySlot, total }
  }

  /** The last count before a moment still holds at that moment. */
  #firstOf(moment: number): number {
    return Math.max(
      0,
      this.#samples.findLastIndex(({ at }) => at <= moment),
    )
  }
}
