import type { Clock } from '../chassis/clock.ts'
import type { Log } from '../chassis/log.ts'
import type { Database, SqlQuery } from './adapters/database.ts'
import { milliseconds } from './adapters/sql.ts'
import type { Page } from './api/declaration.ts'
import type { ModerationAction } from './core/moderation-actions.ts'

/** Who decided what about whom, where, why, and with which result. */
export interface Decision {
  actor: string
  action: ModerationAction
  /** A wallet. */
  target: string
  /** The place of a decision about a scene; absent for the whole platform. */
  placeId?: string | undefined
  reason?: string | undefined
  /** `done`, or why nothing was changed. */
  result: string
}

/** A decision as it was recorded; the time in milliseconds since the epoch. */
export interface RecordedDecision {
  id: string
  decidedAt: number
  actor: string
  action: string
  target: string
  placeId: string | null
  reason: string | null
  result: string
}

/** Whose decisions; a field that is undefined matches all. */
export interface DecisionFilter {
  actor?: string | undefined
  target?: string | undefined
  placeId?: string | undefined
}

const RECORD = `
  INSERT INTO moderation_decisions (decided_at, actor, action, target, place_id, reason, result)
  VALUES (to_timestamp($1::float8 / 1000), $2, $3, $4, $5, $6, $7)`

const MATCHES = `FROM moderation_decisions
   WHERE ($1::text IS NULL OR actor = $1) AND ($2::text IS NULL OR target = $2) AND ($3::text IS NULL OR place_id = $3)`

const LIST = `
  SELECT id::text AS "id", ${milliseconds('decided_at')} AS "decidedAt", actor, action, target, place_id AS "placeId", reason, result
    ${MATCHES}
   ORDER BY id DESC
   LIMIT $4::int OFFSET $5::int`

/** The record of decisions: in the transaction of what was decided, so that there is neither without the other, and in the log. */
export class Decisions {
  readonly #database: Pick<Database, 'query'>
  readonly #clock: Clock
  readonly #log: Log

  constructor(database: Pick<Database, 'query'>, { clock, log }: { clock: Clock; log: Log }) {
    this.#database = database
    this.#clock = clock
    this.#log = log
  }

  /** @param query of the transaction that carries the decision out */
  async record(query: SqlQuery, decision: Decision): Promise<void> {
    const { actor, action, target, placeId, reason, result } = decision
    await query(RECORD, [this.#clock.now(), actor, action, target, placeId ?? null, reason ?? null, result])
    this.#log.info({ ...decision }, 'a moderator decided')
  }

  /** The latest first. */
  async list(
    { actor, target, placeId }: DecisionFilter,
    { limit, offset }: Page,
  ): Promise<{ decisions: RecordedDecision[]; total: number }> {
    const filter = [actor ?? null, target ?? null, placeId ?? null]
    const decisions = await this.#database.query<RecordedDecision>(LIST, [...filter, limit, offset])
    const [row] = await this.#database.query<{ total: number }>(`SELECT count(*)::int AS total ${MATCHES}`, filter)
    return { decisions, total: row?.total ?? 0 }
  }
}
