import type { Clock } from '../../chassis/clock.ts'
import type { Log } from '../../chassis/log.ts'
import { migrate } from '../migrations/migrate.ts'
import { openPglite } from './pglite.ts'
import { openPostgres } from './postgres.ts'
import { createStorage, type Storage } from './storage.ts'

/** Which database: a server's URL, a folder for our own, or neither for one in memory. */
export interface DatabaseChoice {
  DATABASE_URL?: string | undefined
  DATABASE_FOLDER?: string | undefined
}

/** Opens the database and brings its schema up to date. @throws UserError when it cannot be used */
export async function openStorage(
  { DATABASE_URL, DATABASE_FOLDER }: DatabaseChoice,
  { clock, log }: { clock: Clock; log: Log },
): Promise<Storage> {
  const database = DATABASE_URL ? await openPostgres({ url: DATABASE_URL, clock, log }) : await openPglite(DATABASE_FOLDER)
  try {
    await migrate(database, log)
    return createStorage(database)
  } catch (error) {
    await database.stop()
    throw error
  }
}
