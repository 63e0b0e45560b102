import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { systemClock } from '../../chassis/clock.ts'
import { silentLog } from '../../chassis/log.ts'
import { newDatabaseFile, writeNewDatabase } from './new-database.ts'
import { openStorage } from './open-storage.ts'
import { openPglite, prepareEngine } from './pglite.ts'

vi.setConfig({ testTimeout: 60_000 }) // making a database takes seconds, on a busy machine many

async function aFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'gatekeeper-pglite-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  return folder
}
const open = (folder: string) => openStorage({ DATABASE_FOLDER: folder }, { clock: systemClock, log: silentLog })
const ana = '0x00000000000000000000000000000000000000aa'

test('data in a folder is kept over a restart, and the folder is unlocked in between', async () => {
  const folder = join(await aFolder(), 'made/on/the/way')
  const first = await open(folder)
  await first.recordConnections([{ address: ana, ipAddress: undefined, deviceId: 'phone' }], 1)
  await first.stop()
  const second = await open(folder)
  expect(await second.connectionOf(ana)).toMatchObject({ deviceId: 'phone' })
  await second.stop()
})

test('a prepared engine ends unless a database takes it', async () => {
  const endFirst = prepareEngine()
  endFirst()
  const endSecond = prepareEngine()
  const database = await openPglite()
  endFirst()
  endSecond()
  expect(await database.query('SELECT 1 AS one')).toEqual([{ one: 1 }])
  await database.stop()
})

test('the engine sets up memory for one session and small tables, all of which it writes when it starts', async () => {
  const database = await openPglite()
  const [shared] = await database.query<{ bytes: number }>('SELECT sum(allocated_size)::int AS bytes FROM pg_shmem_allocations')
  expect(shared?.bytes).toBeLessThan(7_000_000)
  await database.stop()
})

test('a second gatekeeper on the same folder is refused, and the first keeps running', async () => {
  const folder = await aFolder()
  const first = await open(folder)
  await expect(open(folder)).rejects.toThrow(
    `the database folder ${folder} is in use by another process: stop it, or choose another folder`,
  )
  await first.ping()
  await first.stop()
})

test('a new database of which only a part was written is written again', async () => {
  const folder = await aFolder()
  await writeNewDatabase(folder)
  await rename(join(folder, 'PG_VERSION'), join(folder, 'PG_VERSION.new'))
  await rm(join(folder, 'global'), { recursive: true })
  const storage = await open(folder)
  await storage.ping()
  await storage.stop()
})

test('a new database that cannot be written says which file, and its folder holds none', async () => {
  const folder = await aFolder()
  await writeFile(join(folder, 'base'), '')
  await expect(writeNewDatabase(folder)).rejects.toThrow(new RegExp(`(EEXIST|ENOTDIR).*${folder}/base`))
  await expect(readFile(join(folder, 'PG_VERSION'))).rejects.toThrow('ENOENT')
})

test('the new database is one of the installed PGlite', async () => {
  const { dependencies } = JSON.parse(await readFile(new URL('../../../package.json', import.meta.url), 'utf8'))
  expect(newDatabaseFile.pathname, 'see tools/new-database.ts').toContain(`-${dependencies['@electric-sql/pglite']}.tar.br`)
})

test('the new database is one without the templates of others, with a short log, and PostgreSQL keeps it up as ever', async () => {
  const database = await openPglite(await aFolder())
  expect(await database.query('SELECT datname AS name FROM pg_database')).toEqual([{ name: 'postgres' }])
  expect(await database.query('SHOW wal_segment_size')).toEqual([{ wal_segment_size: '1MB' }])
  await database.query('VACUUM (FREEZE)')
  await database.query('REINDEX DATABASE')
  await database.query('CHECKPOINT')
  await database.stop()
})

test('a folder that cannot be written is refused with its path and what to do', async () => {
  const file = join(await aFolder(), 'file')
  await writeFile(file, '')
  await expect(openPglite(join(file, 'below'))).rejects.toThrow(
    new RegExp(
      `the database folder ${file}/below cannot be written \\(.*\\): make it writable, or choose another with DATABASE_FOLDER`,
    ),
  )
})

test('a folder with a database of another kind is refused, and unlocked', async () => {
  const folder = await aFolder()
  await mkdir(join(folder, 'base'))
  await writeFile(join(folder, 'PG_VERSION'), '9.1\n')
  const message = /cannot be opened \(.*\): choose an empty folder/
  await expect(openPglite(folder)).rejects.toThrow(message)
  await expect(openPglite(folder)).rejects.toThrow(message)
})
