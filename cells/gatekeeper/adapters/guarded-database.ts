import { messageOf, Refusal } from '../../chassis/errors.ts'
import type { Log } from '../../chassis/log.ts'
import type { Database, SqlQuery } from './database.ts'

/** Further queries are refused at once, so that they do not wait in a growing queue. */
const MAX_UNDER_WAY = 500

/** SQLSTATE classes of a statement that is wrong, or of data that does not fit: bugs, which waiting does not mend. */
const BUG = /^(0A|2[0-4]|2[B-F]|34|3B|42|44|P0)[0-9A-Z]{3}$/

/**
 * A database as requests use it: a bounded number of statements at a time, and while it does not answer, or cannot go on, a
 * refusal UNAVAILABLE in place of the driver's error. Errors that mean a bug pass unchanged.
 */
export class GuardedDatabase implements Database {
  readonly #database: Database
  readonly #log: Log
  #underWay = 0

  constructor(database: Database, log: Log) {
    this.#database = database
    this.#log = log
  }

  readonly query: SqlQuery = (sql, parameters) => this.#guarded(() => this.#database.query(sql, parameters))

  transaction<Result>(work: (query: SqlQuery) => Promise<Result>): Promise<Result> {
    let failed: { error: unknown } | undefined
    const guarded = () =>
      this.#database.transaction((query) =>
        work(<Row extends object>(sql: string, parameters?: readonly unknown[]) =>
          query<Row>(sql, parameters).catch((error: unknown) => {
            throw this.#refusalOf(error)
          }),
        ).catch((error: unknown) => {
          failed = { error }
          throw error
        }),
      )
    // An error of `work` itself is the caller's, whatever it is; one beside it is of the connection or of the commit.
    return this.#guarded(guarded, (error) => failed?.error === error)
  }

  stop(): Promise<void> {
    return this.#database.stop()
  }

  async #guarded<Result>(run: () => Promise<Result>, isFinal = (_: unknown) => false): Promise<Result> {
    if (this.#underWay >= MAX_UNDER_WAY) throw new Refusal('UNAVAILABLE', 'the database is busy')
    this.#underWay++
    try {
      return await run()
    } catch (error) {
      throw isFinal(error) ? error : this.#refusalOf(error)
    } finally {
      this.#underWay--
    }
  }

  #refusalOf(error: unknown): unknown {
    const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''
    if (error instanceof Refusal || BUG.test(code)) return error
    this.#log.debug({ error: messageOf(error), code }, 'the database did not answer a request')
    return new Refusal('UNAVAILABLE', 'The database cannot be used now', { cause: error })
  }
}
