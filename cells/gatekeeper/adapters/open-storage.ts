import type { Clock } from '../../chassis/clock.ts'
import type { Log } from '../../chassis/log.ts'
import { knownVersion, migrate, schemaVersion } from '../migrations/migrate.ts'
import type { Database } from './database.ts'
import { GuardedDatabase } from './guarded-database.ts'
import { SqlStorage, type Storage } from './storage.ts'

/** The URL of a server, a folder for an embedded database, or neither for one in memory. */
export interface DatabaseSettings {
  DATABASE_URL?: string | undefined
  /** PEM file of the authority that signed the server's certificate. */
  DATABASE_CA_FILE?: string | undefined
  DATABASE_FOLDER?: string | undefined
  /** `Run` (the default) migrates the schema; `Wait` waits until a Job has done so. */
  DATABASE_MIGRATIONS?: 'Run' | 'Wait' | undefined
}

const CHECK_EVERY_MS = 1_000

/** Opens the database; resolves once its schema is up to date. @throws UserError when it cannot be used */
export async function openStorage(
  { DATABASE_URL, DATABASE_CA_FILE, DATABASE_FOLDER, DATABASE_MIGRATIONS = 'Run' }: DatabaseSettings,
  { clock, log }: { clock: Clock; log: Log },
): Promise<Storage> {
  const database = DATABASE_URL
    ? await (await import('./postgres.ts')).openPostgres({ url: DATABASE_URL, caFile: DATABASE_CA_FILE, clock, log })
    : await (await import('./pglite.ts')).openPglite(DATABASE_FOLDER)
  try {
    if (DATABASE_MIGRATIONS === 'Run') await migrate(database, log)
    else await waitForMigrations(database, { clock, log })
    return new SqlStorage(new GuardedDatabase(database, log))
  } catch (error) {
    await database.stop()
    throw error
  }
}

/** A newer schema is accepted: released migrations only add to it, and this process may be the result of a downgrade. */
async function waitForMigrations(database: Database, { clock, log }: { clock: Clock; log: Log }): Promise<void> {
  for (let found = await schemaVersion(database); found < knownVersion(); found = await schemaVersion(database)) {
    log.info({ found, required: knownVersion() }, 'waiting for the database schema')
    await new Promise<void>((resolve) => clock.after(CHECK_EVERY_MS, resolve))
  }
}
