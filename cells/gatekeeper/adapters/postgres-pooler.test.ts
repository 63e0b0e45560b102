import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { withPart } from '../../../testing/parts/with-part.ts'
import { type Pooler, startPgbouncer } from '../../../testing/pgbouncer.ts'
import { type PostgresServer, startPostgres } from '../../../testing/postgres-server.ts'
import { systemClock } from '../../chassis/clock.ts'
import { silentLog } from '../../chassis/log.ts'
import { migrate, migrations } from '../migrations/migrate.ts'
import { openPostgres } from './postgres.ts'
import { SqlStorage } from './storage.ts'

vi.setConfig({ testTimeout: 60_000 })

withPart('pgbouncer', 'a PostgreSQL server behind PgBouncer in transaction mode', (pgbouncer) => {
  withPart('postgres', 'with two connections for all clients', (postgres) => {
    let server: PostgresServer
    let pooler: Pooler
    beforeAll(async () => {
      server = await startPostgres(postgres)
      pooler = await startPgbouncer(pgbouncer, await server.database())
    })
    afterAll(async () => {
      await pooler[Symbol.asyncDispose]()
      await server.stop()
    })
    const open = (url: string) => openPostgres({ url: pooler.through(url), clock: systemClock, log: silentLog, patienceMs: 0 })

    test('is migrated once by replicas that start together, and stores what they record', async () => {
      const url = await server.database()
      const replicas = await Promise.all(Array.from({ length: 4 }, () => open(url)))
      await Promise.all(replicas.map((replica) => migrate(replica, silentLog)))
      const storages = replicas.map((replica) => new SqlStorage(replica))
      const address = '0x00000000000000000000000000000000000000aa'
      const record = (storage: SqlStorage, n: number) =>
        storage.recordConnections([{ address, ipAddress: '203.0.113.7', deviceId: `device-${n}` }], 1_760_000_000_000 + n)
      await Promise.all(storages.map(record))
      for (const storage of storages) expect(await storage.connectionOf(address)).toMatchObject({ ipAddress: '203.0.113.7' })
      expect(await replicas[0]?.query('SELECT version FROM schema_migrations')).toHaveLength(migrations.length)
      await Promise.all(storages.map((storage) => storage.stop()))
    })

    test('gets time limits that end with their transaction: the next client on the connection has its own', async () => {
      const database = await open(await server.database())
      const limit = 'SHOW statement_timeout'
      expect(await database.query(limit)).toEqual([{ statement_timeout: '3s' }])
      expect(await database.transaction((query) => query(limit), 60_000)).toEqual([{ statement_timeout: '1min' }])
      expect(await database.query(limit)).toEqual([{ statement_timeout: '3s' }])
      await expect(database.query('SELECT pg_sleep(60)')).rejects.toThrow(/statement timeout/)
      const many = await Promise.all(Array.from({ length: 40 }, (_, n) => database.query('SELECT $1::int AS n', [n])))
      expect(many.flat()).toEqual(Array.from({ length: 40 }, (_, n) => ({ n })))
      await database.stop()
    })
  })
})
