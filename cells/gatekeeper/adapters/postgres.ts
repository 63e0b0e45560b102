import pg from 'pg'
import type { Clock } from '../../chassis/clock.ts'
import { messageOf, UserError } from '../../chassis/errors.ts'
import type { Log } from '../../chassis/log.ts'
import type { Database, SqlQuery } from './database.ts'

/** Which server, and how long to wait for one that is still starting. */
export interface PostgresOptions {
  /** `postgres://user:password@host:5432/database`, with `sslmode` and the like as libpq reads them. */
  url: string
  clock: Clock
  log: Log
  /** 30 s unless told. */
  patienceMs?: number
}

const MAX_CONNECTIONS = 10
const CONNECT_TIMEOUT_MS = 2_000
const STATEMENT_TIMEOUT_MS = 3_000
/** The server gives up first and says why; this is for a server that says nothing any more. */
const SILENCE_TIMEOUT_MS = 4_000
const TRANSACTION_TIMEOUT_MS = 60_000
const PATIENCE_MS = 30_000
const RETRY_MS = 1_000
/** SQLSTATE classes that waiting does not cure: wrong credentials, no such database. */
const DEFINITIVE = /^(28|3D)/

/**
 * A PostgreSQL server, version 14 or later, over a bounded pool.
 *
 * @throws UserError when the server cannot be reached or refuses us; the sentence names the server, never the password
 */
export async function openPostgres({ url, clock, log, patienceMs = PATIENCE_MS }: PostgresOptions): Promise<Database> {
  const server = serverOf(url)
  const common = {
    connectionString: url,
    application_name: 'gatekeeper',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
  }
  const pool = new pg.Pool({
    ...common,
    max: MAX_CONNECTIONS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: SILENCE_TIMEOUT_MS,
  })
  pool.on('error', (error) => log.warn({ server, error: problemOf(error) }, 'an idle database connection was lost'))

  const database: Database = {
    query: queryOf(pool),
    async transaction(work) {
      // A connection of its own: this one may take long, and ends with what it was opened for.
      const client = new pg.Client({
        ...common,
        statement_timeout: TRANSACTION_TIMEOUT_MS,
        query_timeout: TRANSACTION_TIMEOUT_MS + CONNECT_TIMEOUT_MS,
      })
      client.on('error', (error) => log.warn({ server, error: problemOf(error) }, 'a database connection was lost'))
      await client.connect()
      try {
        await client.query('BEGIN')
        const result = await work(queryOf(client))
        await client.query('COMMIT')
        return result
      } finally {
        await client.end() // what was not committed is rolled back by this
      }
    },
    stop: () => pool.end(),
  }

  const giveUpAt = clock.now() + patienceMs
  for (;;) {
    const error = await database.query('SELECT 1').then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    if (error === undefined) return database
    const problem = problemOf(error)
    if (DEFINITIVE.test(codeOf(error)) || clock.now() + RETRY_MS > giveUpAt) {
      await pool.end()
      throw new UserError(`the database at ${server} cannot be used: ${problem}; see DATABASE_URL`, 1, { cause: error })
    }
    log.warn({ server, error: problem }, 'waiting for the database')
    await new Promise<void>((resolve) => clock.after(RETRY_MS, resolve))
  }
}

const queryOf =
  (connection: pg.Pool | pg.Client): SqlQuery =>
  async <Row extends object>(sql: string, parameters: readonly unknown[] = []) =>
    (await connection.query<Row>(sql, [...parameters])).rows

/** Host, port and database, for people; whatever else the URL holds stays out of sight. */
function serverOf(url: string): string {
  const parsed = URL.parse(url)
  return parsed ? `${parsed.host}${parsed.pathname}` : 'an address that is no URL'
}

const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : ''

// Where a name has several addresses, the error about all of them has a code and no sentence.
const problemOf = (error: unknown): string => messageOf(error) || codeOf(error) || 'no answer'
