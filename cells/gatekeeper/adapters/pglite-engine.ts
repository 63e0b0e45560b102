import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { parentPort } from 'node:worker_threads'
import { PGlite, type PGliteOptions } from '@electric-sql/pglite'
import { collectGarbage } from '../../chassis/collect-garbage.ts'
import { messageOf } from '../../chassis/errors.ts'
import { DurableFolder, durableStartParams } from './durable-files.ts'
import { EngineFiles } from './engine-files.ts'
import type { EngineOpening, EngineReply, EngineRequest } from './pglite.ts'

// Runs an embedded database on a worker thread: its computing must not block the requests of the process.

/**
 * What PostgreSQL sets up for many clients is written when it starts, so all of it would be memory of the process: here is one session, and
 * the tables are small. A page that is not in its cache is most often in that of the system. With huge pages it would round up to 2 MB.
 */
const SMALL = {
  shared_buffers: '4MB',
  max_connections: '1',
  max_wal_senders: '0',
  autovacuum_worker_slots: '1',
  huge_pages: 'off',
}
const startParams = [
  ...durableStartParams(PGlite.defaultStartParams),
  ...Object.entries(SMALL).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
]

/**
 * PostgreSQL is compiled once, function by function: to compile it again with optimizations, while it runs, takes more time than small
 * databases gain from it, and as much memory as all the rest.
 */
for (const flag of ['--liftoff-only', '--no-wasm-tier-up', '--no-wasm-dynamic-tiering']) setFlagsFromString(flag)

// The types of Node.js do not have it.
declare const WebAssembly: { compile(file: Uint8Array): Promise<NonNullable<PGliteOptions['pgliteWasmModule']>> }

// Compiled here and not by PGlite, which keeps the nine megabytes of the file.
const fileOf = (name: string) => new URL(name, import.meta.resolve('@electric-sql/pglite'))
const pgliteWasmModule = await WebAssembly.compile(readFileSync(fileOf('pglite.wasm')))
let engine: PGlite | undefined

// A prepared thread waits here for its database.
parentPort?.on('message', (message: EngineOpening | EngineRequest) => {
  if ('folder' in message) void open(message.folder)
  else run(message)
})

/** Says so when the database is open. What it throws ends the thread, and is the error that opening the database fails with. */
async function open(folder: string | undefined): Promise<void> {
  if (folder !== undefined && !existsSync(join(folder, 'PG_VERSION')))
    await (await import('./new-database.ts')).writeNewDatabase(folder)
  const files = new EngineFiles(fileOf('pglite.data'))
  const options = { startParams, pgliteWasmModule, fsBundle: files.bundle }
  engine =
    folder === undefined
      ? await PGlite.create('memory://', { ...options, loadDataDir: (await import('./new-database.ts')).newDatabase() })
      : await PGlite.create({ ...options, fs: new DurableFolder(folder) })
  files.release(engine)
  // A twentieth of the start, and a quarter of this thread's heap.
  collectGarbage()
  reply({ id: 0, rows: [] })
}

function run({ id, sql, parameters }: EngineRequest): void {
  const done = sql === undefined ? engine?.close() : engine?.query<object>(sql, [...parameters])
  Promise.resolve(done)
    .then((result) => reply({ id, rows: result?.rows ?? [] }))
    .catch((error: unknown) => reply({ id, error: messageOf(error), code: (error as { code?: string }).code }))
}

function reply(message: EngineReply): void {
  parentPort?.postMessage(message)
}
