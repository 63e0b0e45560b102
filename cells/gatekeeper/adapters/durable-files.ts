import { closeSync, fsyncSync, openSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { PGlite } from '@electric-sql/pglite'

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

/** Gives the engine's file system the fsync it lacks. To be called before the first statement. */
export function syncToDisk(engine: PGlite): void {
  const { NODEFS } = engine.Module as unknown as { NODEFS: NodeFileSystem }
  NODEFS.stream_ops.fsync = ({ nfd, node }) => {
    if (nfd !== undefined) fsyncSync(nfd)
    else syncPath(NODEFS.realPath(node))
    return 0
  }
}

/** Syncs every file and folder below a folder: the files of a new database are written before the engine can sync any. */
export function syncTree(folder: string): void {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile() || entry.isDirectory()) syncPath(join(entry.parentPath, entry.name))
  }
  syncPath(folder)
}

function syncPath(path: string): void {
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}
