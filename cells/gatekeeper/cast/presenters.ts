import { messageOf } from '../../chassis/errors.ts'
import type { Log } from '../../chassis/log.ts'
import type { LivekitRooms } from '../../rtc/livekit-rooms.ts'
import type { PeerId } from '../../wire/peer.ts'
import type { Database } from '../adapters/database.ts'
import type { Decisions } from '../decisions.ts'

export interface PresentersOptions {
  database: Pick<Database, 'query'>
  decisions: Pick<Decisions, 'decide'>
  /** Undefined where the rooms are not those of a LiveKit. */
  rooms: Pick<LivekitRooms, 'rooms' | 'create' | 'setMetadata'> | undefined
  /** Corrects what else is in the metadata of a room, which may have changed while the presenters were written. */
  settle?: ((room: string) => Promise<void>) | undefined
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
const ATTEMPTS = 3
const LIST = `SELECT identity FROM scene_presenters WHERE room_id = $1 ORDER BY added_at, identity LIMIT ${MAX_PRESENTERS}`
const ADD = `
  INSERT INTO scene_presenters (room_id, identity, added_by, added_at)
  SELECT $1, $2, $3, $4::float8::bigint WHERE (SELECT count(*) FROM scene_presenters WHERE room_id = $1) < ${MAX_PRESENTERS}
  ON CONFLICT (room_id, identity) DO NOTHING RETURNING identity`
const REMOVE = 'DELETE FROM scene_presenters WHERE room_id = $1 AND identity = $2 RETURNING identity'

/**
 * Who may present slides in which room. The database has them, and the metadata of the room shows them to explorers, beside what
 * others write there.
 */
export class Presenters {
  readonly #options: PresentersOptions

  constructor(options: PresentersOptions) {
    this.#options = options
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
    await this.show(room)
  }

  async remove({ actor, placeId, room, identity }: PresenterChange): Promise<void> {
    const attempt = { actor, action: 'presenter-remove', target: identity, placeId } as const
    await this.#options.decisions.decide(attempt, `scene ${placeId}`, async (query) => {
      const removed = await query(REMOVE, [room, identity])
      return { result: removed.length > 0 ? 'done' : 'was none', value: undefined }
    })
    await this.show(room)
  }

  /** A person who streams with a key presents too. */
  async addStreamer(room: string, identity: string, nowMs: number): Promise<void> {
    await this.#options.database.query(ADD, [room, identity, identity, nowMs])
    await this.show(room, { create: true })
  }

  /** Writes the presenters into the metadata of the room. Never rejects: they are kept, and the next change shows them. */
  async show(room: string, { create = false } = {}): Promise<void> {
    const { rooms, settle, log } = this.#options
    if (!rooms) return
    try {
      if (create) await rooms.create(room)
      for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
        const presenters = await this.of(room)
        const [found] = await rooms.rooms([room])
        if (!found) return
        const metadata = objectIn(found.metadata)
        // Another replica may have written in between, and over it: the one that comes last looks again.
        if (JSON.stringify(metadata.presenters ?? []) === JSON.stringify(presenters)) return settle?.(room)
        await rooms.setMetadata(room, JSON.stringify({ ...metadata, presenters }))
      }
    } catch (error) {
      log.warn({ room, error: messageOf(error) }, 'the presenters of a room cannot be shown to its participants now')
    }
  }
}

function objectIn(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
