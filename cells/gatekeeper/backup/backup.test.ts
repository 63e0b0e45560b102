import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import tar from 'tar-fs'
import { expect, onTestFinished, test, vi } from 'vitest'
import { systemClock } from '../../chassis/clock.ts'
import { silentLog } from '../../chassis/log.ts'
import type { PeerId } from '../../wire/peer.ts'
import { writeNewDatabase } from '../adapters/new-database.ts'
import { openStorage } from '../adapters/open-storage.ts'
import { backUp, restore } from './backup.ts'

vi.setConfig({ testTimeout: 180_000 }) // opening a database takes seconds, on a busy machine many

const ana = '0x00000000000000000000000000000000000000aa'
const ben = '0x00000000000000000000000000000000000000bb'

/** The folder of a database as on a volume, which does not exist yet. */
async function aVolume(): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'gatekeeper-backup-'))
  onTestFinished(() => rm(root, { recursive: true, force: true }))
  return join(root, 'database')
}
const open = (folder: string) => openStorage({ DATABASE_FOLDER: folder }, { clock: systemClock, log: silentLog })

/** Has a gatekeeper see a player, and stops it. */
async function seen(folder: string, address: PeerId): Promise<void> {
  const storage = await open(folder)
  await storage.recordConnections([{ address, ipAddress: undefined, deviceId: 'phone' }], 1)
  await storage.stop()
}

async function knows(folder: string, address: PeerId): Promise<boolean> {
  const storage = await open(folder)
  const connection = await storage.connectionOf(address)
  await storage.stop()
  return connection !== undefined
}

async function backupOf(folder: string): Promise<Buffer> {
  const to = new PassThrough()
  const [bytes, { files }] = await Promise.all([buffer(to), backUp(folder, to)])
  expect(files).toBeGreaterThan(100)
  return bytes
}

test('a backup is restored into an empty volume, and in the place of a database, which is kept', async () => {
  const folder = await aVolume()
  await seen(folder, ana)
  const bytes = await backupOf(folder)

  const empty = await aVolume()
  // As at the root of a volume with a file system of its own.
  await mkdir(join(empty, 'lost+found'), { recursive: true })
  expect(await restore(empty, Readable.from([bytes]))).not.toHaveProperty('former')
  expect([await knows(empty, ana), existsSync(join(empty, '.before-restore'))]).toEqual([true, false])

  await seen(folder, ben)
  const { former = '' } = await restore(folder, Readable.from([bytes]))
  expect([await knows(folder, ana), await knows(folder, ben)]).toEqual([true, false])
  expect([former, await knows(former, ben)]).toEqual([join(folder, '.before-restore'), true])
})

test('a database that a gatekeeper uses is neither backed up nor replaced', async () => {
  const folder = await aVolume()
  const storage = await open(folder)
  const message = `a gatekeeper uses the database in ${folder}: set gatekeeper.replicas of the Realm to 0, and wait for its pod to end`
  await expect(backUp(folder, new PassThrough())).rejects.toThrow(message)
  await expect(restore(folder, Readable.from([]))).rejects.toThrow(message)
  await storage.stop()
})

test('a folder without a database is not backed up', async () => {
  const folder = await aVolume()
  await expect(backUp(folder, new PassThrough())).rejects.toThrow(
    `there is no database in ${folder}: is the right volume mounted?`,
  )
})

test('what is no whole backup changes nothing', async () => {
  const folder = await aVolume()
  await writeNewDatabase(folder)
  const bytes = await backupOf(folder)
  const other = await aVolume()
  await mkdir(other)
  await writeFile(join(other, 'PG_VERSION'), '18\n')
  for (const [wrong, message] of [
    [Buffer.alloc(0), /the backup holds no database of a gatekeeper: nothing was changed/],
    [bytes.subarray(0, bytes.length / 2), /the backup (cannot be read|holds no database)/],
    // Without its last file: 512 bytes of a header, 512 of a version, 1024 of an end.
    [bytes.subarray(0, bytes.length - 2_048), /the backup holds no database/],
    [Buffer.from('no tar at all, but a sentence. '.repeat(50)), /the backup cannot be read \(.*\): nothing was changed/],
    [await buffer(tar.pack(other)), /the backup holds no database of a gatekeeper/],
  ] as const) {
    await expect(restore(folder, Readable.from([wrong]))).rejects.toThrow(message)
    expect([existsSync(join(folder, 'PG_VERSION')), existsSync(join(folder, '.restoring'))]).toEqual([true, false])
  }
})

test('a link in a backup is left out', async () => {
  const folder = await aVolume()
  await writeNewDatabase(folder)
  await symlink('/etc', join(folder, 'pg_wal', 'elsewhere'))
  const bytes = await backupOf(folder)
  const empty = await aVolume()
  await restore(empty, Readable.from([bytes]))
  expect([existsSync(join(empty, 'pg_wal')), existsSync(join(empty, 'pg_wal/elsewhere'))]).toEqual([true, false])
})
