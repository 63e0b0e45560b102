import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { withPart } from '../../../testing/parts/with-part.ts'
import { type PostgresServer, startPostgres } from '../../../testing/postgres-server.ts'
import { ManualClock, systemClock } from '../../chassis/clock.ts'
import { silentLog } from '../../chassis/log.ts'
import { openStorage } from '../adapters/open-storage.ts'
import { openPostgres } from '../adapters/postgres.ts'
import { main } from './main.ts'
import { knownVersion, migrate, migrations, schemaVersion } from './migrate.ts'

vi.setConfig({ testTimeout: 60_000 })

withPart('postgres', 'a Job that migrates', (part) => {
  let server: PostgresServer
  beforeAll(async () => {
    server = await startPostgres(part)
  })
  afterAll(() => server.stop())

  /** The environment of the Job: the URL as a mounted file. */
  async function environmentOf(url: string) {
    const folder = await mkdtemp(join(tmpdir(), 'migrate-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    await writeFile(join(folder, 'url'), url)
    return { LOG_LEVEL: 'silent', DATABASE_URL_FILE: join(folder, 'url') }
  }
  const open = (url: string) => openPostgres({ url, clock: systemClock, log: silentLog, patienceMs: 0 })
  const versionOf = async (url: string) => {
    const database = await open(url)
    try {
      return await schemaVersion(database)
    } finally {
      await database.stop()
    }
  }

  test('brings an empty database up to date and ends; a second run changes nothing', async () => {
    const url = await server.database()
    expect(await versionOf(url)).toBe(0)
    const env = await environmentOf(url)
    expect(await main(env)).toBeUndefined()
    expect(await versionOf(url)).toBe(knownVersion())
    await main(env)
    expect(await versionOf(url)).toBe(knownVersion())
  })

  test('leaves a newer schema unchanged, so that a downgrade is possible', async () => {
    const url = await server.database()
    const database = await open(url)
    const future = { version: knownVersion() + 1, name: 'the future', statements: [] }
    await migrate(database, silentLog, [...migrations, future])
    await database.stop()
    await main(await environmentOf(url))
    expect(await versionOf(url)).toBe(knownVersion() + 1)
    const storage = await openStorage({ DATABASE_URL: url, DATABASE_MIGRATIONS: 'Wait' }, { clock: systemClock, log: silentLog })
    await storage.stop()
  })

  test('is waited for by gatekeepers, which do not migrate themselves', async () => {
    const url = await server.database()
    const clock = new ManualClock()
    let opened = false
    const waiting = openStorage({ DATABASE_URL: url, DATABASE_MIGRATIONS: 'Wait' }, { clock, log: silentLog })
    void waiting.then(() => {
      opened = true
    })
    for (let second = 0; second < 5; second++) {
      clock.advance(1_000)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    expect([opened, await versionOf(url)]).toEqual([false, 0])
    await main(await environmentOf(url))
    await vi.waitFor(() => {
      clock.advance(1_000)
      expect(opened).toBe(true)
    })
    await (await waiting).stop()
  })

  test('fails when there is no database, so that the Job retries', async () => {
    const url = (await server.database()).replace(/realm_\d+$/, 'nowhere')
    await expect(main(await environmentOf(url))).rejects.toThrow(/cannot be used/)
  })
})
