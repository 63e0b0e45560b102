import type { PeerId } from '../../wire/peer.ts'
import type { Database, SqlQuery } from '../adapters/database.ts'
import type { Decision, Decisions } from '../decisions.ts'
import type { SceneAuthority } from '../scenes/scene-records.ts'
import type { ScenePlace } from '../upstream/places.ts'

/** The permission to stream to a scene, by the key; times in milliseconds since the epoch. */
export interface StreamAccess {
  id: string
  placeId: string
  /** Of the RTMP endpoint; '' where LiveKit has no ingress. */
  url: string
  key: string
  /** '' where there is no RTMP endpoint. */
  ingressId: string
  createdAt: number
  expiresAt: number
  streaming: boolean
  room: string
  /** The scene as it was when the key was made; undefined for a preview. */
  place: ScenePlace | undefined
}

/** A key to be stored. */
export interface NewStream extends Pick<StreamAccess, 'id' | 'url' | 'key' | 'ingressId' | 'placeId' | 'room' | 'place'> {
  actor: PeerId
  /** By which right; undefined for a preview, which everyone administers. */
  authority: SceneAuthority | undefined
}

/** Why a key was not stored: another one is in force, or the right of the caller was taken away meanwhile. */
export type StreamStarted = { access: StreamAccess } | 'lost'

const DAY_MS = 24 * 3_600_000
/** As long as upstream's (ADR-205). */
export const KEY_LIFETIME_MS = 4 * DAY_MS
export const SESSION_LIMIT_MS = 4 * 3_600_000
/** In which a process that created an RTMP endpoint has stored its key, or never does. */
const CREATION_MS = 5 * 60_000
/** In which a process that takes a removal has done it, or another one tries. */
const REMOVAL_MS = 30_000
const BATCH = 100

const EXPIRES_AT = `coalesce(expiration_time, created_at + ${KEY_LIFETIME_MS})`
const COLUMNS = `id::text AS "id", place_id AS "placeId", streaming_url AS "url", streaming_key AS "key", ingress_id AS "ingressId",
  created_at::float8 AS "createdAt", ${EXPIRES_AT}::float8 AS "expiresAt", streaming, coalesce(room_id, '') AS "room", place`
const ACTIVE = `SELECT ${COLUMNS} FROM scene_stream_access WHERE active`

const INSERT = `
  INSERT INTO scene_stream_access
    (id, place_id, streaming_url, streaming_key, ingress_id, created_at, expiration_time, room_id, generated_by, place)
  VALUES ($1::uuid, $2, $3, $4, $5, $6::float8::bigint, $7::float8::bigint, $8, $9, $10)`

/** Ends keys, and notes their RTMP endpoints for removal and their presenters for nothing, in one statement. */
const ending = (which: string, nowParameter: string): string => `
  WITH chosen AS (
    SELECT id FROM scene_stream_access WHERE active AND (${which}) ORDER BY id LIMIT ${BATCH} FOR UPDATE
  ), ended AS (
    UPDATE scene_stream_access SET active = false, streaming = false WHERE id IN (SELECT id FROM chosen)
    RETURNING id, room_id, ingress_id, place_id
  ), noted AS (
    INSERT INTO stream_ingress_removals (id, room_id, ingress_id, due_at)
    SELECT id, coalesce(room_id, ''), ingress_id, ${nowParameter}::float8::bigint FROM ended WHERE ingress_id <> ''
    ON CONFLICT (id) DO UPDATE SET ingress_id = EXCLUDED.ingress_id, due_at = EXCLUDED.due_at
  ), presented AS (
    DELETE FROM scene_presenters WHERE room_id IN (SELECT room_id FROM ended)
  )
  SELECT place_id AS "placeId", room_id AS "room" FROM ended`

/** An RTMP endpoint that is to be removed; its id is unknown where the process ended that created it. */
export interface IngressRemoval {
  id: string
  room: string
  ingressId: string | null
}

/** The keys of streams in the database. Every change of a scene's key happens after the one before it. */
export class StreamRecords {
  readonly #database: Pick<Database, 'query' | 'transaction'>
  readonly #decisions: Pick<Decisions, 'decide'>

  constructor(database: Pick<Database, 'query' | 'transaction'>, decisions: Pick<Decisions, 'decide'>) {
    this.#database = database
    this.#decisions = decisions
  }

  activeOf(placeId: string): Promise<StreamAccess | undefined> {
    return one(this.#database.query, `${ACTIVE} AND place_id = $1`, [placeId])
  }

  byKey(key: string): Promise<StreamAccess | undefined> {
    return one(this.#database.query, `${ACTIVE} AND streaming_key = $1`, [key])
  }

  byRoom(room: string): Promise<StreamAccess | undefined> {
    return one(this.#database.query, `${ACTIVE} AND room_id = $1 ORDER BY created_at DESC`, [room])
  }

  /** Whether the key of this id opens the room. @param idPrefix the beginning of the id */
  async opens(room: string, idPrefix: string): Promise<boolean> {
    const sql = 'SELECT 1 AS found FROM scene_stream_access WHERE active AND room_id = $1 AND starts_with(id::text, $2)'
    return (await this.#database.query(sql, [room, idPrefix])).length > 0
  }

  /** Notes an RTMP endpoint that is about to be created. */
  async plan(id: string, room: string, nowMs: number): Promise<void> {
    await this.#database.query(
      'INSERT INTO stream_ingress_removals (id, room_id, due_at) VALUES ($1::uuid, $2, $3::float8::bigint)',
      [id, room, nowMs + CREATION_MS],
    )
  }

  /** Forgets an RTMP endpoint that is removed, or was never created. */
  async forget(id: string): Promise<void> {
    await this.#database.query('DELETE FROM stream_ingress_removals WHERE id = $1::uuid', [id])
  }

  /**
   * Stores a new key. Where another one was stored meanwhile, that one stays unless `replaces` says otherwise.
   *
   * @param usable whether a key that is in force is as good as the new one
   */
  start(stream: NewStream, { replaces, usable }: { replaces: boolean; usable: (access: StreamAccess) => boolean }) {
    const action = replaces ? 'stream-reset' : 'stream-start'
    return this.#decide<StreamStarted>(stream, action, async (query, nowMs) => {
      const { id, placeId, url, key, ingressId, room, place, actor } = stream
      const existing = await one(query, `${ACTIVE} AND place_id = $1`, [placeId])
      if (existing && !replaces && usable(existing)) return { result: 'exists already', value: { access: existing } }
      await query(ending('place_id = $1', '$2'), [placeId, nowMs])
      const described = place === undefined ? null : JSON.stringify(place)
      const times = [nowMs, nowMs + KEY_LIFETIME_MS]
      await query(INSERT, [id, placeId, url, key, ingressId, ...times, room, actor, described])
      await query('DELETE FROM stream_ingress_removals WHERE id = $1::uuid', [id])
      const access = await one(query, `${ACTIVE} AND place_id = $1`, [placeId])
      if (!access) throw new Error('a key that was stored is not there')
      return { result: 'done', value: { access } }
    })
  }

  /** Ends the key of a scene. */
  end(change: Pick<NewStream, 'actor' | 'authority' | 'placeId'>): Promise<'done' | 'no key' | 'lost'> {
    return this.#decide<'done' | 'no key' | 'lost'>(change, 'stream-end', async (query, nowMs) => {
      const ended = await query(ending('place_id = $1', '$2'), [change.placeId, nowMs])
      const value = ended.length > 0 ? 'done' : 'no key'
      return { result: value, value }
    })
  }

  /** Ends keys whose time is over, at most a batch; returns how many. */
  async endExpired(nowMs: number): Promise<number> {
    const over = `(NOT streaming AND ${EXPIRES_AT} <= $1::float8::bigint) OR (streaming AND streaming_start_time <= $2::float8::bigint)`
    return (await this.#database.query(ending(over, '$1'), [nowMs, nowMs - SESSION_LIMIT_MS])).length
  }

  /** Who made the keys that are in force. */
  makers(): Promise<{ id: string; maker: PeerId; placeId: string }[]> {
    return this.#database.query(
      'SELECT id::text AS "id", generated_by AS "maker", place_id AS "placeId" FROM scene_stream_access WHERE active AND generated_by IS NOT NULL',
    )
  }

  async endAll(ids: readonly string[], nowMs: number): Promise<number> {
    return (await this.#database.query(ending('id = ANY ($2::text[]::uuid[])', '$1'), [nowMs, ids])).length
  }

  /** Takes removals that are due, so that no other process takes them for a while. */
  takeRemovals(nowMs: number): Promise<IngressRemoval[]> {
    return this.#database.query<IngressRemoval>(
      `UPDATE stream_ingress_removals SET due_at = $2::float8::bigint
        WHERE id IN (SELECT id FROM stream_ingress_removals WHERE due_at <= $1::float8::bigint
                      ORDER BY due_at LIMIT ${BATCH} FOR UPDATE SKIP LOCKED)
       RETURNING id::text AS "id", room_id AS "room", ingress_id AS "ingressId"`,
      [nowMs, nowMs + REMOVAL_MS],
    )
  }

  /** Whether this process does a piece of work now; no other one does it for `everyMs`. */
  async takeTurn(work: string, nowMs: number, everyMs: number): Promise<boolean> {
    const taken = await this.#database.query(
      `INSERT INTO repeated_work AS known (work, due_at) VALUES ($1, $3::float8::bigint)
       ON CONFLICT (work) DO UPDATE SET due_at = EXCLUDED.due_at WHERE known.due_at <= $2::float8::bigint RETURNING work`,
      [work, nowMs, nowMs + everyMs],
    )
    return taken.length > 0
  }

  /** A session of an RTMP endpoint began; events may be late, doubled or out of order. @param session its beginning in nanoseconds */
  async sessionBegan(ingressId: string, session: bigint): Promise<void> {
    await this.#database.query(
      `UPDATE scene_stream_access
          SET streaming = true, streaming_session = $2::text::bigint, streaming_start_time = $2::text::bigint / 1000000
        WHERE active AND ingress_id = $1 AND streaming_session < $2::text::bigint`,
      [ingressId, String(session)],
    )
  }

  /** A session of an RTMP endpoint, and with it all before, ended. */
  async sessionEnded(ingressId: string, session: bigint): Promise<void> {
    await this.#database.query(
      `UPDATE scene_stream_access SET streaming = false, streaming_session = $2::text::bigint
        WHERE ingress_id = $1 AND streaming_session <= $2::text::bigint`,
      [ingressId, String(session)],
    )
  }

  /** The RTMP endpoints of keys in force, with the session that is known, and since when there is the key. */
  endpoints(): Promise<{ id: string; ingressId: string; streaming: boolean; session: string; createdAt: number }[]> {
    return this.#database.query(
      `SELECT id::text AS "id", ingress_id AS "ingressId", streaming, streaming_session::text AS "session", created_at::float8 AS "createdAt"
         FROM scene_stream_access WHERE active AND ingress_id <> '' ORDER BY id LIMIT 1000`,
    )
  }

  /** LiveKit lost an RTMP endpoint: the key still opens the room for who streams from a browser. */
  async endpointLost(id: string): Promise<void> {
    await this.#database.query(
      "UPDATE scene_stream_access SET ingress_id = '', streaming_url = '', streaming = false WHERE id = $1::uuid",
      [id],
    )
  }

  #decide<Value>(
    { actor, authority, placeId }: Pick<NewStream, 'actor' | 'authority' | 'placeId'>,
    action: Decision['action'],
    carryOut: (query: SqlQuery, nowMs: number) => Promise<{ result: string; value: Value }>,
  ): Promise<Value | 'lost'> {
    const isAdmin = 'SELECT 1 AS found FROM scene_admin WHERE place_id = $1 AND admin = $2 AND active'
    return this.#decisions.decide<Value | 'lost'>(
      { actor, action, target: placeId, placeId },
      `scene ${placeId}`,
      async (query, nowMs) => {
        if (authority === 'admin' && (await query(isAdmin, [placeId, actor])).length === 0)
          return { result: 'the right was taken away', value: 'lost' }
        return carryOut(query, nowMs)
      },
    )
  }
}

async function one(query: SqlQuery, sql: string, parameters: readonly unknown[]): Promise<StreamAccess | undefined> {
  const [row] = await query<Omit<StreamAccess, 'place'> & { place: string | null }>(`${sql} LIMIT 1`, parameters)
  return row && { ...row, place: row.place === null ? undefined : (JSON.parse(row.place) as ScenePlace) }
}
