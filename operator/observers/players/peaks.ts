import type { PlayerPeak } from '../../observed/players.ts'

interface Sample {
  at: number
  players: ReadonlyMap<number, number>
}

/** Samples of one realm; an hour of them at the pace of the census. */
const MAX_SAMPLES = 512

/** What one realm's players were for a while, to know the most there were. */
export class Peaks {
  #samples: Sample[] = []
  /** Since when every question was answered. */
  #since: number | undefined

  /** Takes a count in, and lets go of what is older than anybody asks for; nothing = nobody knows. */
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

  /** The most players within a time that ends now; nothing while less than that is known. */
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

  /** What was counted last before a moment holds at that moment. */
  #firstOf(moment: number): number {
    return Math.max(
      0,
      this.#samples.findLastIndex(({ at }) => at <= moment),
    )
  }
}
