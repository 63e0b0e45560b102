import { access, constants, mkdir } from 'node:fs/promises'
import { Worker } from 'node:worker_threads'
import { messageOf, UserError } from '../../chassis/errors.ts'
import { siblingModule } from '../../chassis/sibling-module.ts'
import type { Database, SqlQuery } from './database.ts'
import { type FolderLock, lockFolder } from './folder-lock.ts'

/** The first message to the engine's thread: where the database is; `folder` undefined = in memory. */
export interface EngineOpening {
  folder: string | undefined
}

/** A statement for the engine's thread; `sql` undefined = close the database. */
export interface EngineRequest {
  id: number
  sql: string | undefined
  parameters: readonly unknown[]
}

/** The result of a statement; `code` is PostgreSQL's SQLSTATE. The reply with id 0 says that the database is open. */
export type EngineReply = { id: number; rows: object[] } | { id: number; error: string; code: string | undefined }

/**
 * Opens a PostgreSQL inside this process, on a thread of its own, stored in a folder, or in memory without one. The engine does
 * not notice a second process on its files and would corrupt them, so the folder is locked first.
 *
 * @throws UserError when the folder cannot be written, is in use by another process or holds something else
 */
export async function openPglite(folder?: string): Promise<Database> {
  if (folder === undefined) return new PgliteDatabase(await PgliteEngine.start(undefined))
  await makeWritable(folder)
  const lock = lockFolder(folder)
  if (!lock) throw new UserError(`the database folder ${folder} is in use by another process: stop it, or choose another folder`)
  try {
    return new PgliteDatabase(await PgliteEngine.start(folder), lock)
  } catch (error) {
    lock.release()
    throw new UserError(
      `the database in ${folder} cannot be opened (${messageOf(error)}): choose an empty folder on a volume with a local file system, or restore this one from a backup`,
      1,
      { cause: error },
    )
  }
}

/** A thread with the program of the engine and without a database yet. */
let prepared: Worker | undefined

/**
 * Loads the program of the engine on its thread, for the next database that is opened: while the modules of the process are loaded, another
 * core does that. The returned function ends the thread if no database has taken it.
 */
export function prepareEngine(): () => void {
  const thread = startThread()
  prepared = thread
  // An invalid manifest, for example, must not be waited for. A thread that fails is replaced by one that tells the database why.
  thread.unref()
  const forget = () => {
    if (prepared === thread) prepared = undefined
  }
  thread.once('error', forget)
  return () => {
    if (prepared !== thread) return
    forget()
    void thread.terminate()
  }
}

function takeThread(): Worker {
  const thread = prepared ?? startThread()
  prepared = undefined
  thread.ref()
  return thread
}

/** The engine's own memory is not V8's, and what it makes for a statement is garbage at once. The limit of the process would be taken by each thread. */
const YOUNG_GENERATION = { maxYoungGenerationSizeMb: 4 }

const startThread = (): Worker =>
  new Worker(siblingModule(import.meta.url, 'pglite-engine'), { resourceLimits: YOUNG_GENERATION })

async function makeWritable(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new UserError(
      `the database folder ${folder} cannot be written (${messageOf(error)}): make it writable, or choose another with DATABASE_FOLDER`,
      1,
      { cause: error },
    )
  }
}

interface PendingReply {
  resolve: (rows: object[]) => void
  reject: (error: Error) => void
}

/** The engine on its thread. It has a single session, so the caller must not mix statements of a transaction with others. */
class PgliteEngine {
  readonly #thread: Worker
  readonly #pending = new Map<number, PendingReply>()
  #lastId = 0
  #failure: Error | undefined

  /** @throws the error of the engine when it cannot open its folder */
  static async start(folder: string | undefined): Promise<PgliteEngine> {
    const engine = new PgliteEngine(folder)
    await engine.#reply(0)
    return engine
  }

  private constructor(folder: string | undefined) {
    this.#thread = takeThread()
    this.#thread.on('message', (reply: EngineReply) => this.#settle(reply))
    this.#thread.on('error', (error: Error) => this.#fail(error))
    this.#thread.on('exit', () => this.#fail(new Error('the database engine has ended')))
    this.#thread.postMessage({ folder } satisfies EngineOpening)
  }

  readonly query: SqlQuery = async <Row extends object>(sql: string, parameters: readonly unknown[] = []) =>
    (await this.#send(sql, parameters)) as Row[]

  async close(): Promise<void> {
    await this.#send(undefined, [])
    await this.#thread.terminate()
  }

  #send(sql: string | undefined, parameters: readonly unknown[]): Promise<object[]> {
    const id = ++this.#lastId
    const reply = this.#reply(id)
    this.#thread.postMessage({ id, sql, parameters } satisfies EngineRequest)
    return reply
  }

  #reply(id: number): Promise<object[]> {
    return new Promise((resolve, reject) => {
      if (this.#failure) reject(this.#failure)
      else this.#pending.set(id, { resolve, reject })
    })
  }

  #settle(reply: EngineReply): void {
    const pending = this.#pending.get(reply.id)
    this.#pending.delete(reply.id)
    if ('rows' in reply) pending?.resolve(reply.rows)
    else pending?.reject(Object.assign(new Error(reply.error), { code: reply.code }))
  }

  #fail(error: Error): void {
    this.#failure ??= error
    for (const { reject } of this.#pending.values()) reject(this.#failure)
    this.#pending.clear()
  }
}

/** Runs statements and transactions one after the other, because the engine has a single session. */
class PgliteDatabase implements Database {
  readonly #engine: PgliteEngine
  readonly #lock: FolderLock | undefined
  #last: Promise<unknown> = Promise.resolve()

  constructor(engine: PgliteEngine, lock?: FolderLock) {
    this.#engine = engine
    this.#lock = lock
  }

  readonly query: SqlQuery = (sql, parameters) => this.#inTurn(() => this.#engine.query(sql, parameters))

  transaction<Result>(work: (query: SqlQuery) => Promise<Result>): Promise<Result> {
    const { query } = this.#engine
    return this.#inTurn(async () => {
      await query('BEGIN')
      try {
        const result = await work(query)
        await query('COMMIT')
        return result
      } catch (error) {
        await query('ROLLBACK').catch(() => {}) // the first error is the one to report
        throw error
      }
    })
  }

  async stop(): Promise<void> {
    await this.#inTurn(() => this.#engine.close())
    this.#lock?.release()
  }

  #inTurn<Result>(work: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(work)
    this.#last = result.catch(() => {})
    return result
  }
}
