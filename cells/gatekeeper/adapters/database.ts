import type { Running } from '../../chassis/lifecycle.ts'

/** Runs one statement; `$1` stands for the first parameter. @throws when it fails or outlives its deadline */
export type SqlQuery = <Row extends object>(sql: string, parameters?: readonly unknown[]) => Promise<Row[]>

/** A database that speaks PostgreSQL, a server's or our own: the little that our SQL needs of it. */
export interface Database extends Running {
  query: SqlQuery
  /** Runs `work` in one transaction: committed when it resolves, rolled back when it throws. Meant for migrations: may take a minute. */
  transaction<Result>(work: (query: SqlQuery) => Promise<Result>): Promise<Result>
}
