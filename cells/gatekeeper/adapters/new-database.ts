import { createReadStream, readFileSync, renameSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { brotliDecompressSync, createBrotliDecompress } from 'node:zlib'
import tar from 'tar-fs'
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
  const map = <Header extends { name: string }>(header: Header): Header =>
    header.name.replace(/^\//, '') === VERSION_FILE ? { ...header, name: unfinished } : header
  // The folder itself stays as it is: as a volume it belongs to another user, and only its group may write.
  const ignore = (path: string) => resolve(path) === resolve(folder)
  const options = { map, ignore, chown: false, utimes: false }
  await pipeline(createReadStream(newDatabaseFile), createBrotliDecompress(), tar.extract(folder, options))
  syncTree(folder)
  renameSync(join(folder, unfinished), join(folder, VERSION_FILE))
  syncFolder(folder)
}
