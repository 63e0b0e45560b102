import type { Running } from '../../chassis/lifecycle.ts'

/** Runs one statement; `$1` stands for the first parameter. @throws when it fails or exceeds its time limit */
export type SqlQuery = <Row extends object>(sql: string, parameters?: readonly unknown[]) => Promise<Row[]>

/** A PostgreSQL database, on a server or embedded. */
export interface Database extends Running {
  query: SqlQuery
  /**
   * Runs `work` in one transaction: committed when it resolves, rolled back when it throws.
   *
   * @param limitMs time limit of each statement on a server; that of `query` by default
   */
  transaction<Result>(work: (query: SqlQuery) => Promise<Result>, limitMs?: number): Promise<Result>
}
