import type { Clock } from '../../../cells/chassis/clock.ts'

/** How far back writes of one object count. */
export const BUDGET_WINDOW_MS = 10_000
/** Writes of one and the same thing in that time after which it is not written again. */
export const MAX_REPAIRS = 2
/** Writes of one object in that time after which nothing is written, however new. */
export const MAX_CHANGES = 20
/** Once somebody was found to fight us, writes come evenly: so the last of them is followed by ours soon. */
const CALM_MS = BUDGET_WINDOW_MS / MAX_REPAIRS

interface Spent {
  /** When the latest writes were allowed, the newest last; and those among them since something new was wanted. */
  writes: number[]
  ofTheSame: number[]
  /** Somebody undid what we wrote faster than we may write it. */
  contested: boolean
  touchedAt: number
}

/** How often one object may be written: whoever edits or deletes it ten times a second does not make us do the same. */
export interface WriteBudget {
  /** Milliseconds until this object may be written; 0 = now, and it counts. A repair writes what was written before. */
  take(key: string, isRepair: boolean): number
  /** Objects written lately. */
  readonly size: number
}

/** A budget per object, which forgets objects nobody writes. */
export function createWriteBudget(clock: Clock): WriteBudget {
  /** In the order in which they were touched. */
  const known = new Map<string, Spent>()

  function touch(key: string, now: number): Spent {
    for (const [other, { touchedAt }] of known) {
      if (now - touchedAt < BUDGET_WINDOW_MS) break
      known.delete(other)
    }
    const spent = known.get(key) ?? { writes: [], ofTheSame: [], contested: false, touchedAt: now }
    spent.touchedAt = now
    known.delete(key)
    known.set(key, spent)
    return spent
  }

  return {
    take(key, isRepair) {
      const now = clock.now()
      const spent = touch(key, now)
      const waitMs = Math.max(0, readyAt(spent, isRepair) - now)
      if (waitMs > 0) {
        spent.contested ||= isRepair
        return waitMs
      }
      if (!isRepair) spent.ofTheSame.length = 0
      remember(spent.ofTheSame, now, MAX_REPAIRS)
      remember(spent.writes, now, MAX_CHANGES)
      return 0
    },
    get size() {
      return known.size
    },
  }
}

function readyAt({ writes, ofTheSame, contested }: Spent, isRepair: boolean): number {
  const changes = (writes.at(-MAX_CHANGES) ?? Number.NEGATIVE_INFINITY) + BUDGET_WINDOW_MS
  if (!isRepair) return changes
  const repairs = (ofTheSame.at(-MAX_REPAIRS) ?? Number.NEGATIVE_INFINITY) + BUDGET_WINDOW_MS
  const calm = contested ? (ofTheSame.at(-1) ?? 0) + CALM_MS : 0
  return Math.max(changes, repairs, calm)
}

function remember(times: number[], now: number, atMost: number): void {
  times.push(now)
  if (times.length > atMost) times.shift()
}
