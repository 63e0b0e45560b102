import type { Log } from '../../chassis/log.ts'
import type { Database } from '../adapters/database.ts'
import { playersAndBans } from './0001-players-and-bans.ts'
import type { Migration } from './migration.ts'

/** The schema, step by step. */
export const migrations: readonly Migration[] = [playersAndBans]

/** Replicas that start together take turns by this lock; the number means nothing, it only has to be nobody else's. */
const LOCK = 7_236_170_422

/** How far a database is: 0 where nobody was yet. */
export async function schemaVersion({ query }: Pick<Database, 'query'>): Promise<number> {
  const [table] = await query<{ found: string | null }>("SELECT to_regclass('schema_migrations')::text AS found")
  if (!table?.found) return 0
  const [row] = await query<{ version: number | null }>('SELECT max(version)::int AS version FROM schema_migrations')
  return row?.version ?? 0
}

/** The schema this version was written for; released steps only add to it, so that it works with any later one too. */
export const knownVersion = (steps: readonly Migration[] = migrations): number => steps.at(-1)?.version ?? 0

/**
 * Brings a database to the schema of this version, in one transaction: all of it or nothing. Doing it again changes nothing,
 * and of several replicas that start at once one does the work while the others wait. A newer schema is left as it is: released steps only
 * add to it, and this may be the version a platform team goes back to.
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
  })
  const known = knownVersion(steps)
  if (found > known) log.warn({ found, known }, 'the database schema is of a newer version and is left as it is')
  for (const { version, name } of applied) log.info({ version, migration: name }, 'the database schema was changed')
}
