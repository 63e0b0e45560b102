import type { Clock } from '../chassis/clock.ts'
import { messageOf } from '../chassis/errors.ts'
import type { Running } from '../chassis/lifecycle.ts'
import type { Log } from '../chassis/log.ts'
import { repeat } from '../chassis/repeat.ts'
import type { Storage } from './adapters/storage.ts'

const DAY_MS = 24 * 3_600_000
const EVERY_MS = 3_600_000
/** Few enough that one statement stays within its time limit. */
const BATCH = 5_000

/** Deletes the records of players who were not seen for `days`, because an address and a device are personal data. */
export const expireConnections = (
  storage: Pick<Storage, 'forgetConnections'>,
  { days, clock, log }: { days: number; clock: Clock; log: Log },
): Running =>
  repeat({
    clock,
    log,
    delayMs: () => EVERY_MS,
    task: async () => {
      try {
        let total = 0
        for (let deleted = BATCH; deleted === BATCH; total += deleted)
          deleted = await storage.forgetConnections(clock.now() - days * DAY_MS, BATCH)
        if (total > 0) log.info({ players: total, days }, 'old connection records were deleted')
      } catch (error) {
        log.warn({ error: messageOf(error) }, 'old connection records could not be deleted')
      }
    },
  })
