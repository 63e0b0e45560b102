import { closeSync, fsyncSync, openSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { NodeFS } from '@electric-sql/pglite/nodefs'

/** The part of an open file that Emscripten's NODEFS keeps: its descriptor, and its node for a directory, which has none. */
interface NodeStream {
  nfd?: number
  node: unknown
}

/** Emscripten's file system over real files, as far as it is completed here. */
interface NodeFileSystem {
  realPath(node: unknown): string
  stream_ops: { fsync?: (stream: NodeStream) => number }
}

/**
 * PostgreSQL settings by which a commit is acknowledged only once it is on disk. PGlite starts with fsync off. Of the ways to
 * sync, only `fsync` reaches the file system here: Emscripten answers fdatasync without doing anything.
 */
export const durableStartParams = (defaults: readonly string[]): string[] => [
  ...defaults.filter((param) => param !== '-F'),
  '-c',
  'wal_sync_method=fsync',
]

/**
 * The folder of a database, with the fsync that PGlite's lacks: from the first moment on, because PostgreSQL repairs the files after a crash
 * while it starts, and then forgets the log of what it repaired.
 */
export class DurableFolder extends NodeFS {
  override async init(...[engine, given]: Parameters<NodeFS['init']>): ReturnType<NodeFS['init']> {
    const { emscriptenOpts } = await super.init(engine, given)
    return { emscriptenOpts: { ...emscriptenOpts, preRun: [...(emscriptenOpts.preRun ?? []), addFsync] } }
  }
}

function addFsync(engine: object): void {
  const { NODEFS } = engine as { NODEFS: NodeFileSystem }
  NODEFS.stream_ops.fsync = ({ nfd, node }) => {
    if (nfd !== undefined) fsyncSync(nfd)
    else syncFolder(NODEFS.realPath(node))
    return 0
  }
}

/** Syncs every file and folder below a folder: the files of a new database are written before the engine can sync any. */
export function syncTree(folder: string): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isFile()) syncPath(path, 'r+')
    else if (entry.isDirectory()) syncFolder(path)
  }
  syncFolder(folder)
}

/** What systems answer that do not sync folders, such as Windows, SMB and some FUSE file systems. They keep names in their own ways. */
const NO_FOLDER_SYNC = ['EACCES', 'EBADF', 'EINVAL', 'EISDIR', 'ENOSYS', 'ENOTSUP', 'EPERM']

/** Syncs the names in a folder, where the file system can, as PostgreSQL itself does. */
export function syncFolder(path: string): void {
  try {
    syncPath(path, 'r')
  } catch (error) {
    if (!NO_FOLDER_SYNC.includes((error as NodeJS.ErrnoException).code ?? '')) throw error
  }
}

/** @param flags for files `r+`: Windows syncs only what is open for writing */
function syncPath(path: string, flags: 'r' | 'r+'): void {
  const descriptor = openSync(path, flags)
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
