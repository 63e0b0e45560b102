import { messageOf } from '../../chassis/errors.ts'
import type { Log } from '../../chassis/log.ts'
import type { LivekitRooms } from '../../rtc/livekit-rooms.ts'
import type { PeerId } from '../../wire/peer.ts'
import type { Database } from '../adapters/database.ts'
import type { Decisions } from '../decisions.ts'
import type { RoomMetadata } from '../livekit/room-metadata.ts'

export interface PresentersOptions {
  database: Pick<Database, 'query'>
  decisions: Pick<Decisions, 'decide'>
  /** Undefined where the rooms are not those of a LiveKit. */
  control: { rooms: Pick<LivekitRooms, 'create'>; metadata: Pick<RoomMetadata, 'add' | 'settleSoon'> } | undefined
  log: Log
}

/** Who makes whom a presenter, where. */
export interface PresenterChange {
  actor: PeerId
  placeId: string
  room: string
  identity: string
}

/** So many presenters of one room are kept; the metadata of a room is sent to every participant. */
const MAX_PRESENTERS = 100
const LIST = `SELECT identity FROM scene_presenters WHERE room_id = $1 ORDER BY added_at, identity LIMIT ${MAX_PRESENTERS}`
const ADD = `
  INSERT INTO scene_presenters (room_id, identity, added_by, added_at)
  SELECT $1, $2, $3, $4::float8::bigint WHERE (SELECT count(*) FROM scene_presenters WHERE room_id = $1) < ${MAX_PRESENTERS}
  ON CONFLICT (room_id, identity) DO NOTHING RETURNING identity`
const REMOVE = 'DELETE FROM scene_presenters WHERE room_id = $1 AND identity = $2 RETURNING identity'

/**
 * Who may present slides in which room. The database has them, and the metadata of the room shows them to explorers.
 */
export class Presenters {
  readonly #options: PresentersOptions

  constructor(options: PresentersOptions) {
    this.#options = options
    options.control?.metadata.add(async (room) => ({ presenters: await this.of(room) }))
  }

  async of(room: string): Promise<string[]> {
    return (await this.#options.database.query<{ identity: string }>(LIST, [room])).map(({ identity }) => identity)
  }

  async add({ actor, placeId, room, identity }: PresenterChange): Promise<void> {
    const attempt = { actor, action: 'presenter-add', target: identity, placeId } as const
    await this.#options.decisions.decide(attempt, `scene ${placeId}`, async (query, nowMs) => {
      const added = await query(ADD, [room, identity, actor, nowMs])
      return { result: added.length > 0 ? 'done' : 'is one already, or there are too many', value: undefined }
    })
    await this.#show(room)
  }

  async remove({ actor, placeId, room, identity }: PresenterChange): Promise<void> {
    const attempt = { actor, action: 'presenter-remove', target: identity, placeId } as const
    await this.#options.decisions.decide(attempt, `scene ${placeId}`, async (query) => {
      const removed = await query(REMOVE, [room, identity])
      return { result: removed.length > 0 ? 'done' : 'was none', value: undefined }
    })
    await this.#show(room)
  }

  /** A person who streams with a key presents too. */
  async addStreamer(room: string, identity: string, nowMs: number): Promise<void> {
    await this.#options.database.query(ADD, [room, identity, identity, nowMs])
    await this.#show(room, { create: true })
  }

  /** Shows the presenters to the participants of the room. Never rejects: the database has them, and the next look shows them. */
  async #show(room: string, { create = false } = {}): Promise<void> {
    const { control, log } = this.#options
    if (!control) return
    try {
      if (create) await control.rooms.create(room)
    } catch (error) {
      log.warn({ room, error: messageOf(error) }, 'the room of a stream could not be created now')
    }
    await control.metadata.settleSoon(room)
  }
}
