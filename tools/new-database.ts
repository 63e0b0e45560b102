import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { constants, createBrotliCompress } from 'node:zlib'
import { PGlite } from '@electric-sql/pglite'
import tar from 'tar-fs'
import { newDatabaseFile } from '../cells/gatekeeper/adapters/new-database.ts'

// node tools/new-database.ts: makes the new database that gatekeepers with an embedded one start from, for another version of PGlite. Put
// that version into the name of the file first, in cells/gatekeeper/adapters/new-database.ts.

const folder = await mkdtemp(join(tmpdir(), 'new-database-'))
try {
  const engine = await PGlite.create(folder)
  await engine.close()
  // PGlite puts the names behind that of its folder as they are.
  const map = <Header extends { name: string }>(header: Header) => ({ ...header, name: `/${header.name}`, uid: 0, gid: 0 })
  const params = { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS }
  await pipeline(tar.pack(folder, { map }), createBrotliCompress({ params }), createWriteStream(newDatabaseFile))
} finally {
  await rm(folder, { recursive: true, force: true })
}
process.exit(0)
