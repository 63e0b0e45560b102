import type { Clock } from '../chassis/clock.ts'
import type { Running } from '../chassis/lifecycle.ts'
import type { Log } from '../chassis/log.ts'
import type { Database } from './adapters/database.ts'
import { DELETION_BATCH, expire } from './retention.ts'

const deletion = (table: string, isOver: string): string =>
  `DELETE FROM ${table} WHERE id IN (SELECT id FROM ${table} WHERE ${isOver} LIMIT ${DELETION_BATCH} FOR UPDATE SKIP LOCKED) RETURNING id`

const BEFORE = 'to_timestamp($1::float8 / 1000)'

/** What is kept about players after it is over. Bans in force and administrators of scenes stay, however old they are. */
const deletions = [
  deletion('user_bans', `lifted_at < ${BEFORE} OR (lifted_at IS NULL AND expires_at < ${BEFORE})`),
  deletion('user_warnings', `warned_at < ${BEFORE}`),
  deletion('moderation_decisions', `decided_at < ${BEFORE}`),
  // There is no record of when an administrator was removed.
  deletion('scene_admin', 'NOT active AND created_at < $1::float8::bigint'),
  // Who made the key of a stream.
  deletion('scene_stream_access', 'NOT active AND created_at < $1::float8::bigint'),
]

/** Deletes lifted and expired bans, warnings, decisions, removed administrators and keys of streams that ended after `days`. */
export const expireModeration = (
  { query }: Pick<Database, 'query'>,
  options: { days: number; clock: Clock; log: Log },
): Running =>
  expire(
    deletions.map((sql) => async (beforeMs) => (await query(sql, [beforeMs])).length),
    { what: 'moderation', ...options },
  )
