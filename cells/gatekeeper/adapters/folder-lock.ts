import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { messageOf, UserError } from '../../chassis/errors.ts'

/** An exclusive lock on a folder, held until it is released or the process ends, for whatever reason. */
export interface FolderLock {
  release(): void
}

const LOCK_FILE = '.lock'
/** SQLite's result codes, https://www.sqlite.org/rescode.html; the low byte is the primary one. */
const BUSY = 5

/**
 * Locks a folder; returns undefined when another process, or this one, holds the lock.
 *
 * The lock is SQLite's exclusive lock on an empty file: a record lock of the operating system. The kernel releases it when the
 * process ends, so that a kill leaves nothing behind that a later start would have to examine, and a network file system (NFS,
 * SMB) enforces it between nodes, where a socket or a file with a process number would not.
 *
 * @throws UserError on a file system without such locks
 */
export function lockFolder(folder: string): FolderLock | undefined {
  let database: DatabaseSync | undefined
  try {
    database = new DatabaseSync(join(folder, LOCK_FILE))
    database.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    database?.close()
    if (isBusy(error)) return undefined
    throw new UserError(
      `the database folder ${folder} cannot be locked (${messageOf(error)}): use a volume whose file system has POSIX record locks, ` +
        'such as ext4, xfs or NFS 4',
      1,
      { cause: error },
    )
  }
  const held = database
  return { release: () => held.close() }
}

const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'errcode' in error && typeof error.errcode === 'number' && (error.errcode & 0xff) === BUSY
