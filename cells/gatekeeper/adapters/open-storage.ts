import type { Clock } from '../../chassis/clock.ts'
import type { Log } from '../../chassis/log.ts'
import { knownVersion, migrate, schemaVersion } from '../migrations/migrate.ts'
import type { Database } from './database.ts'
import { openPglite } from './pglite.ts'
import { openPostgres } from './postgres.ts'
import { createStorage, type Storage } from './storage.ts'

/** Which database: a server's URL, a folder for our own, or neither for one in memory. */
export interface DatabaseSettings {
  DATABASE_URL?: string | undefined
  DATABASE_FOLDER?: string | undefined
  /** `Run` unless told: bring the schema up to date. `Wait`: somebody else does. */
  DATABASE_MIGRATIONS?: 'Run' | 'Wait' | undefined
}

const LOOK_MS = 1_000

/** Opens the database, and answers once its schema is up to date, by us or by others. @throws UserError when it cannot be used */
export async function openStorage(
  { DATABASE_URL, DATABASE_FOLDER, DATABASE_MIGRATIONS = 'Run' }: DatabaseSettings,
  { clock, log }: { clock: Clock; log: Log },
): Promise<Storage> {
  const database = DATABASE_URL ? await openPostgres({ url: DATABASE_URL, clock, log }) : await openPglite(DATABASE_FOLDER)
  try {
    if (DATABASE_MIGRATIONS === 'Run') await migrate(database, log)
    else await waitForMigrations(database, { clock, log })
    return createStorage(database)
  } catch (error) {
    await database.stop()
    throw error
  }
}

/** A schema that is ahead will do: what was released only adds to it, and this may be the version one goes back to. */
async function waitForMigrations(database: Database, { clock, log }: { clock: Clock; log: Log }): Promise<void> {
  for (let found = await schemaVersion(database); found < knownVersion(); found = await schemaVersion(database)) {
    log.info({ found, wanted: knownVersion() }, 'waiting for the database schema')
    await new Promise<void>((resolve) => clock.after(LOOK_MS, resolve))
  }
}
