import { access, constants, mkdir } from 'node:fs/promises'
import { PGlite } from '@electric-sql/pglite'
import { messageOf, UserError } from '../../chassis/errors.ts'
import type { Database, Query } from './database.ts'
import { lockFolder } from './folder-lock.ts'

/** Our tables are small: a cache as large as a server's would more than double the memory of the process. */
const startParams = [...PGlite.defaultStartParams, '-c', 'shared_buffers=8MB']

/**
 * A PostgreSQL inside this process, kept in a folder, or in memory without one. The engine does not notice a second process
 * on its files and would spoil them, so the folder is locked first.
 *
 * @throws UserError when the folder cannot be written, is in use by another process or holds something else
 */
export async function openPglite(folder?: string): Promise<Database> {
  if (folder === undefined) return databaseOf(await PGlite.create('memory://', { startParams }), async () => {})
  await makeWritable(folder)
  const lock = await lockFolder(folder)
  if (!lock) throw new UserError(`the database folder ${folder} is in use by another process: stop it, or choose another folder`)
  try {
    return databaseOf(await PGlite.create(folder, { startParams }), lock.release)
  } catch (error) {
    await lock.release()
    throw new UserError(
      `the database in ${folder} cannot be opened (${messageOf(error)}): choose an empty folder, or restore this one from a backup`,
      1,
      { cause: error },
    )
  }
}

async function makeWritable(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new UserError(
      `the database folder ${folder} cannot be written (${messageOf(error)}): make it writable, or choose another with DATABASE_FOLDER`,
      1,
      { cause: error },
    )
  }
}

function databaseOf(engine: PGlite, release: () => Promise<void>): Database {
  return {
    query: async <Row extends object>(sql: string, parameters: readonly unknown[] = []) =>
      (await engine.query<Row>(sql, [...parameters])).rows,
    transaction: async (work) =>
      await engine.transaction((transaction) => {
        const query: Query = async <Row extends object>(sql: string, parameters: readonly unknown[] = []) =>
          (await transaction.query<Row>(sql, [...parameters])).rows
        return work(query)
      }),
    stop: async () => {
      await engine.close()
      await release()
    },
  }
}
