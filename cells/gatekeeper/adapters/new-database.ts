import { closeSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'
import { extract } from 'tar-stream'
import { syncFolder, syncTree } from './durable-files.ts'

/**
 * The files of a database without content, as PGlite of this version makes them and closes them. To make them takes a gigabyte of memory
 * and seconds of computing, so it was done once: `node tools/new-database.ts`.
 */
export const newDatabaseFile = new URL('./new-database-0.5.16.tar.br', import.meta.url)

/** What says that a folder holds a database, and of which version of PostgreSQL. */
export const VERSION_FILE = 'PG_VERSION'

/** More than the tar has, so that it is unpacked into one piece of memory, which is given back whole. */
const ENOUGH_BYTES = 16 * 1024 * 1024

const unpacked = (): Buffer => brotliDecompressSync(readFileSync(newDatabaseFile), { chunkSize: ENOUGH_BYTES })

/** A new database for one in memory. */
export const newDatabase = (): Blob => new Blob([unpacked()])

/**
 * Writes a new database into a folder. It holds none before all of it is on disk: what an interrupted call left is written again by the
 * next.
 */
export async function writeNewDatabase(folder: string): Promise<void> {
  const unfinished = `${VERSION_FILE}.new`
  const archive = extract()
  archive.end(unpacked())
  for await (const entry of archive) {
    const { name, type, mode } = entry.header
    const path = join(folder, name === `/${VERSION_FILE}` ? unfinished : name)
    // The folder itself stays as it is: as a volume it belongs to another user, and only its group may write.
    if (type === 'directory') mkdirSync(path, { recursive: true, mode })
    else await writeEntry(path, entry, mode)
    entry.resume()
  }
  syncTree(folder)
  renameSync(join(folder, unfinished), join(folder, VERSION_FILE))
  syncFolder(folder)
}

/** Synchronously: the thread has nothing else to do, and written through streams, hundreds of small files take three times as long. */
async function writeEntry(path: string, entry: AsyncIterable<unknown>, mode: number | undefined): Promise<void> {
  const file = openSync(path, 'w', mode)
  try {
    for await (const piece of entry) writeFileSync(file, piece as Uint8Array)
  } finally {
    closeSync(file)
  }
}
