import type { PeerId } from '../../wire/peer.ts'
import type { Database } from '../adapters/database.ts'
import { isLive, MemberRecords, type MemberRecordsOptions, type Session } from './member-records.ts'

/** The pair of a call. */
export type Pair = readonly [PeerId, PeerId]

const LOCK_ROOM = `SELECT pg_advisory_xact_lock(hashtextextended('voice ' || $1, 0))`

const INVITE = `
  INSERT INTO voice_chat_users AS known (address, room_name, status, joined_at, status_updated_at)
  SELECT address, $1, 'not_connected', $3::float8::bigint, $3::float8::bigint FROM unnest($2::text[]) AS invited (address) ORDER BY address
  ON CONFLICT (address, room_name) DO UPDATE
     SET status = 'not_connected', joined_at = EXCLUDED.joined_at, status_updated_at = EXCLUDED.status_updated_at, sid = NULL,
         sid_joined_at = NULL
   WHERE known.status <> 'connected'`

/** A call ends when one of the two hung up, or did not come in time. */
const IS_OVER = `(status = 'disconnected' OR NOT ${isLive})`

const BATCH = 50

/** The calls of two people (gatekeeper.md §6.1), by the rooms they are in. */
export class PrivateCalls extends MemberRecords {
  readonly #database: Pick<Database, 'transaction'>

  constructor(database: Pick<Database, 'query' | 'transaction'>, options: MemberRecordsOptions) {
    super(database, 'voice_chat_users', options)
    this.#database = database
  }

  /** Both may join from now on. False where the room is the one of another pair; repeating it for the same pair changes nothing. */
  start(room: string, pair: Pair): Promise<boolean> {
    const [nowMs] = this.liveParameters
    return this.#database.transaction(async (query) => {
      await query(LOCK_ROOM, [room])
      const others = await query(
        'SELECT 1 AS found FROM voice_chat_users WHERE room_name = $1 AND NOT address = ANY($2::text[])',
        [room, pair],
      )
      if (others.length > 0) return false
      await query(INVITE, [room, pair, nowMs])
      return true
    })
  }

  /** Whether the call goes on: both are there, or may still come. */
  async isActive(room: string): Promise<boolean> {
    const [row] = await this.query<{ active: boolean }>(
      `SELECT count(*) >= 2 AND bool_and(NOT ${IS_OVER}) AS active FROM voice_chat_users WHERE room_name = $4`,
      [...this.liveParameters, room],
    )
    return row?.active ?? false
  }

  /** A player who joined a call has left every other one; returns the rooms of those. */
  async leaveOthers({ room, address }: Pick<Session, 'room' | 'address'>): Promise<string[]> {
    const rows = await this.query<{ room: string }>(
      `UPDATE voice_chat_users SET status = 'disconnected', status_updated_at = $1::float8::bigint
        WHERE address = $4 AND room_name <> $5 AND ${isLive} RETURNING room_name AS "room"`,
      [...this.liveParameters, address, room],
    )
    return rows.map(({ room: other }) => other)
  }

  /** Rooms of calls that are over, at most a batch of them. */
  async over(): Promise<string[]> {
    const rows = await this.query<{ room: string }>(
      `SELECT DISTINCT room_name AS "room" FROM voice_chat_users WHERE ${IS_OVER} ORDER BY room_name LIMIT ${BATCH}`,
      this.liveParameters,
    )
    return rows.map(({ room }) => room)
  }
}
