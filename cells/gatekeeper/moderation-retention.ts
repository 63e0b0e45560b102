import type { Clock } from '../chassis/clock.ts'
import { messageOf } from '../chassis/errors.ts'
import type { Running } from '../chassis/lifecycle.ts'
import type { Log } from '../chassis/log.ts'
import { repeat } from '../chassis/repeat.ts'
import type { Database } from './adapters/database.ts'

const DAY_MS = 24 * 3_600_000
const EVERY_MS = 3_600_000
/** Few enough that one statement stays within its time limit. */
const BATCH = 5_000

const deletion = (table: string, isOver: string): string =>
  `DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} WHERE ${isOver} LIMIT ${BATCH} FOR UPDATE SKIP LOCKED) RETURNING id`

const BEFORE = 'to_timestamp($1::float8 / 1000)'

/** What is kept about players after it is over. Bans in force and administrators of scenes stay, however old they are. */
const deletions = [
  deletion('user_bans', `lifted_at < ${BEFORE} OR (lifted_at IS NULL AND expires_at < ${BEFORE})`),
  deletion('user_warnings', `warned_at < ${BEFORE}`),
  deletion('moderation_decisions', `decided_at < ${BEFORE}`),
  // There is no record of when an administrator was removed.
  deletion('scene_admin', 'NOT active AND created_at < $1::float8::bigint'),
]

/** Deletes lifted and expired bans, warnings, decisions and removed administrators after `days`, because they are personal data. */
export const expireModeration = (
  { query }: Pick<Database, 'query'>,
  { days, clock, log }: { days: number; clock: Clock; log: Log },
): Running =>
  repeat({
    clock,
    log,
    delayMs: () => EVERY_MS,
    task: async () => {
      try {
        let total = 0
        for (const sql of deletions)
          for (let deleted = BATCH; deleted === BATCH; total += deleted)
            deleted = (await query(sql, [clock.now() - days * DAY_MS])).length
        if (total > 0) log.info({ records: total, days }, 'old records of moderation were deleted')
      } catch (error) {
        log.warn({ error: messageOf(error) }, 'old records of moderation could not be deleted')
      }
    },
  })
