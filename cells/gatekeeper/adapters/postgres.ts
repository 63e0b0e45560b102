import pg from 'pg'
import type { Clock } from '../../chassis/clock.ts'
import { messageOf, UserError } from '../../chassis/errors.ts'
import type { Log } from '../../chassis/log.ts'
import type { Database, SqlQuery } from './database.ts'

/** The server to use, and how long to wait for one that is still starting. */
export interface PostgresOptions {
  /** `postgres://user:password@host:5432/database`, with `sslmode` and the like as libpq reads them. */
  url: string
  clock: Clock
  log: Log
  /** 30 s by default. */
  patienceMs?: number
}

const MAX_CONNECTIONS = 10
const CONNECT_TIMEOUT_MS = 2_000
const STATEMENT_TIMEOUT_MS = 3_000
/** Longer than the time limit of the server, which reports the cause; this one is for a server that does not answer at all. */
const SILENCE_TIMEOUT_MS = 4_000
const TRANSACTION_TIMEOUT_MS = 60_000
const PATIENCE_MS = 30_000
const RETRY_MS = 1_000
/** SQLSTATE classes that do not go away by waiting: invalid credentials, no such database. */
const PERMANENT = /^(28|3D)/

/**
 * Connects to a PostgreSQL server, version 14 or later, over a bounded pool.
 *
 * @throws UserError when the server cannot be reached or refuses us; the message names the server, never the password
 */
export async function openPostgres({ url, clock, log, patienceMs = PATIENCE_MS }: PostgresOptions): Promise<Database> {
  const server = serverOf(url)
  const database = new PostgresDatabase(url, server, log)
  const giveUpAt = clock.now() + patienceMs
  for (;;) {
    const error = await database.query('SELECT 1').then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    if (error === undefined) return database
    const problem = problemOf(error)
    if (PERMANENT.test(codeOf(error)) || clock.now() + RETRY_MS > giveUpAt) {
      await database.stop()
      throw new UserError(`the database at ${server} cannot be used: ${problem}; see DATABASE_URL`, 1, { cause: error })
    }
    log.warn({ server, error: problem }, 'waiting for the database')
    await new Promise<void>((resolve) => clock.after(RETRY_MS, resolve))
  }
}

class PostgresDatabase implements Database {
  readonly #connection: pg.ClientConfig
  readonly #server: string
  readonly #log: Log
  readonly #pool: pg.Pool
  readonly query: SqlQuery

  constructor(url: string, server: string, log: Log) {
    this.#server = server
    this.#log = log
    this.#connection = {
      connectionString: url,
      application_name: 'gatekeeper',
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      keepAlive: true,
    }
    this.#pool = new pg.Pool({
      ...this.#connection,
      max: MAX_CONNECTIONS,
      statement_timeout: STATEMENT_TIMEOUT_MS,
      query_timeout: SILENCE_TIMEOUT_MS,
    })
    this.#pool.on('error', (error) => log.warn({ server, error: problemOf(error) }, 'an idle database connection was lost'))
    this.query = queryOf(this.#pool)
  }

  async transaction<Result>(work: (query: SqlQuery) => Promise<Result>): Promise<Result> {
    // Not a connection of the pool, because it has a longer time limit; it is closed after the transaction.
    const client = new pg.Client({
      ...this.#connection,
      statement_timeout: TRANSACTION_TIMEOUT_MS,
      query_timeout: TRANSACTION_TIMEOUT_MS + CONNECT_TIMEOUT_MS,
    })
    client.on('error', (error) => {
      this.#log.warn({ server: this.#server, error: problemOf(error) }, 'a database connection was lost')
    })
    await client.connect()
    try {
      await client.query('BEGIN')
      const result = await work(queryOf(client))
      await client.query('COMMIT')
      return result
    } finally {
      await client.end() // rolls back what was not committed
    }
  }

  stop(): Promise<void> {
    return this.#pool.end()
  }
}

const queryOf =
  (connection: pg.Pool | pg.Client): SqlQuery =>
  async <Row extends object>(sql: string, parameters: readonly unknown[] = []) =>
    (await connection.query<Row>(sql, [...parameters])).rows

/** Host, port and database for log and error messages; everything else in the URL stays secret. */
function serverOf(url: string): string {
  const parsed = URL.parse(url)
  return parsed ? `${parsed.host}${parsed.pathname}` : 'an address that is no URL'
}

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''

// Where a name has several addresses, the error about all of them has a code and no message.
const problemOf = (error: unknown): string => messageOf(error) || codeOf(error) || 'no answer'
