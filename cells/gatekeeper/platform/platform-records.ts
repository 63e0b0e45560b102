import type { PeerId } from '../../wire/peer.ts'
import type { Database } from '../adapters/database.ts'
import { BAN_COLUMNS, milliseconds } from '../adapters/sql.ts'
import type { PlatformBan } from '../core/active-bans.ts'
import type { Decisions } from '../decisions.ts'

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
const lockOf = (address: PeerId): string => `platform ban ${address}`

const ACTIVE = `banned_address = $1 AND lifted_at IS NULL AND (expires_at IS NULL OR expires_at > to_timestamp($2::float8 / 1000))`

// The device comes from the last connection of the player, so that another wallet on it is refused too.
const BAN = `
  INSERT INTO user_bans (banned_address, banned_by, reason, custom_message, banned_device_id, banned_at, expires_at, created_at)
  SELECT $1::text, $3::text, $4::text, $5::text, (SELECT device_id FROM player_connection_info WHERE address = $1::text),
         to_timestamp($2::float8 / 1000), to_timestamp($6::float8 / 1000), to_timestamp($2::float8 / 1000)
  RETURNING ${BAN_COLUMNS}`

const LIFT = `UPDATE user_bans SET lifted_at = to_timestamp($2::float8 / 1000), lifted_by = $3 WHERE ${ACTIVE} RETURNING id`

/** Kicks are looked for several times a second, so those that every connector has seen for long are deleted with the next one. */
const FORGET_KICKS = "DELETE FROM player_kicks WHERE kicked_at < clock_timestamp() - interval '10 minutes'"
const KICK = 'INSERT INTO player_kicks (address) VALUES ($1)'

const WARNING_COLUMNS = `id::text AS "id", warned_address AS "warnedAddress", warned_by AS "warnedBy", reason,
  ${milliseconds('warned_at')} AS "warnedAt", ${milliseconds('created_at')} AS "createdAt"`

const WARN = `
  INSERT INTO user_warnings (warned_address, warned_by, reason, warned_at, created_at)
  VALUES ($1::text, $3::text, $4::text, to_timestamp($2::float8 / 1000), to_timestamp($2::float8 / 1000))
  RETURNING ${WARNING_COLUMNS}`

const LAST_SEEN = 'SELECT updated_at::float8 AS at FROM player_connection_info WHERE address = $1'

/** So many warnings of one player are shown. */
const MAX_WARNINGS = 1_000

const WARNINGS = `SELECT ${WARNING_COLUMNS} FROM user_warnings WHERE warned_address = $1
  ORDER BY warned_at DESC, id LIMIT ${MAX_WARNINGS}`

/** Bans and warnings of the whole platform in the database, each with its entry in the record of decisions. */
export class PlatformRecords {
  readonly #database: Pick<Database, 'query'>
  readonly #decisions: Pick<Decisions, 'decide'>

  constructor(database: Pick<Database, 'query'>, decisions: Pick<Decisions, 'decide'>) {
    this.#database = database
    this.#decisions = decisions
  }

  /** The new ban, or undefined when the player is banned already. */
  ban({ address, moderator, reason, customMessage, durationMs }: BanRequest): Promise<PlatformBan | undefined> {
    const attempt = { actor: moderator, action: 'ban', target: address, reason } as const
    return this.#decisions.decide(attempt, lockOf(address), async (query, nowMs) => {
      const [before] = await query(`SELECT 1 AS found FROM user_bans WHERE ${ACTIVE} LIMIT 1`, [address, nowMs])
      if (before) return { result: 'banned already', value: undefined }
      const expiresAt = durationMs === undefined ? null : nowMs + durationMs
      const [ban] = await query<PlatformBan>(BAN, [address, nowMs, moderator, reason, customMessage ?? null, expiresAt])
      return { result: 'done', value: ban }
    })
  }

  /** Lifts every ban in force against the wallet; false when there is none. */
  lift(address: PeerId, moderator: string): Promise<boolean> {
    const attempt = { actor: moderator, action: 'unban', target: address } as const
    return this.#decisions.decide(attempt, lockOf(address), async (query, nowMs) => {
      const isLifted = (await query(LIFT, [address, nowMs, moderator])).length > 0
      return { result: isLifted ? 'done' : 'not banned', value: isLifted }
    })
  }

  warn(address: PeerId, moderator: string, reason: string): Promise<PlatformWarning> {
    const attempt = { actor: moderator, action: 'warn', target: address, reason } as const
    return this.#decisions.decide(attempt, lockOf(address), async (query, nowMs) => {
      const [value] = await query<PlatformWarning>(WARN, [address, nowMs, moderator, reason])
      if (!value) throw new Error('the database returned no row for a new warning')
      return { result: 'done', value }
    })
  }

  /** Tells the connectors of every replica to end the sessions that the player has now. */
  kick(address: PeerId, moderator: string, reason: string): Promise<void> {
    const attempt = { actor: moderator, action: 'kick', target: address, reason } as const
    return this.#decisions.decide(attempt, lockOf(address), async (query) => {
      await query(FORGET_KICKS)
      await query(KICK, [address])
      return { result: 'done', value: undefined }
    })
  }

  /** When the player last asked for a room here, in milliseconds since the epoch; undefined when that is not known any more. */
  async lastSeen(address: PeerId): Promise<number | undefined> {
    const [row] = await this.#database.query<{ at: number }>(LAST_SEEN, [address])
    return row?.at
  }

  /** The latest first. */
  warnings(address: PeerId): Promise<PlatformWarning[]> {
    return this.#database.query<PlatformWarning>(WARNINGS, [address])
  }
}
