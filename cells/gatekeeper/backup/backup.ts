import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import tar, { type Headers } from 'tar-fs'
import { messageOf, UserError } from '../../chassis/errors.ts'
import { syncFolder, syncTree } from '../adapters/durable-files.ts'
import { type FolderLock, lockFolder } from '../adapters/folder-lock.ts'
import { VERSION_FILE } from '../adapters/new-database.ts'

/** What was copied. */
export interface Copied {
  files: number
  bytes: number
}

/**
 * Writes the files of an embedded database as a tar. The folder is locked meanwhile: files that a gatekeeper changes while they are copied
 * do not fit each other.
 *
 * @throws UserError when the folder holds no database, or a gatekeeper uses it
 */
export async function backUp(folder: string, to: Writable): Promise<Copied> {
  if (!holdsDatabase(folder)) throw new UserError(`there is no database in ${folder}: is the right volume mounted?`)
  const lock = locked(folder)
  try {
    const copied = { files: 0, bytes: 0 }
    const entries = (await databaseEntries(folder)).filter((entry) => entry !== VERSION_FILE)
    const map = counting(copied)
    const pack = tar.pack(folder, {
      ...{ entries, map, finalize: false },
      // The last file is the one without which nothing is restored: a tar that is cut short lacks it.
      finish: (unfinished) => tar.pack(folder, { entries: [VERSION_FILE], map, pack: unfinished }),
    })
    await pipeline(pack, to)
    return copied
  } finally {
    lock.release()
  }
}

/**
 * Puts a database from a tar of `backUp` in the place of the one in a folder, which is kept in `.before-restore` there. The tar is unpacked
 * beside it first, so that one that is cut short or something else changes nothing. All of it is within the folder, which may be the
 * root of a volume and can then not be renamed.
 *
 * @returns also where the former database is, if there was one
 * @throws UserError when the tar holds no whole database, or a gatekeeper uses the folder
 */
export async function restore(folder: string, from: Readable): Promise<Copied & { former?: string }> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const lock = locked(folder)
  const [unpacked, former] = [join(folder, '.restoring'), join(folder, '.before-restore')]
  try {
    const copied = await unpack(unpacked, from)
    const replaces = holdsDatabase(folder)
    if (replaces) await rm(former, { recursive: true, force: true })
    await move(folder, former)
    await move(unpacked, folder)
    return { ...copied, ...(replaces && { former }) }
  } finally {
    await rm(unpacked, { recursive: true, force: true })
    lock.release()
  }
}

/** Moves a database. What says that a folder holds one is the last there: an interrupted call leaves no half of one that looks whole. */
async function move(from: string, to: string): Promise<void> {
  const entries = await databaseEntries(from)
  if (entries.length === 0) return
  await mkdir(to, { recursive: true, mode: 0o700 })
  const ordered = [...entries.filter((entry) => entry !== VERSION_FILE), ...entries.filter((entry) => entry === VERSION_FILE)]
  for (const entry of ordered) await rename(join(from, entry), join(to, entry))
  syncFolder(from)
  syncFolder(to)
}

/** Without the lock, what a restore keeps or unpacks, and the folder of a file system for what it finds again, which only root reads. */
const databaseEntries = async (folder: string): Promise<string[]> =>
  (await readdir(folder)).filter((entry) => !entry.startsWith('.') && entry !== 'lost+found')

async function unpack(folder: string, from: Readable): Promise<Copied> {
  await rm(folder, { recursive: true, force: true })
  const copied = { files: 0, bytes: 0 }
  const ignore = (_: string, header?: Headers) => header?.type !== 'file' && header?.type !== 'directory'
  const options = { ignore, map: counting(copied), chown: false, utimes: false }
  try {
    await pipeline(from, tar.extract(folder, options))
  } catch (error) {
    throw new UserError(`the backup cannot be read (${messageOf(error)}): nothing was changed`, 1, { cause: error })
  }
  if (!holdsDatabase(folder) || !existsSync(join(folder, CONTROL_FILE)))
    throw new UserError('the backup holds no database of a gatekeeper: nothing was changed')
  syncTree(folder)
  return copied
}

/** Without it PostgreSQL opens no database. */
const CONTROL_FILE = 'global/pg_control'

const holdsDatabase = (folder: string): boolean => existsSync(join(folder, VERSION_FILE))

function locked(folder: string): FolderLock {
  const lock = lockFolder(folder)
  if (lock) return lock
  throw new UserError(
    `a gatekeeper uses the database in ${folder}: set gatekeeper.replicas of the Realm to 0, and wait for its pod to end`,
  )
}

const counting =
  (copied: Copied) =>
  (header: Headers): Headers => {
    if (header.type === 'file') copied.files++
    copied.bytes += header.size ?? 0
    return header
  }
