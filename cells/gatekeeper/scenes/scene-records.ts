import type { PeerId } from '../../wire/peer.ts'
import type { Database, SqlQuery } from '../adapters/database.ts'
import { type BanChanges, BEFORE_ALL_IDS, changesOf } from '../adapters/sql.ts'
import type { Page } from '../api/declaration.ts'
import type { Decision, Decisions } from '../decisions.ts'

/** An administrator whom another one added; the time as text, because upstream answers it so. */
export interface SceneAdmin {
  id: string
  place_id: string
  admin: PeerId
  added_by: string
  created_at: string
  active: boolean
}

/** The scene ban of one wallet. */
export interface SceneBan {
  placeId: string
  address: PeerId
}

/** Where a right comes from: `admin` can be taken away by other administrators at any moment, the others here never. */
export type SceneAuthority = 'admin' | 'privileged' | 'lease' | 'moderator'

/** Who asks for a change of a scene, and by which right. */
export interface SceneChange {
  /** A wallet, or the name of a moderator. */
  actor: string
  authority: SceneAuthority
  placeId: string
  target: PeerId
  reason?: string | undefined
}

/** How a change ended; `lost` = the right of the actor was taken away meanwhile. */
export type AdminAdded = 'done' | 'already admin' | 'banned' | 'lost'
export type AdminRemoved = 'done' | 'no admin' | 'lost'
export type SceneBanAdded = 'done' | 'banned already' | 'is admin' | 'lost'
export type SceneBanLifted = 'done' | 'not banned' | 'lost'

const IS_ADMIN = 'SELECT 1 AS found FROM scene_admin WHERE place_id = $1 AND admin = $2 AND active'
const IS_BANNED = 'SELECT 1 AS found FROM scene_bans WHERE place_id = $1 AND banned_address = $2'
const ADD_ADMIN = `
  INSERT INTO scene_admin (place_id, admin, added_by, created_at) VALUES ($1, $2, $3, $4::float8::bigint)
  ON CONFLICT (place_id, admin) WHERE active DO NOTHING RETURNING id`
const REMOVE_ADMIN = 'UPDATE scene_admin SET active = false WHERE place_id = $1 AND admin = $2 AND active RETURNING id'
const BAN = `
  INSERT INTO scene_bans (place_id, banned_address, banned_by, banned_at) VALUES ($1, $2, $3, $4::float8::bigint)
  ON CONFLICT (place_id, banned_address) DO NOTHING RETURNING id`
const UNBAN = 'DELETE FROM scene_bans WHERE place_id = $1 AND banned_address = $2 RETURNING id'

/** So many administrators of one scene are shown. */
const MAX_ADMINS = 1_000
const ADMINS = `
  SELECT id::text AS "id", place_id, admin, added_by, created_at::text AS "created_at", active
    FROM scene_admin WHERE place_id = $1 AND active AND ($2::text IS NULL OR admin = $2)
   ORDER BY created_at, id LIMIT ${MAX_ADMINS}`

const BANS =
  'SELECT banned_address AS "address" FROM scene_bans WHERE place_id = $1 ORDER BY banned_at DESC, id LIMIT $2::int OFFSET $3::int'

const BANS_PER_STATEMENT = 20_000
// A page is one text, because the embedded engine reads a text in a third of the time that it takes for as many values.
const ALL_BANS = `
  SELECT coalesce(json_agg(json_build_array(id, place_id, banned_address) ORDER BY id), '[]')::text AS bans
    FROM (SELECT id, place_id, banned_address FROM scene_bans WHERE id > $1::uuid ORDER BY id LIMIT ${BANS_PER_STATEMENT}) AS ban`

/** Bans and administrators of scenes in the database, each change with its entry in the record of decisions. */
export class SceneRecords {
  readonly #database: Pick<Database, 'query'>
  readonly #decisions: Pick<Decisions, 'decide'>

  constructor(database: Pick<Database, 'query'>, decisions: Pick<Decisions, 'decide'>) {
    this.#database = database
    this.#decisions = decisions
  }

  async isAdmin(wallet: PeerId, placeId: string): Promise<boolean> {
    return (await this.#database.query(IS_ADMIN, [placeId, wallet])).length > 0
  }

  admins(placeId: string, only: PeerId | undefined): Promise<SceneAdmin[]> {
    return this.#database.query<SceneAdmin>(ADMINS, [placeId, only ?? null])
  }

  addAdmin(change: SceneChange): Promise<AdminAdded> {
    const { placeId, target, actor } = change
    return this.#change(change, 'scene-admin-add', async (query, nowMs) => {
      if ((await query(IS_BANNED, [placeId, target])).length > 0) return 'banned'
      const added = await query(ADD_ADMIN, [placeId, target, actor, nowMs])
      return added.length > 0 ? 'done' : 'already admin'
    })
  }

  removeAdmin(change: SceneChange): Promise<AdminRemoved> {
    const { placeId, target } = change
    return this.#change(change, 'scene-admin-remove', async (query) =>
      (await query(REMOVE_ADMIN, [placeId, target])).length > 0 ? 'done' : 'no admin',
    )
  }

  ban(change: SceneChange): Promise<SceneBanAdded> {
    const { placeId, target, actor } = change
    return this.#change(change, 'scene-ban', async (query, nowMs) => {
      if ((await query(IS_ADMIN, [placeId, target])).length > 0) return 'is admin'
      return (await query(BAN, [placeId, target, actor, nowMs])).length > 0 ? 'done' : 'banned already'
    })
  }

  unban(change: SceneChange): Promise<SceneBanLifted> {
    const { placeId, target } = change
    return this.#change(change, 'scene-unban', async (query) =>
      (await query(UNBAN, [placeId, target])).length > 0 ? 'done' : 'not banned',
    )
  }

  /** The latest first. */
  async bans(placeId: string, { limit, offset }: Page): Promise<{ addresses: PeerId[]; total: number }> {
    const rows = await this.#database.query<{ address: PeerId }>(BANS, [placeId, limit, offset])
    const [count] = await this.#database.query<{ total: number }>(
      'SELECT count(*)::int AS total FROM scene_bans WHERE place_id = $1',
      [placeId],
    )
    return { addresses: rows.map(({ address }) => address), total: count?.total ?? 0 }
  }

  /** Every ban of every scene. */
  async allBans(): Promise<SceneBan[]> {
    const bans: SceneBan[] = []
    let after = BEFORE_ALL_IDS
    for (;;) {
      const [row] = await this.#database.query<{ bans: string }>(ALL_BANS, [after])
      const page = JSON.parse(row?.bans ?? '[]') as [id: string, placeId: string, address: PeerId][]
      for (const [, placeId, address] of page) bans.push({ placeId, address })
      if (page.length < BANS_PER_STATEMENT) return bans
      after = page.at(-1)?.[0] ?? after
    }
  }

  async bansOf(wallets: readonly PeerId[]): Promise<SceneBan[]> {
    if (wallets.length === 0) return []
    return this.#database.query<SceneBan>(
      'SELECT place_id AS "placeId", banned_address AS "address" FROM scene_bans WHERE banned_address = ANY($1::text[])',
      [wallets],
    )
  }

  /** What changed of the bans after a version. */
  bansSince(version: string | undefined): Promise<BanChanges> {
    return changesOf(this.#database.query, 'scene_bans', version)
  }

  /** No right and no ban is decided on what another change of the place is about to replace. */
  #change<Result extends string>(
    { actor, authority, placeId, target, reason }: SceneChange,
    action: Decision['action'],
    carryOut: (query: SqlQuery, nowMs: number) => Promise<Result>,
  ): Promise<Result | 'lost'> {
    const attempt = { actor, action, target, placeId, reason }
    return this.#decisions.decide<Result | 'lost'>(attempt, `scene ${placeId}`, async (query, nowMs) => {
      if (authority === 'admin' && (await query(IS_ADMIN, [placeId, actor])).length === 0)
        return { result: 'the right was taken away', value: 'lost' }
      const value = await carryOut(query, nowMs)
      return { result: value, value }
    })
  }
}
