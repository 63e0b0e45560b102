import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { parentPort, workerData } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'
import { messageOf } from '../../chassis/errors.ts'
import { durableStartParams, syncToDisk, syncTree } from './durable-files.ts'
import type { EngineReply, EngineRequest } from './pglite.ts'

// Runs an embedded database on a worker thread: its computing must not block the requests of the process.

/** The tables are small, and the default cache of a server would more than double the memory of the process. */
const startParams = [...durableStartParams(PGlite.defaultStartParams), '-c', 'shared_buffers=8MB']

/**
 * PostgreSQL is compiled once, function by function: to compile it again with optimizations, while it runs, takes more time than small
 * databases gain from it, and as much memory as all the rest.
 */
for (const flag of ['--liftoff-only', '--no-wasm-tier-up', '--no-wasm-dynamic-tiering']) setFlagsFromString(flag)

const { folder } = workerData as { folder: string | undefined }
const isNew = folder !== undefined && !existsSync(join(folder, 'PG_VERSION'))
if (isNew) await (await import('./new-database.ts')).writeNewDatabase(folder)
const engine =
  folder === undefined
    ? await PGlite.create('memory://', { startParams, loadDataDir: (await import('./new-database.ts')).newDatabase() })
    : await PGlite.create(folder, { startParams })
if (folder !== undefined) {
  syncToDisk(engine)
  if (isNew) syncTree(folder)
}

parentPort?.on('message', ({ id, sql, parameters }: EngineRequest) => {
  const done = sql === undefined ? engine.close() : engine.query<object>(sql, [...parameters])
  done
    .then((result) => reply({ id, rows: result?.rows ?? [] }))
    .catch((error: unknown) => reply({ id, error: messageOf(error), code: (error as { code?: string }).code }))
})
reply({ id: 0, rows: [] })

function reply(message: EngineReply): void {
  parentPort?.postMessage(message)
}
