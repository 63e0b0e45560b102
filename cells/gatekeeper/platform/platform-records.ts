import type { Clock } from '../../chassis/clock.ts'
import type { PeerId } from '../../wire/peer.ts'
import type { Database, SqlQuery } from '../adapters/database.ts'
import { BAN_COLUMNS, milliseconds } from '../adapters/sql.ts'
import type { PlatformBan } from '../core/active-bans.ts'
import type { Decision, Decisions } from '../decisions.ts'

/** A warning of a player; times in milliseconds since the epoch. */
export interface PlatformWarning {
  id: string
  warnedAddress: string
  warnedBy: string
  reason: string
  warnedAt: number
  createdAt: number
}

/** A ban that a moderator asks for. */
export interface BanRequest {
  address: PeerId
  moderator: string
  reason: string
  customMessage: string | undefined
  /** Undefined = until it is lifted. */
  durationMs: number | undefined
}

/** Two moderators who decide about the same player do so one after the other. */
const LOCK_PLAYER = `SELECT pg_advisory_xact_lock(hashtextextended('platform ban ' || $1, 0))`

const ACTIVE = `banned_address = $1 AND lifted_at IS NULL AND (expires_at IS NULL OR expires_at > to_timestamp($2::float8 / 1000))`

// The device comes from the last connection of the player, so that another wallet on it is refused too.
const BAN = `
  INSERT INTO user_bans (banned_address, banned_by, reason, custom_message, banned_device_id, banned_at, expires_at, created_at)
  SELECT $1::text, $3::text, $4::text, $5::text, (SELECT device_id FROM player_connection_info WHERE address = $1::text),
         to_timestamp($2::float8 / 1000), to_timestamp($6::float8 / 1000), to_timestamp($2::float8 / 1000)
  RETURNING ${BAN_COLUMNS}`

const LIFT = `UPDATE user_bans SET lifted_at = to_timestamp($2::float8 / 1000), lifted_by = $3 WHERE ${ACTIVE} RETURNING id`

const WARNING_COLUMNS = `id::text AS "id", warned_address AS "warnedAddress", warned_by AS "warnedBy", reason,
  ${milliseconds('warned_at')} AS "warnedAt", ${milliseconds('created_at')} AS "createdAt"`

const WARN = `
  INSERT INTO user_warnings (warned_address, warned_by, reason, warned_at, created_at)
  VALUES ($1::text, $3::text, $4::text, to_timestamp($2::float8 / 1000), to_timestamp($2::float8 / 1000))
  RETURNING ${WARNING_COLUMNS}`

/** So many warnings of one player are shown. */
const MAX_WARNINGS = 1_000

const WARNINGS = `SELECT ${WARNING_COLUMNS} FROM user_warnings WHERE warned_address = $1
  ORDER BY warned_at DESC, id LIMIT ${MAX_WARNINGS}`

/** Bans and warnings of the whole platform in the database, each with its entry in the record of decisions. */
export class PlatformRecords {
  readonly #database: Pick<Database, 'query' | 'transaction'>
  readonly #decisions: Pick<Decisions, 'record'>
  readonly #clock: Clock

  constructor(
    database: Pick<Database, 'query' | 'transaction'>,
    { decisions, clock }: { decisions: Pick<Decisions, 'record'>; clock: Clock },
  ) {
    this.#database = database
    this.#decisions = decisions
    this.#clock = clock
  }

  /** The new ban, or undefined when the player is banned already. */
  ban({ address, moderator, reason, customMessage, durationMs }: BanRequest): Promise<PlatformBan | undefined> {
    const nowMs = this.#clock.now()
    const expiresAt = durationMs === undefined ? null : nowMs + durationMs
    return this.#decide({ actor: moderator, action: 'ban', target: address, reason }, 'banned already', async (query) => {
      const [before] = await query(`SELECT 1 AS found FROM user_bans WHERE ${ACTIVE} LIMIT 1`, [address, nowMs])
      if (before) return undefined
      const values = [address, nowMs, moderator, reason, customMessage ?? null, expiresAt]
      const [ban] = await query<PlatformBan>(BAN, values)
      return ban
    })
  }

  /** Lifts every ban in force against the wallet; false when there is none. */
  async lift(address: PeerId, moderator: string): Promise<boolean> {
    const lifted = await this.#decide({ actor: moderator, action: 'unban', target: address }, 'not banned', async (query) => {
      const rows = await query(LIFT, [address, this.#clock.now(), moderator])
      return rows.length > 0 || undefined
    })
    return lifted ?? false
  }

  async warn(address: PeerId, moderator: string, reason: string): Promise<PlatformWarning> {
    const warning = await this.#decide(
      { actor: moderator, action: 'warn', target: address, reason },
      'not written',
      async (query) => {
        const [row] = await query<PlatformWarning>(WARN, [address, this.#clock.now(), moderator, reason])
        return row
      },
    )
    if (!warning) throw new Error('the database returned no row for a new warning')
    return warning
  }

  /** The latest first. */
  warnings(address: PeerId): Promise<PlatformWarning[]> {
    return this.#database.query<PlatformWarning>(WARNINGS, [address])
  }

  /** Carries out a decision and records it, in one transaction; undefined = nothing was changed, for the reason `otherwise`. */
  #decide<Result>(
    decision: Omit<Decision, 'result'>,
    otherwise: string,
    carryOut: (query: SqlQuery) => Promise<Result | undefined>,
  ): Promise<Result | undefined> {
    return this.#database.transaction(async (query) => {
      await query(LOCK_PLAYER, [decision.target])
      const result = await carryOut(query)
      await this.#decisions.record(query, { ...decision, result: result === undefined ? otherwise : 'done' })
      return result
    })
  }
}
