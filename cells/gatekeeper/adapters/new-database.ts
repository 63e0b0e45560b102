import { createReadStream, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { pipeline } from 'node:stream/promises'
import { brotliDecompressSync, createBrotliDecompress } from 'node:zlib'
import { extract } from 'tar-stream'
import { syncFolder, syncTree } from './durable-files.ts'

/**
 * The files of a database without content, as PGlite of this version makes them and closes them. To make them takes a gigabyte of memory
 * and seconds of computing, so it was done once: `node tools/new-database.ts`.
 */
export const newDatabaseFile = new URL('./new-database-0.5.16.tar.br', import.meta.url)

/** What says that a folder holds a database, and of which version of PostgreSQL. */
export const VERSION_FILE = 'PG_VERSION'

/** A new database for one in memory. */
export const newDatabase = (): Blob => new Blob([brotliDecompressSync(readFileSync(newDatabaseFile))])

/**
 * Writes a new database into a folder. It holds none before all of it is on disk: what an interrupted call left is written again by the
 * next.
 */
export async function writeNewDatabase(folder: string): Promise<void> {
  const unfinished = `${VERSION_FILE}.new`
  const archive = extract()
  const read = pipeline(createReadStream(newDatabaseFile), createBrotliDecompress(), archive)
  read.catch(() => {}) // The loop fails with what it failed with, or has ended it.
  for await (const entry of archive) {
    const { name, type, mode } = entry.header
    const path = join(folder, name === `/${VERSION_FILE}` ? unfinished : name)
    // The folder itself stays as it is: as a volume it belongs to another user, and only its group may write.
    if (type === 'directory') mkdirSync(path, { recursive: true, mode })
    // At once: its thread has nothing else to do, and a thousand small files take a third of the time of those that are written in pieces.
    else writeFileSync(path, await buffer(entry), { mode })
    entry.resume()
  }
  await read
  syncTree(folder)
  renameSync(join(folder, unfinished), join(folder, VERSION_FILE))
  syncFolder(folder)
}
