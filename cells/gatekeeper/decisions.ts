import type { Clock } from '../chassis/clock.ts'
import { messageOf, Refusal } from '../chassis/errors.ts'
import type { Log } from '../chassis/log.ts'
import { type Rate, TokenBucket } from '../chassis/token-bucket.ts'
import type { Database, SqlQuery } from './adapters/database.ts'
import { milliseconds } from './adapters/sql.ts'
import type { Page } from './api/declaration.ts'
import type { ModerationAction } from './core/moderation-actions.ts'

/** Who decided what about whom, where, why, and with which result. */
export interface Decision {
  actor: string
  action: ModerationAction
  /** A wallet; of a refused request what the caller wrote. */
  target: string
  /** The place of a decision about a scene; absent for the whole platform. */
  placeId?: string | undefined
  reason?: string | undefined
  /** `done`, or why nothing was changed. */
  result: string
}

/** A decision that a caller asks for. */
export type Attempt = Omit<Decision, 'result'>

/** How a decision ended: what the record says, and what the caller gets. */
export interface Outcome<Value> {
  result: string
  value: Value
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

/** The one who has the lock of a player or of a place decides; the next one sees what was decided. */
const LOCK = 'SELECT pg_advisory_xact_lock(hashtextextended($1, 0))'

/** Refused requests of strangers, who can send any number of them, are recorded at this rate; all of them are in the log. */
const REFUSED_STRANGERS: Rate = { burst: 100, perSecond: 0.1 }
const MAX_TARGET = 256

/** The record of decisions: in the transaction of what was decided, so that there is neither without the other, and in the log. */
export class Decisions {
  readonly #database: Pick<Database, 'query' | 'transaction'>
  readonly #clock: Clock
  readonly #log: Log
  readonly #strangers: TokenBucket

  constructor(database: Pick<Database, 'query' | 'transaction'>, { clock, log }: { clock: Clock; log: Log }) {
    this.#database = database
    this.#clock = clock
    this.#log = log
    this.#strangers = new TokenBucket(REFUSED_STRANGERS, clock.monotonic())
  }

  /**
   * Carries out a decision and records how it ended, in one transaction. Decisions with the same `lock` happen one after the other:
   * none is made on what another one is about to replace.
   */
  async decide<Value>(
    attempt: Attempt,
    lock: string,
    carryOut: (query: SqlQuery, nowMs: number) => Promise<Outcome<Value>>,
  ): Promise<Value> {
    const { result, value } = await this.#database.transaction(async (query) => {
      await query(LOCK, [lock])
      const nowMs = this.#clock.now()
      const outcome = await carryOut(query, nowMs)
      await record(query, nowMs, { ...attempt, result: outcome.result })
      return outcome
    })
    this.#log.info({ ...attempt, result }, 'a moderator decided')
    return value
  }

  /** Records a request that was refused before anything was decided. Never rejects: the refusal stands without a record as well. */
  async refused(attempt: Attempt, reason: string, { hasRight }: { hasRight: boolean }): Promise<void> {
    const decision = { ...attempt, target: attempt.target.slice(0, MAX_TARGET), result: `refused: ${reason}` }
    this.#log.warn(decision, 'a request to moderate was refused')
    if (!hasRight && !this.#strangers.take(this.#clock.monotonic())) return
    try {
      await record(this.#database.query, this.#clock.now(), decision)
    } catch (error) {
      this.#log.warn({ ...decision, error: messageOf(error) }, 'a refused request to moderate could not be recorded')
    }
  }

  /** Runs the checks before a decision; a refusal by one of them is recorded, unless it is an outage. */
  async checked<Result>(
    attempt: Attempt,
    { hasRight }: { hasRight: () => boolean },
    check: () => Promise<Result>,
  ): Promise<Result> {
    try {
      return await check()
    } catch (error) {
      if (error instanceof Refusal && error.code !== 'UNAVAILABLE')
        void this.refused(attempt, error.message, { hasRight: hasRight() })
      throw error
    }
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

const record = (query: SqlQuery, nowMs: number, { actor, action, target, placeId, reason, result }: Decision) =>
  query(RECORD, [nowMs, actor, action, target, placeId ?? null, reason ?? null, result])
