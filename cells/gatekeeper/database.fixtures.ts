import { afterAll, beforeAll, describe, vi } from 'vitest'
import { withPart } from '../../testing/parts/with-part.ts'
import { type PostgresServer, startPostgres } from '../../testing/postgres-server.ts'
import { systemClock } from '../chassis/clock.ts'
import { silentLog } from '../chassis/log.ts'
import type { Database } from './adapters/database.ts'
import { GuardedDatabase } from './adapters/guarded-database.ts'
import { openPglite } from './adapters/pglite.ts'
import { openPostgres } from './adapters/postgres.ts'
import { SqlStorage, type Storage } from './adapters/storage.ts'
import { migrate } from './migrations/migrate.ts'

/** Returns the storage of the group, empty; stopping it does nothing, so that several gatekeepers may share it. */
export type EmptyStorage = () => Promise<Storage>

/** A group of tests on the embedded database, and the same one on a PostgreSQL server: one database for each group. */
export function onEachDatabase(title: string, tests: (storage: EmptyStorage) => void): void {
  vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 }) // making a database takes seconds, on a busy machine many
  const group = (open: () => Promise<Database>) => {
    let database: Database
    beforeAll(async () => {
      database = await open()
      await migrate(database, silentLog)
    })
    afterAll(() => database.stop())
    tests(async () => {
      const tables = await database.query<{ name: string }>(
        "SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'schema_migrations' AND tablename NOT LIKE '%_version' AND tablename NOT LIKE '%_changes'",
      )
      await database.query(`TRUNCATE ${tables.map(({ name }) => name).join(', ')}`)
      const { query } = database
      const shared: Database = { query, transaction: (work) => database.transaction(work), stop: async () => {} }
      return new SqlStorage(new GuardedDatabase(shared, silentLog))
    })
  }
  describe(`${title}, on the embedded database`, () => group(() => openPglite()))
  withPart('postgres', `${title}, on a PostgreSQL server`, (part) => {
    let server: PostgresServer
    beforeAll(async () => {
      server = await startPostgres(part)
    })
    afterAll(() => server.stop())
    group(async () => openPostgres({ url: await server.database(), clock: systemClock, log: silentLog }))
  })
}
