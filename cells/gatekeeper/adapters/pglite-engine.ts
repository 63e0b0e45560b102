import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import { PGlite } from '@electric-sql/pglite'
import { messageOf } from '../../chassis/errors.ts'
import { durableStartParams, syncToDisk, syncTree } from './durable-files.ts'
import type { EngineAnswer, EngineQuestion } from './pglite.ts'

// The thread of an embedded database: creating one takes seconds of pure computing, in which nobody else may be kept waiting.

/** Our tables are small: a cache as large as a server's would more than double the memory of the process. */
const startParams = [...durableStartParams(PGlite.defaultStartParams), '-c', 'shared_buffers=8MB']

const { folder } = workerData as { folder: string | undefined }
const isNew = folder !== undefined && !existsSync(join(folder, 'PG_VERSION'))
const engine = await PGlite.create(folder ?? 'memory://', { startParams })
if (folder !== undefined) {
  syncToDisk(engine)
  if (isNew) syncTree(folder)
}

parentPort?.on('message', ({ id, sql, parameters }: EngineQuestion) => {
  const done = sql === undefined ? engine.close() : engine.query<object>(sql, [...parameters])
  done
    .then((result) => answer({ id, rows: result?.rows ?? [] }))
    .catch((error: unknown) => answer({ id, error: messageOf(error), code: (error as { code?: string }).code }))
})
answer({ id: 0, rows: [] })

function answer(given: EngineAnswer): void {
  parentPort?.postMessage(given)
}
