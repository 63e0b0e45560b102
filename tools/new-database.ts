import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { constants, createBrotliCompress } from 'node:zlib'
import { PGlite } from '@electric-sql/pglite'
import tar from 'tar-fs'
import { newDatabaseFile } from '../cells/gatekeeper/adapters/new-database.ts'

// node tools/new-database.ts: makes the new database that gatekeepers with an embedded one start from, for another version of PGlite. Put
// that version into the name of the file first, in cells/gatekeeper/adapters/new-database.ts.

/** Of the write-ahead log a database has at least a whole file, and a new one nothing in it. The smallest that PostgreSQL knows, not 16 MB. */
const initDbStartParams = ['--wal-segsize=1']

/** The databases from which PostgreSQL would make others, each as large as the one that is used. */
const TEMPLATES = ['template0', 'template1']

const folder = await mkdtemp(join(tmpdir(), 'new-database-'))
try {
  const engine = await PGlite.create(folder, { initDbStartParams })
  for (const template of TEMPLATES) {
    await engine.query(`ALTER DATABASE ${template} IS_TEMPLATE false`)
    await engine.query(`DROP DATABASE ${template}`)
  }
  // The log up to here is not needed any more; its files would be used again, and those that wait for that are left out.
  await engine.query('SELECT pg_switch_wal()')
  await engine.query('CHECKPOINT')
  const { rows } = await engine.query<{ log: string }>('SELECT pg_walfile_name(pg_current_wal_insert_lsn()) AS log')
  const lastLog = rows[0]?.log ?? ''
  await engine.close()
  const ignore = (path: string) => basename(path) > lastLog && /\/pg_wal\/[0-9A-F]{24}$/.test(path)
  // PGlite puts the names behind that of its folder as they are.
  const map = <Header extends { name: string }>(header: Header) => ({ ...header, name: `/${header.name}`, uid: 0, gid: 0 })
  const params = { [constants.BROTLI_PARAM_QUALITY]: 9, [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS }
  await pipeline(tar.pack(folder, { ignore, map }), createBrotliCompress({ params }), createWriteStream(newDatabaseFile))
} finally {
  await rm(folder, { recursive: true, force: true })
}
process.exit(0)
