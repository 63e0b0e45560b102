import pg from 'pg'
import type { Clock } from '../../chassis/clock.ts'
import { messageOf, UserError } from '../../chassis/errors.ts'
import type { Log } from '../../chassis/log.ts'
import type { Database, SqlQuery } from './database.ts'
import { dependsOnTls, type PostgresTls, postgresTls, tlsRemedyOf } from './postgres-tls.ts'

/** The server to use, and how long to wait for one that is still starting. */
export interface PostgresOptions {
  /** `postgres://user:password@host:5432/database`, with `sslmode` and the like as libpq reads them. */
  url: string
  /** PEM file of the authority that signed the server's certificate. */
  caFile?: string | undefined
  clock: Clock
  log: Log
  /** 30 s by default. */
  patienceMs?: number
}

/** One for each of what the gatekeeper does in the background, because databases and poolers have few. */
const MAX_CONNECTIONS = 4
const CONNECT_TIMEOUT_MS = 2_000
const STATEMENT_TIMEOUT_MS = 3_000
/** Beyond the time limit of the server, which reports the cause: for a server that does not answer at all. */
const SILENCE_MARGIN_MS = 1_000
const PATIENCE_MS = 30_000
const RETRY_MS = 1_000
/** SQLSTATE classes that do not go away by waiting: invalid credentials, no such database. */
const PERMANENT = /^(28|3D)/

/**
 * Connects to a PostgreSQL server, version 14 or later, over a bounded pool. A pooler in between may be in transaction mode: no
 * setting, prepared statement or lock outlives a transaction.
 *
 * @throws UserError when the server cannot be reached or refuses us; the message names the server, never the password
 */
export async function openPostgres({ url, caFile, clock, log, patienceMs = PATIENCE_MS }: PostgresOptions): Promise<Database> {
  const server = serverOf(url)
  const database = new PostgresDatabase(postgresTls(url, caFile), server, log)
  const giveUpAt = clock.monotonic() + patienceMs
  for (;;) {
    const error = await database.query('SELECT 1').then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    if (error === undefined) return database
    const problem = problemOf(error)
    if (PERMANENT.test(codeOf(error)) || clock.monotonic() + RETRY_MS > giveUpAt) {
      await database.stop()
      throw new UserError(`the database at ${server} cannot be used: ${problem}; see DATABASE_URL`, 1, { cause: error })
    }
    log.warn({ server, error: problem }, 'waiting for the database')
    await new Promise<void>((resolve) => clock.after(RETRY_MS, resolve))
  }
}

class PostgresDatabase implements Database {
  readonly #server: string
  readonly #log: Log
  readonly #pool: pg.Pool
  readonly #attempts: PostgresTls['attempts']
  /** Which of the attempts succeeded last. */
  #attempt = 0

  constructor({ url, attempts }: PostgresTls, server: string, log: Log) {
    this.#server = server
    this.#log = log
    this.#attempts = attempts
    const ssl = () => attempts[this.#attempt] ?? false
    this.#pool = new pg.Pool({
      connectionString: url,
      application_name: 'gatekeeper',
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      keepAlive: true,
      max: MAX_CONNECTIONS,
      Client: class extends pg.Client {
        constructor(config?: pg.ClientConfig) {
          super({ ...config, ssl: ssl() })
        }
      },
    })
    this.#pool.on('error', (error) => log.warn({ server, error: problemOf(error) }, 'an idle database connection was lost'))
  }

  readonly query: SqlQuery = (sql, parameters) => this.#inTransaction(STATEMENT_TIMEOUT_MS, (query) => query(sql, parameters))

  transaction<Result>(work: (query: SqlQuery) => Promise<Result>, limitMs = STATEMENT_TIMEOUT_MS): Promise<Result> {
    return this.#inTransaction(limitMs, work)
  }

  stop(): Promise<void> {
    return this.#pool.end()
  }

  /**
   * The time limit is set inside the transaction: poolers refuse it as a parameter of the connection, and one of the session would
   * apply to the next client of that session.
   */
  async #inTransaction<Result>(limitMs: number, work: (query: SqlQuery) => Promise<Result>): Promise<Result> {
    const client = await this.#connect()
    const query = queryOf(client, limitMs + SILENCE_MARGIN_MS)
    let isUsable = true
    const onError = (error: Error) => {
      isUsable = false
      this.#log.warn({ server: this.#server, error: problemOf(error) }, 'a database connection was lost')
    }
    client.on('error', onError)
    try {
      await query(`BEGIN; SET LOCAL statement_timeout = ${limitMs}; SET LOCAL idle_in_transaction_session_timeout = ${limitMs}`)
      const result = await work(query)
      await query('COMMIT')
      return result
    } catch (error) {
      // Closing the connection rolls back too, and is all that is left where the server did not answer.
      isUsable &&= error instanceof pg.DatabaseError && (await isDone(query('ROLLBACK')))
      throw error
    } finally {
      client.off('error', onError)
      client.release(!isUsable)
    }
  }

  async #connect(): Promise<pg.PoolClient> {
    for (let left = this.#attempts.length - 1; ; left--) {
      const tried = this.#attempt
      try {
        return await this.#pool.connect()
      } catch (error) {
        if (left === 0 || !dependsOnTls(error)) throw error
        // Unless another query, which failed for the same reason, was faster.
        if (this.#attempt === tried) this.#attempt = (tried + 1) % this.#attempts.length
      }
    }
  }
}

const isDone = (work: Promise<unknown>): Promise<boolean> =>
  work.then(
    () => true,
    () => false,
  )

/** Statements on one connection. They are not prepared under names, which a pooler would not know on its next connection. */
const queryOf =
  (client: pg.PoolClient, timeoutMs: number): SqlQuery =>
  async <Row extends object>(text: string, parameters: readonly unknown[] = []) => {
    const statement = { text, values: [...parameters], query_timeout: timeoutMs }
    return (await client.query<Row>(statement)).rows
  }

/** Host, port and database for log and error messages; everything else in the URL stays secret. */
function serverOf(url: string): string {
  const parsed = URL.parse(url)
  return parsed ? `${parsed.host}${parsed.pathname}` : 'an address that is no URL'
}

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''

// Where a name has several addresses, the error about all of them has a code and no message.
const problemOf = (error: unknown): string => `${messageOf(error) || codeOf(error) || 'no answer'}${tlsRemedyOf(error)}`
