import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { withPart } from '../../../testing/parts/with-part.ts'
import { type PostgresServer, startPostgres } from '../../../testing/postgres-server.ts'
import { ManualClock, systemClock } from '../../chassis/clock.ts'
import { UserError } from '../../chassis/errors.ts'
import { silentLog } from '../../chassis/log.ts'
import type { PeerId } from '../../wire/peer.ts'
import { ActiveBans, type BanSubject } from '../core/active-bans.ts'
import { knownVersion, migrate, migrations } from '../migrations/migrate.ts'
import type { Migration } from '../migrations/migration.ts'
import type { Database, SqlQuery } from './database.ts'
import { GuardedDatabase } from './guarded-database.ts'
import { openPglite } from './pglite.ts'
import { openPostgres } from './postgres.ts'
import { SqlStorage, type Storage } from './storage.ts'

vi.setConfig({ testTimeout: 60_000 }) // making a database takes seconds, on a busy machine many

const [ana, ben] = ['0x00000000000000000000000000000000000000aa', '0x00000000000000000000000000000000000000bb'] as const
const NOW = 1_760_000_000_123

/** A step that this version does not know, as a newer version adds it. */
const future: Migration = { version: knownVersion() + 1, name: 'the future', statements: ['CREATE TABLE future (id int)'] }

describe('the embedded database', () => {
  storageTests(() => openPglite())
})

withPart('postgres', 'a PostgreSQL server', (part) => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres(part)
  })
  afterAll(() => server.stop())
  const open = (url: string) => openPostgres({ url, clock: systemClock, log: silentLog, patienceMs: 0 })

  storageTests(async () => open(await server.database()))

  test('replicas that start together migrate once', async () => {
    const url = await server.database()
    const replicas = await Promise.all(Array.from({ length: 6 }, () => open(url)))
    await Promise.all(replicas.map((replica) => migrate(replica, silentLog)))
    const [first] = replicas
    expect(await first?.query('SELECT version FROM schema_migrations')).toEqual(migrations.map(({ version }) => ({ version })))
    await Promise.all(replicas.map((replica) => replica.stop()))
  })

  test('two replicas that record the same players at the same time do not deadlock', async () => {
    const url = await server.database()
    const [one, other] = await Promise.all([open(url), open(url)])
    await migrate(one, silentLog)
    const players = Array.from({ length: 200 }, (_, n) => ({
      address: `0x${n.toString(16).padStart(40, '0')}` as PeerId,
      ipAddress: undefined,
      deviceId: 'd',
    }))
    const [there, back] = [new SqlStorage(one), new SqlStorage(other)]
    const rounds = Array.from({ length: 10 }, () => [
      there.recordConnections(players, NOW),
      back.recordConnections(players.toReversed(), NOW),
    ])
    await Promise.all(rounds.flat())
    expect(await one.query('SELECT count(*)::int AS players FROM player_connection_info')).toEqual([{ players: 200 }])
    await Promise.all([there.stop(), back.stop()])
  })

  test('a missing database is refused with its address and without its password', async () => {
    const url = (await server.database()).replace(/[^/]+$/, 'nowhere')
    const refusal = await open(url).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(UserError)
    expect(String(refusal)).toMatch(/the database at 127\.0\.0\.1:\d+\/nowhere cannot be used: .*"nowhere" does not exist/)
    expect(String(refusal)).not.toContain('not-a-secret')
  })

  test('a statement that takes too long is ended, and the connection stays usable', async () => {
    const database = await open(await server.database())
    await expect(database.query('SELECT pg_sleep(60)')).rejects.toThrow(/timeout/)
    expect(await database.query('SELECT 1 AS one')).toEqual([{ one: 1 }])
    await database.stop()
  })

  test('a process opens a few connections, however many queries are under way', async () => {
    const database = await open(await server.database())
    const count = `SELECT pg_sleep(0.1), count(*)::int AS open FROM pg_stat_activity
                    WHERE application_name = 'gatekeeper' AND datname = current_database()`
    const counts = await Promise.all(Array.from({ length: 12 }, () => database.query<{ open: number }>(count)))
    expect(Math.max(...counts.flat().map(({ open }) => open))).toBe(4)
    await database.stop()
  })

  test('a crash of the server fails its queries, not the process', async () => {
    const doomed = await startPostgres(part)
    const database = await open(await doomed.database())
    await doomed.kill()
    await expect(database.query('SELECT 1')).rejects.toThrow()
    const guarded = new GuardedDatabase(database, silentLog)
    for (const refused of [guarded.query('SELECT 1'), guarded.transaction((query) => query('SELECT 1'))])
      await expect(refused).rejects.toMatchObject({ code: 'UNAVAILABLE', message: 'The database cannot be used now' })
    await database.stop()
    await doomed.stop()
  })
})

test('a server that does not answer is waited for before it is refused', async () => {
  const clock = new ManualClock()
  let retries = 0
  const log = silentLog.child({})
  log.warn = () => retries++
  const refused = openPostgres({ url: 'postgres://u:hidden@127.0.0.1:1/realm', clock, log, patienceMs: 2_500 }).catch(
    (error: unknown) => error,
  )
  for (const expected of [1, 2]) {
    await vi.waitFor(() => expect(retries).toBe(expected))
    clock.advance(1_000)
  }
  expect(String(await refused)).toMatch(/the database at 127\.0\.0\.1:1\/realm cannot be used: .*ECONNREFUSED.*DATABASE_URL/)
  expect(retries).toBe(2)
})

/** What holds for every database we run on. */
function storageTests(openOnce: () => Promise<Database>): void {
  let shared: Database
  beforeAll(async () => {
    shared = await openOnce()
  })
  afterAll(() => shared.stop())

  /** One database for all tests, without its tables before each of them: making another costs seconds. */
  async function open(): Promise<Database> {
    await shared.query('DROP SCHEMA public CASCADE')
    await shared.query('CREATE SCHEMA public')
    return { query: shared.query, transaction: (work) => shared.transaction(work), stop: async () => {} }
  }

  test('bans written before they were lower-cased apply after the migration, and the version before can go on', async () => {
    const [first] = migrations
    const database = await open()
    await migrate(database, silentLog, first ? [first] : [])
    const address = '0x52908400098527886E0F7030069857D2E4169EE7'
    const insert = "INSERT INTO user_bans (banned_address, banned_by, reason) VALUES ($1, 'mod', 'spam')"
    await database.query(insert, [address])
    await migrate(database, silentLog)
    await migrate(database, silentLog, first ? [first] : []) // a downgrade
    await database.query(insert, [address])
    expect(
      await database.query('SELECT banned_address FROM user_bans WHERE banned_address = $1', [address.toLowerCase()]),
    ).toHaveLength(2)
  })

  let database: Database
  let storage: Storage
  beforeEach(async () => {
    database = await open()
    await migrate(database, silentLog)
    storage = new SqlStorage(database)
  })

  const ban = (columns: Record<string, unknown>) => {
    const all = { banned_address: ana, banned_by: 'mod', reason: 'spam', banned_at: new Date(NOW - 1_000), ...columns }
    const names = Object.keys(all)
    return database.query(
      `INSERT INTO user_bans (${names.join(', ')}) VALUES (${names.map((_, i) => `$${i + 1}`).join(', ')})`,
      Object.values(all),
    )
  }

  const activeBan = async (subject: BanSubject, nowMs: number) =>
    new ActiveBans(await storage.unliftedBans()).against(subject, nowMs)

  test('migrating again changes nothing', async () => {
    await migrate(database, silentLog)
    expect(await database.query('SELECT version FROM schema_migrations ORDER BY version')).toEqual(
      migrations.map(({ version }) => ({ version })),
    )
  })

  test('a newer schema is left unchanged and works', async () => {
    await migrate(database, silentLog, [...migrations, future])
    await migrate(database, silentLog)
    expect(await database.query('SELECT version FROM schema_migrations ORDER BY version')).toEqual(
      [...migrations, future].map(({ version }) => ({ version })),
    )
    await new SqlStorage(database).ping()
  })

  test('a migration that fails changes nothing', async () => {
    const broken: Migration = { ...future, statements: [...future.statements, 'SELECT 1 / 0'] }
    await expect(migrate(database, silentLog, [...migrations, broken])).rejects.toThrow(/division by zero/)
    expect(await database.query("SELECT to_regclass('future')::text AS future")).toEqual([{ future: null }])
    await migrate(database, silentLog, [...migrations, future])
  })

  test('without a record a player is not banned', async () => {
    expect(await activeBan({ address: ana, deviceId: 'phone' }, NOW)).toBeUndefined()
  })

  test('the version of the bans changes with every change of them, and stays without one', async () => {
    const versionNow = async () => (await storage.bansSince(undefined)).version
    const versions = [await versionNow()]
    const changed = async (change: Promise<unknown>) => {
      await change
      versions.push(await versionNow())
    }
    await changed(ban({}))
    await changed(ban({ banned_address: ben }))
    await changed(database.query("UPDATE user_bans SET expires_at = now() + interval '1 day' WHERE banned_address = $1", [ana]))
    await changed(database.query('UPDATE user_bans SET lifted_at = now() WHERE banned_address = $1', [ana]))
    await changed(database.query('UPDATE user_bans SET lifted_at = NULL WHERE banned_address = $1', [ana]))
    await changed(database.query('DELETE FROM user_bans WHERE banned_address = $1', [ben]))
    await changed(database.query('TRUNCATE user_bans'))
    expect(new Set(versions).size).toBe(versions.length)
    expect(await versionNow()).toBe(versions.at(-1))
    const undone = database.transaction(async (query) => {
      await query('INSERT INTO user_bans (banned_address, banned_by, reason) VALUES ($1, $2, $3)', [ana, 'mod', 'spam'])
      throw new Error('undone')
    })
    await expect(undone).rejects.toThrow('undone')
    expect(await versionNow()).toBe(versions.at(-1))
  })

  test('the wallets whose bans changed are told one by one, and all have to be read where that were too many', async () => {
    const cid = '0x00000000000000000000000000000000000000cc'
    await ban({})
    let { version, wallets } = await storage.bansSince(undefined)
    expect(wallets).toBeUndefined()
    const changedBy = async (sql: string, parameters: unknown[] = []) => {
      await database.query(sql, parameters)
      const changes = await storage.bansSince(version)
      version = changes.version
      return changes.wallets && [...changes.wallets].sort()
    }
    const insert = "INSERT INTO user_bans (banned_address, banned_by, reason) VALUES ($1, 'mod', 'spam')"
    expect(await changedBy('SELECT 1')).toEqual([])
    expect(await changedBy(insert, [ben.toUpperCase()])).toEqual([ben])
    expect(await changedBy('UPDATE user_bans SET banned_address = $1 WHERE banned_address = $2', [cid, ben])).toEqual([ben, cid])
    expect(await changedBy('UPDATE user_bans SET lifted_at = now()')).toEqual([ana, cid])
    expect(await changedBy('DELETE FROM user_bans WHERE banned_address = $1', [ana])).toEqual([ana])
    const many = (count: number) =>
      `INSERT INTO user_bans (banned_address, banned_by, reason) SELECT '0x' || n, 'mod', 'spam' FROM generate_series(1, ${count}) n`
    expect(await changedBy(many(1_000))).toHaveLength(1_000)
    expect(await changedBy(many(1_001))).toBeUndefined()
    expect(await changedBy(insert, [ana])).toEqual([ana])
    expect(await changedBy('TRUNCATE user_bans')).toBeUndefined()
    const early = version
    expect(await changedBy(insert, [ana])).toEqual([ana])
    // A thousand changes later.
    await database.query('UPDATE user_bans_version SET version = version + 1000')
    await ban({ banned_address: ben })
    expect((await storage.bansSince(early)).wallets).toBeUndefined()
    expect(await database.query('SELECT address FROM user_bans_changes')).toEqual([{ address: ben }])
    expect((await storage.unliftedBansOf([ana, ben])).map(({ bannedAddress }) => bannedAddress).sort()).toEqual([ana, ben])
  })

  test('more bans than one statement reads are read completely', async () => {
    await database.query(
      `INSERT INTO user_bans (banned_address, banned_by, reason)
       SELECT '0x' || lpad(to_hex(n), 40, '0'), 'mod', 'spam' FROM generate_series(1, 20000) n`,
    )
    await ban({ lifted_at: new Date(NOW) })
    const bans = await storage.unliftedBans()
    expect([bans.length, new Set(bans.map(({ bannedAddress }) => bannedAddress)).size]).toEqual([20_000, 20_000])
  })

  test('a ban has the address, the moderator, the reason and the time', async () => {
    await ban({ custom_message: 'see you', expires_at: new Date(NOW + 5), banned_device_id: 'phone', created_at: new Date(NOW) })
    expect(await activeBan({ address: ana }, NOW)).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      bannedAddress: ana,
      bannedBy: 'mod',
      reason: 'spam',
      customMessage: 'see you',
      bannedDeviceId: 'phone',
      bannedAt: NOW - 1_000,
      expiresAt: NOW + 5,
      liftedAt: null,
      liftedBy: null,
      createdAt: NOW,
    })
  })

  test('a ban applies to the device it names, and to no other', async () => {
    await ban({ banned_device_id: 'phone' })
    expect(await activeBan({ address: ben, deviceId: 'phone' }, NOW)).toMatchObject({ bannedAddress: ana })
    expect(await activeBan({ address: ben, deviceId: 'desk' }, NOW)).toBeUndefined()
    expect(await activeBan({ address: ben }, NOW)).toBeUndefined()
  })

  test('a ban ends at its expiry, or when it is lifted', async () => {
    await ban({ expires_at: new Date(NOW) })
    expect(await activeBan({ address: ana }, NOW - 1)).toBeDefined()
    expect(await activeBan({ address: ana }, NOW)).toBeUndefined()
    await ban({ banned_address: ben, lifted_at: new Date(NOW - 500), lifted_by: 'mod' })
    expect(await activeBan({ address: ben }, NOW)).toBeUndefined()
  })

  test('a connection keeps the values that a later one does not have', async () => {
    await storage.recordConnections([{ address: ana, ipAddress: '203.0.113.7', deviceId: 'phone' }], NOW)
    await storage.recordConnections(
      [
        { address: ana, ipAddress: undefined, deviceId: '' },
        { address: ben, ipAddress: undefined, deviceId: undefined },
      ],
      NOW + 1,
    )
    expect(await storage.connectionOf(ana)).toEqual({ address: ana, ipAddress: '203.0.113.7', deviceId: 'phone' })
    expect(await storage.connectionOf(ben)).toEqual({ address: ben, ipAddress: undefined, deviceId: undefined })
    await storage.recordConnections([{ address: ana, ipAddress: undefined, deviceId: 'desk' }], NOW + 2)
    expect(await storage.connectionOf(ana)).toMatchObject({ ipAddress: '203.0.113.7', deviceId: 'desk' })
    expect(
      await database.query('SELECT (updated_at - created_at)::int AS age FROM player_connection_info WHERE address = $1', [ana]),
    ).toEqual([{ age: 2 }])
  })

  test('text that a database cannot store is an error for records, and does not hide the ban of a wallet', async () => {
    await ban({})
    expect(await activeBan({ address: ana, deviceId: 'a\0b' }, NOW)).toMatchObject({ bannedAddress: ana })
    await expect(storage.recordConnections([{ address: ana, ipAddress: undefined, deviceId: 'a\0b' }], NOW)).rejects.toThrow()
  })

  test('a ban applies whatever the case and the spaces in which its address and its device are written', async () => {
    const [checksummed, otherCase] = ['0x52908400098527886E0F7030069857D2E4169EE7', '0X00000000000000000000000000000000000000BB']
    await ban({ banned_address: ` ${checksummed} `, banned_device_id: 'PHONE-1 ' })
    await ban({ banned_address: ben })
    await database.query('UPDATE user_bans SET banned_address = $1 WHERE banned_address = $2', [otherCase, ben])
    for (const subject of [
      { address: checksummed.toLowerCase() as PeerId },
      { address: ben },
      { address: ana, deviceId: 'phone-1' },
    ])
      expect(await activeBan(subject, NOW)).toBeDefined()
    expect(await database.query('SELECT banned_address FROM user_bans ORDER BY banned_address')).toEqual([
      { banned_address: ben },
      { banned_address: checksummed.toLowerCase() },
    ])
  })

  test('connections last seen before a time are deleted, a limited number at once', async () => {
    const at = (address: PeerId, seenMs: number) =>
      storage.recordConnections([{ address, ipAddress: '203.0.113.7', deviceId: 'phone' }], seenMs)
    await at(ana, NOW)
    await at(ben, NOW - 2)
    await at('0x00000000000000000000000000000000000000cc', NOW - 3)
    expect(await storage.forgetConnections(NOW, 1)).toBe(1)
    expect(await storage.forgetConnections(NOW, 5)).toBe(1)
    expect(await storage.forgetConnections(NOW, 5)).toBe(0)
    expect([await storage.connectionOf(ana), await storage.connectionOf(ben)]).toMatchObject([{ address: ana }, undefined])
  })

  test('queries beyond the limit are refused at once', async () => {
    const guarded = new GuardedDatabase(database, silentLog)
    const questions = await Promise.allSettled(Array.from({ length: 501 }, () => guarded.query('SELECT 1')))
    expect(questions.filter(({ status }) => status === 'rejected')).toEqual([
      { status: 'rejected', reason: expect.objectContaining({ code: 'UNAVAILABLE' }) },
    ])
  })

  test('a statement that is a bug is no outage, and a decision inside a transaction stays what it is', async () => {
    const guarded = new GuardedDatabase(database, silentLog)
    const codeOf = (failed: Promise<unknown>) => failed.catch((error: { code: string }) => error.code)
    expect(await codeOf(guarded.query('SELECT nothing FROM nowhere'))).toBe('42P01')
    expect(await codeOf(guarded.query('SELECT $1::text', ['\0']))).toBe('22021')
    expect(await codeOf(guarded.transaction((query) => query('SELECT 1 / 0')))).toBe('22012')
    const own = new TypeError('a bug of the work')
    await expect(guarded.transaction(() => Promise.reject(own))).rejects.toBe(own)
    expect(await guarded.transaction((query) => query('SELECT 1 AS one'))).toEqual([{ one: 1 }])
  })

  test('a transaction that fails changes nothing, and one that is done is seen by the next', async () => {
    const guarded = new GuardedDatabase(database, silentLog)
    const insert = (query: SqlQuery) =>
      query("INSERT INTO user_bans (banned_address, banned_by, reason) VALUES ($1, 'mod', 'spam')", [ana])
    await guarded
      .transaction(async (query) => {
        await insert(query)
        throw new Error('changed my mind')
      })
      .catch(() => {})
    expect(await storage.unliftedBans()).toEqual([])
    await guarded.transaction(insert)
    expect(await storage.unliftedBans()).toHaveLength(1)
  })
}
