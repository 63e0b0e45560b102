import type { Clock } from '../chassis/clock.ts'
import { messageOf } from '../chassis/errors.ts'
import type { Running } from '../chassis/lifecycle.ts'
import type { Log } from '../chassis/log.ts'
import { repeat } from '../chassis/repeat.ts'

const DAY_MS = 24 * 3_600_000
const EVERY_MS = 3_600_000
/** Few enough that one statement stays within its time limit. */
export const DELETION_BATCH = 5_000

/** Deletes what ended before this time, at most a batch of it; returns how many records that were. */
export type Deletion = (beforeMs: number) => Promise<number>

export interface RetentionOptions {
  /** Whose records are deleted, for the log. */
  what: string
  /** How long they are kept. */
  days: number
  clock: Clock
  log: Log
}

/** Deletes records that ended `days` ago, once an hour, because they are personal data. */
export const expire = (deletions: readonly Deletion[], { what, days, clock, log }: RetentionOptions): Running =>
  repeat({
    clock,
    log,
    delayMs: () => EVERY_MS,
    task: async () => {
      try {
        let total = 0
        for (const remove of deletions)
          for (let deleted = DELETION_BATCH; deleted === DELETION_BATCH; total += deleted)
            deleted = await remove(clock.now() - days * DAY_MS)
        if (total > 0) log.info({ records: total, days }, `old records of ${what} were deleted`)
      } catch (error) {
        log.warn({ error: messageOf(error) }, `old records of ${what} could not be deleted`)
      }
    },
  })
