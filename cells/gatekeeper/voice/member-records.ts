import type { Clock } from '../../chassis/clock.ts'
import type { PeerId } from '../../wire/peer.ts'
import type { Database } from '../adapters/database.ts'

export type VoiceTable = 'voice_chat_users' | 'community_voice_chat_users'

/** `not_connected` has a token and has not joined yet; `disconnected` left on purpose, or was removed. */
export type MemberStatus = 'not_connected' | 'connected' | 'connection_interrupted' | 'disconnected'

/** For how long a member who is not connected still counts as one who is there, in milliseconds. */
export interface VoiceTimes {
  /** Of a member who has not joined yet. */
  toJoinMs: number
  /** Of a member whose connection was interrupted. */
  toReturnMs: number
  /** Of a community's chat in which no moderator is left. */
  withoutModeratorMs: number
}

/** A member of the voice chat in one room. */
export interface VoiceMember {
  room: string
  address: PeerId
  status: MemberStatus
  /** In milliseconds since the epoch. */
  statusUpdatedAt: number
  /** LiveKit's id of the connection that the status is about; null until there was one. */
  sid: string | null
}

/** One connection of a player to a room, as LiveKit tells of it. */
export interface Session {
  room: string
  address: PeerId
  sid: string
  joinedAtMs: number
}

export interface MemberRecordsOptions {
  clock: Clock
  times: VoiceTimes
}

/** By so much LiveKit's clock may be behind: a connection that began earlier is of a token before the one that was given last. */
const SKEW_MS = 1_000

const MEMBER = 'room_name AS "room", address, status, status_updated_at::float8 AS "statusUpdatedAt", sid'

/**
 * Who is in the voice chats of one kind. Events of LiveKit arrive late, doubled, out of order or never, at any replica: each change
 * is one statement that first compares the connection it is about with the one on record, so repeating it changes nothing.
 */
export class MemberRecords {
  readonly query: Database['query']
  readonly table: VoiceTable
  readonly #options: MemberRecordsOptions

  constructor({ query }: Pick<Database, 'query'>, table: VoiceTable, options: MemberRecordsOptions) {
    this.query = query
    this.table = table
    this.#options = options
  }

  /** The parameters `$1` to `$3` of `isLive`. */
  get liveParameters(): [nowMs: number, toJoinMs: number, toReturnMs: number] {
    const { clock, times } = this.#options
    return [clock.now(), times.toJoinMs, times.toReturnMs]
  }

  async of(room: string): Promise<VoiceMember[]> {
    return this.query<VoiceMember>(`SELECT ${MEMBER} FROM ${this.table} WHERE room_name = $1 ORDER BY address`, [room])
  }

  /** Whether a player is in any voice chat of this kind. */
  async isLive(address: PeerId): Promise<boolean> {
    const sql = `SELECT 1 AS found FROM ${this.table} WHERE address = $4 AND ${isLive} LIMIT 1`
    return (await this.query(sql, [...this.liveParameters, address])).length > 0
  }

  /** A connection began; false where the record knew so, or knows of its end or of a later one. */
  async joined({ room, address, sid, joinedAtMs }: Session): Promise<boolean> {
    const rows = await this.query(
      `UPDATE ${this.table} SET status = 'connected', sid = $3, sid_joined_at = $4::float8::bigint, status_updated_at = $5::float8::bigint
        WHERE room_name = $1 AND address = $2 AND sid IS DISTINCT FROM $3
          AND (sid_joined_at IS NULL OR sid_joined_at <= $4::float8)
       RETURNING address`,
      [room, address, sid, joinedAtMs, this.#options.clock.now()],
    )
    return rows.length > 0
  }

  /** A connection ended; false where the record is about a later one. */
  async left({ room, address, sid, joinedAtMs }: Session, status: MemberStatus): Promise<boolean> {
    const rows = await this.query(
      `UPDATE ${this.table} SET status = $5, sid = $3, sid_joined_at = $4::float8::bigint, status_updated_at = $6::float8::bigint
        WHERE room_name = $1 AND address = $2 AND (sid IS DISTINCT FROM $3 OR status NOT IN ($5, 'disconnected')) AND ${isAbout}
       RETURNING address`,
      [room, address, sid, joinedAtMs, status, this.#options.clock.now()],
    )
    return rows.length > 0
  }

  /** A room ended at a time of LiveKit: those who had joined it by then are there no more. */
  async roomFinished(room: string, atMs: number): Promise<void> {
    await this.query(
      `UPDATE ${this.table} SET status = 'connection_interrupted', status_updated_at = $3::float8::bigint
        WHERE room_name = $1 AND status = 'connected' AND sid_joined_at < $2::float8`,
      [room, atMs, this.#options.clock.now()],
    )
  }

  /** What LiveKit shows is right, unless the record changed since `member` was read. */
  async correct({ room, address, statusUpdatedAt, sid }: VoiceMember, status: MemberStatus): Promise<void> {
    await this.query(
      `UPDATE ${this.table} SET status = $5, status_updated_at = $6::float8::bigint
        WHERE room_name = $1 AND address = $2 AND status_updated_at = $3::float8 AND sid IS NOT DISTINCT FROM $4`,
      [room, address, statusUpdatedAt, sid, status, this.#options.clock.now()],
    )
  }

  /** Ends the chat of a room, and returns who was in it: those who were deleted by this call and by no other one. */
  async end(room: string): Promise<PeerId[]> {
    const rows = await this.query<{ address: PeerId }>(`DELETE FROM ${this.table} WHERE room_name = $1 RETURNING address`, [room])
    return rows.map(({ address }) => address).sort()
  }

  /** Ends it because LiveKit deleted the room under a connection; does nothing where the record is about a later one. */
  async endedUnder({ room, address, sid, joinedAtMs }: Session): Promise<boolean> {
    const rows = await this.query(
      `DELETE FROM ${this.table} WHERE room_name = $1 AND EXISTS (
         SELECT 1 FROM ${this.table} WHERE room_name = $1 AND address = $2 AND ${isAbout}) RETURNING address`,
      [room, address, sid, joinedAtMs],
    )
    return rows.length > 0
  }

  /** How many members of each room are connected, of the rooms with any member. */
  async rooms(): Promise<Map<string, number>> {
    const rows = await this.query<{ room: string; connected: number }>(
      `SELECT room_name AS "room", count(*) FILTER (WHERE status = 'connected')::int AS "connected" FROM ${this.table} GROUP BY room_name`,
    )
    return new Map(rows.map(({ room, connected }) => [room, connected]))
  }
}

/** Whether a member counts as one who is there: at `$1`, where one has `$2` to join and `$3` to come back, in milliseconds. */
export const isLive = `(status = 'connected'
  OR (status = 'not_connected' AND status_updated_at > $1::float8 - $2::float8)
  OR (status = 'connection_interrupted' AND status_updated_at > $1::float8 - $3::float8))`

/** Whether the connection `$3` that began at `$4` is the one on record, or a later one. */
const isAbout = `(sid = $3 OR sid_joined_at < $4::float8 OR (sid IS NULL AND status_updated_at <= $4::float8 + ${SKEW_MS}))`
