import { access, constants, mkdir } from 'node:fs/promises'
import { Worker } from 'node:worker_threads'
import { messageOf, UserError } from '../../chassis/errors.ts'
import { siblingModule } from '../../chassis/sibling-module.ts'
import type { Database, SqlQuery } from './database.ts'
import { lockFolder } from './folder-lock.ts'

/** A statement for the engine's thread; none = close the database. */
export interface EngineQuestion {
  id: number
  sql: string | undefined
  parameters: readonly unknown[]
}

/** What became of it; `code` is PostgreSQL's SQLSTATE. The answer with id 0 says that the database is open. */
export type EngineAnswer = { id: number; rows: object[] } | { id: number; error: string; code: string | undefined }

/**
 * A PostgreSQL inside this process, on a thread of its own, kept in a folder, or in memory without one. The engine does not notice a second process
 * on its files and would spoil them, so the folder is locked first.
 *
 * @throws UserError when the folder cannot be written, is in use by another process or holds something else
 */
export async function openPglite(folder?: string): Promise<Database> {
  if (folder === undefined) return databaseOf(await startEngine(undefined), async () => {})
  await makeWritable(folder)
  const lock = lockFolder(folder)
  if (!lock) throw new UserError(`the database folder ${folder} is in use by another process: stop it, or choose another folder`)
  try {
    return databaseOf(await startEngine(folder), async () => lock.release())
  } catch (error) {
    lock.release()
    throw new UserError(
      `the database in ${folder} cannot be opened (${messageOf(error)}): choose an empty folder, or restore this one from a backup`,
      1,
      { cause: error },
    )
  }
}

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

/** The engine on its thread, one statement at a time. */
interface Engine {
  query: SqlQuery
  close(): Promise<void>
}

/** @throws what the engine says when it cannot open its folder */
async function startEngine(folder: string | undefined): Promise<Engine> {
  const thread = new Worker(siblingModule(import.meta.url, 'pglite-engine'), { workerData: { folder } })
  const waiting = new Map<number, { resolve: (rows: object[]) => void; reject: (error: Error) => void }>()
  let lastId = 0
  let over: Error | undefined
  thread.on('message', (answer: EngineAnswer) => {
    const asked = waiting.get(answer.id)
    waiting.delete(answer.id)
    if ('rows' in answer) asked?.resolve(answer.rows)
    else asked?.reject(Object.assign(new Error(answer.error), { code: answer.code }))
  })
  const end = (error: Error) => {
    over ??= error
    for (const { reject } of waiting.values()) reject(over)
    waiting.clear()
  }
  thread.on('error', end)
  thread.on('exit', () => end(new Error('the database engine has ended')))

  const expect = (id: number): Promise<object[]> =>
    new Promise((resolve, reject) => {
      if (over) reject(over)
      else waiting.set(id, { resolve, reject })
    })
  const ask = (sql: string | undefined, parameters: readonly unknown[]): Promise<object[]> => {
    const id = ++lastId
    const answered = expect(id)
    thread.postMessage({ id, sql, parameters } satisfies EngineQuestion)
    return answered
  }
  await expect(0)
  return {
    query: async <Row extends object>(sql: string, parameters: readonly unknown[] = []) => (await ask(sql, parameters)) as Row[],
    close: async () => {
      await ask(undefined, [])
      await thread.terminate()
    },
  }
}

function databaseOf(engine: Engine, release: () => Promise<void>): Database {
  // The engine has one session: whoever is in a transaction has it alone, and the others wait.
  let turn: Promise<unknown> = Promise.resolve()
  const inTurn = <Outcome>(work: () => Promise<Outcome>): Promise<Outcome> => {
    const mine = turn.then(work)
    turn = mine.catch(() => {})
    return mine
  }
  return {
    query: (sql, parameters) => inTurn(() => engine.query(sql, parameters)),
    transaction: (work) =>
      inTurn(async () => {
        await engine.query('BEGIN')
        try {
          const outcome = await work(engine.query)
          await engine.query('COMMIT')
          return outcome
        } catch (error) {
          await engine.query('ROLLBACK').catch(() => {}) // the first failure is the one worth telling
          throw error
        }
      }),
    stop: async () => {
      await inTurn(() => engine.close())
      await release()
    },
  }
}
