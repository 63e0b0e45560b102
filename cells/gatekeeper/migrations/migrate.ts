import type { Log } from '../../chassis/log.ts'
import type { Database } from '../adapters/database.ts'
import { playersAndBans } from './0001-players-and-bans.ts'
import { lowerCaseBans } from './0002-lower-case-bans.ts'
import { moderation } from './0003-moderation.ts'
import { bansVersion } from './0004-bans-version.ts'
import { streams } from './0005-streams.ts'
import { voice } from './0006-voice.ts'
import { kicks } from './0007-kicks.ts'
import { changedBans } from './0008-changed-bans.ts'
import type { Migration } from './migration.ts'

/** All steps of the schema, oldest first. */
export const migrations: readonly Migration[] = [
  ...[playersAndBans, lowerCaseBans, moderation, bansVersion],
  ...[streams, voice, kicks, changedBans],
]

/**
 * Key of the advisory lock that replicas starting together take in turn; an arbitrary number that nothing else in the database
 * uses.
 */
const LOCK = 7_236_170_422

/** The first statement waits for the migration of another replica. */
const STATEMENT_TIMEOUT_MS = 60_000

/** The schema version of a database; 0 for an empty one. */
export async function schemaVersion({ query }: Pick<Database, 'query'>): Promise<number> {
  const [table] = await query<{ found: string | null }>("SELECT to_regclass('schema_migrations')::text AS found")
  if (!table?.found) return 0
  const [row] = await query<{ version: number | null }>('SELECT max(version)::int AS version FROM schema_migrations')
  return row?.version ?? 0
}

/**
 * The schema version that this code was written for. It works with any later one too, because released steps only add to the
 * schema.
 */
export const knownVersion = (steps: readonly Migration[] = migrations): number => steps.at(-1)?.version ?? 0

/**
 * Migrates a database to the schema of this version, in one transaction. Repeating it changes nothing; of several replicas that
 * start at the same time one migrates while the others wait. A newer schema is left unchanged: released steps only add to it, and
 * this process may be the result of a downgrade.
 */
export async function migrate(database: Database, log: Log, steps: readonly Migration[] = migrations): Promise<void> {
  const { found, applied } = await database.transaction(async (query) => {
    await query('SELECT pg_advisory_xact_lock($1::bigint)', [LOCK])
    await query(
      `CREATE TABLE IF NOT EXISTS schema_migrations (
         version    integer PRIMARY KEY,
         name       text NOT NULL,
         applied_at timestamptz NOT NULL DEFAULT now()
       )`,
    )
    const found = await schemaVersion({ query })
    const missing = steps.filter(({ version }) => version > found)
    for (const { version, name, statements } of missing) {
      for (const statement of statements) await query(statement)
      await query('INSERT INTO schema_migrations (version, name) VALUES ($1::int, $2)', [version, name])
    }
    return { found, applied: missing }
  }, STATEMENT_TIMEOUT_MS)
  const known = knownVersion(steps)
  if (found > known) log.warn({ found, known }, 'the database schema is of a newer version and is left unchanged')
  for (const { version, name } of applied) log.info({ version, migration: name }, 'the database schema was migrated')
}
