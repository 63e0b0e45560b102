import type { PeerId } from '../../wire/peer.ts'
import type { Database } from '../adapters/database.ts'
import { isLive, MemberRecords, type MemberRecordsOptions, type VoiceMember, type VoiceTimes } from './member-records.ts'
import { type Entry, entryOf, type MemberState } from './member-state.ts'

/** A member as the others see one; `metadata` is the text that LiveKit shows. */
export interface ShownMember {
  metadata: string
  isSpeaker: boolean
  isKicked: boolean
}

/** How many are in the chat of one room. */
export interface MemberCount {
  room: string
  participants: number
  moderators: number
}

const SHOWN = `metadata::text AS "metadata", coalesce((metadata->>'isSpeaker')::boolean, false) AS "isSpeaker", is_kicked AS "isKicked"`

const ADMIT = `
  INSERT INTO community_voice_chat_users (address, room_name, is_moderator, status, joined_at, status_updated_at, metadata)
  VALUES ($1, $2, $3::boolean, 'not_connected', $5::float8::bigint, $5::float8::bigint, $4::jsonb)
  ON CONFLICT (address, room_name) DO UPDATE
     SET is_moderator = EXCLUDED.is_moderator, status = 'not_connected', status_updated_at = EXCLUDED.status_updated_at,
         metadata = EXCLUDED.metadata, sid = NULL, sid_joined_at = NULL, is_kicked = false
  RETURNING ${SHOWN}`

const MEMBER_COUNT = `count(*) FILTER (WHERE ${isLive})::int AS "participants",
  count(*) FILTER (WHERE is_moderator AND ${isLive})::int AS "moderators"`

/**
 * No moderator is there, and none was for a while; where no member ever was a moderator, counted from the first one on. Only then
 * a chat ends by itself.
 */
const IS_OVER = `count(*) FILTER (WHERE is_moderator AND ${isLive}) = 0
  AND coalesce(max(status_updated_at) FILTER (WHERE is_moderator), min(joined_at)) <= $1::float8 - $4::float8`

const BATCH = 50

/** The voice chats of communities (gatekeeper.md §6.2), by the rooms they are in. */
export class CommunityChats extends MemberRecords {
  readonly #withoutModeratorMs: number
  readonly #database: Pick<Database, 'transaction'>

  constructor(
    database: Pick<Database, 'query' | 'transaction'>,
    options: MemberRecordsOptions & { times: Pick<VoiceTimes, 'withoutModeratorMs'> },
  ) {
    super(database, 'community_voice_chat_users', options)
    this.#database = database
    this.#withoutModeratorMs = options.times.withoutModeratorMs
  }

  /** A member may join from now on; one who was there before keeps the part that one had. */
  admit(room: string, address: PeerId, entry: Entry): Promise<ShownMember> {
    const [nowMs] = this.liveParameters
    return this.#database.transaction(async (query) => {
      const [before] = await query<MemberState>(
        `SELECT is_moderator AS "isModerator", metadata::text AS "metadata" FROM community_voice_chat_users
          WHERE address = $1 AND room_name = $2 FOR UPDATE`,
        [address, room],
      )
      const { isModerator, metadata } = entryOf(before, entry)
      const [shown] = await query<ShownMember>(ADMIT, [address, room, isModerator, metadata, nowMs])
      return shown as ShownMember
    })
  }

  /** Undefined for one who is no member of the chat. */
  async shown(room: string, address: PeerId): Promise<ShownMember | undefined> {
    const [member] = await this.query<ShownMember>(
      `SELECT ${SHOWN} FROM community_voice_chat_users WHERE room_name = $1 AND address = $2`,
      [room, address],
    )
    return member
  }

  /** Changes some of what a member shows; what it is not about stays, also where another replica changes that now. */
  async change(room: string, address: PeerId, metadata: Readonly<Record<string, boolean>>): Promise<ShownMember | undefined> {
    const [member] = await this.query<ShownMember>(
      `UPDATE community_voice_chat_users SET metadata = metadata || $3::jsonb WHERE room_name = $1 AND address = $2 RETURNING ${SHOWN}`,
      [room, address, JSON.stringify(metadata)],
    )
    return member
  }

  /** A member who was kicked may not come back with an old token, and is no speaker any more; whether it was a member. */
  async kick(room: string, address: PeerId): Promise<boolean> {
    const rows = await this.query(
      `UPDATE community_voice_chat_users
          SET is_kicked = true, status = 'disconnected', status_updated_at = $3::float8::bigint, metadata = metadata || '{"isSpeaker": false}'
        WHERE room_name = $1 AND address = $2 RETURNING address`,
      [room, address, this.liveParameters[0]],
    )
    return rows.length > 0
  }

  /** Whether this member was the last moderator of the chat. */
  async isLastModerator({ room, address }: Pick<VoiceMember, 'room' | 'address'>): Promise<boolean> {
    const [row] = await this.query<{ last: boolean }>(
      `SELECT bool_or(is_moderator AND address = $5) AND NOT bool_or(is_moderator AND address <> $5 AND ${isLive}) AS last
         FROM community_voice_chat_users WHERE room_name = $4`,
      [...this.liveParameters, room, address],
    )
    return row?.last ?? false
  }

  /** Of these rooms, or of all; those without members are left out. */
  async memberCounts(rooms?: readonly string[]): Promise<MemberCount[]> {
    return this.query<MemberCount>(
      `SELECT room_name AS "room", ${MEMBER_COUNT} FROM community_voice_chat_users
        WHERE $4::text[] IS NULL OR room_name = ANY($4::text[]) GROUP BY room_name ORDER BY room_name`,
      [...this.liveParameters, rooms ?? null],
    )
  }

  /** Rooms of chats that are over, at most a batch of them. */
  async over(): Promise<string[]> {
    const rows = await this.query<{ room: string }>(
      `SELECT room_name AS "room" FROM community_voice_chat_users GROUP BY room_name HAVING ${IS_OVER} ORDER BY room_name LIMIT ${BATCH}`,
      [...this.liveParameters, this.#withoutModeratorMs],
    )
    return rows.map(({ room }) => room)
  }
}
