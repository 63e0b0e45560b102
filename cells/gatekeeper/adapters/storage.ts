import type { Running } from '../../chassis/lifecycle.ts'
import type { PeerId } from '../../wire/peer.ts'
import type { PlatformBan } from '../core/active-bans.ts'
import type { Database } from './database.ts'
import { BAN_COLUMNS, type BanChanges, BEFORE_ALL_IDS, changesOf, milliseconds } from './sql.ts'

/** The last known address and device of a player; undefined where unknown. */
export interface PlayerConnection {
  address: PeerId
  ipAddress: string | undefined
  deviceId: string | undefined
}

/** The data that the gatekeeper keeps across restarts. Every method rejects when the database does not answer in time. */
export interface Storage extends Running {
  /** The tables that only one part of the gatekeeper reads and writes. */
  readonly database: Pick<Database, 'query' | 'transaction'>
  /** Every ban that is not lifted; some may have expired. */
  unliftedBans(): Promise<PlatformBan[]>
  /** Those against some wallets. */
  unliftedBansOf(wallets: readonly PeerId[]): Promise<PlatformBan[]>
  /** What changed of the bans after a version. */
  bansSince(version: string | undefined): Promise<BanChanges>
  /** Records connections, at most one per address; an undefined value keeps the one recorded before. */
  recordConnections(connections: readonly PlayerConnection[], nowMs: number): Promise<void>
  /** Deletes up to `limit` records of players who were last seen before a time; returns how many it deleted. */
  forgetConnections(beforeMs: number, limit: number): Promise<number>
  connectionOf(address: PeerId): Promise<PlayerConnection | undefined>
  /** Resolves when the database answers. */
  ping(): Promise<void>
}

/** So few that reading them stays within the time limit of a statement, and holds up requests for a moment only. */
const BANS_PER_STATEMENT = 10_000

// A condition that also takes no id would keep the index from being used: each page would sort all bans. A page is one text, because
// the embedded engine reads a text in a third of the time that it takes for as many values, and in half of it without names.
const UNLIFTED_BANS = `
  SELECT coalesce(json_agg(json_build_array(
           id, banned_address, banned_by, reason, custom_message, banned_device_id,
           ${milliseconds('banned_at')}, ${milliseconds('expires_at')}, ${milliseconds('created_at')}) ORDER BY id), '[]')::text AS bans
    FROM (SELECT * FROM user_bans WHERE lifted_at IS NULL AND id > $1::uuid ORDER BY id LIMIT $2::int) AS ban`

type BanValues = [
  ...[id: string, bannedAddress: string, bannedBy: string, reason: string, customMessage: string | null, device: string | null],
  ...[bannedAt: number, expiresAt: number | null, createdAt: number],
]
const banOf = ([
  id,
  bannedAddress,
  bannedBy,
  reason,
  customMessage,
  device,
  bannedAt,
  expiresAt,
  createdAt,
]: BanValues): PlatformBan => ({
  ...{ id, bannedAddress, bannedBy, reason, customMessage, bannedDeviceId: device },
  ...{ bannedAt, expiresAt, liftedAt: null, liftedBy: null, createdAt },
})

const UNLIFTED_BANS_OF = `SELECT ${BAN_COLUMNS} FROM user_bans WHERE lifted_at IS NULL AND banned_address = ANY($1::text[])`

// Sorted by address, so that two replicas that write the same players never deadlock.
const RECORD_CONNECTIONS = `
  INSERT INTO player_connection_info AS known (address, ip_address, device_id, created_at, updated_at)
  SELECT seen.address, seen.ip_address, seen.device_id, $4::float8::bigint, $4::float8::bigint
    FROM unnest($1::text[], $2::text[], $3::text[]) AS seen (address, ip_address, device_id)
   ORDER BY seen.address
  ON CONFLICT (address) DO UPDATE
     SET ip_address = COALESCE(NULLIF(EXCLUDED.ip_address, ''), known.ip_address),
         device_id = COALESCE(NULLIF(EXCLUDED.device_id, ''), known.device_id),
         updated_at = EXCLUDED.updated_at`

const FORGET_CONNECTIONS = `
  DELETE FROM player_connection_info
   WHERE address IN (SELECT address FROM player_connection_info
                      WHERE updated_at < $1::float8::bigint ORDER BY address LIMIT $2::int FOR UPDATE SKIP LOCKED)
  RETURNING address`

const CONNECTION = 'SELECT ip_address AS "ipAddress", device_id AS "deviceId" FROM player_connection_info WHERE address = $1'

/** Storage in a PostgreSQL database whose schema is up to date (`migrations/migrate.ts`). */
export class SqlStorage implements Storage {
  readonly database: Database

  constructor(database: Database) {
    this.database = database
  }

  async unliftedBans(): Promise<PlatformBan[]> {
    const bans: PlatformBan[] = []
    for (;;) {
      const after = bans.at(-1)?.id ?? BEFORE_ALL_IDS
      const [row] = await this.database.query<{ bans: string }>(UNLIFTED_BANS, [after, BANS_PER_STATEMENT])
      const page = JSON.parse(row?.bans ?? '[]') as BanValues[]
      for (const values of page) bans.push(banOf(values))
      if (page.length < BANS_PER_STATEMENT) return bans
    }
  }

  async unliftedBansOf(wallets: readonly PeerId[]): Promise<PlatformBan[]> {
    return wallets.length === 0 ? [] : this.database.query<PlatformBan>(UNLIFTED_BANS_OF, [wallets])
  }

  bansSince(version: string | undefined): Promise<BanChanges> {
    return changesOf(this.database.query, 'user_bans', version)
  }

  async recordConnections(connections: readonly PlayerConnection[], nowMs: number): Promise<void> {
    if (connections.length === 0) return
    await this.database.query(RECORD_CONNECTIONS, [
      connections.map(({ address }) => address),
      connections.map(({ ipAddress }) => ipAddress ?? null),
      connections.map(({ deviceId }) => deviceId ?? null),
      nowMs,
    ])
  }

  async forgetConnections(beforeMs: number, limit: number): Promise<number> {
    return (await this.database.query(FORGET_CONNECTIONS, [beforeMs, limit])).length
  }

  async connectionOf(address: PeerId): Promise<PlayerConnection | undefined> {
    const [row] = await this.database.query<{ ipAddress: string | null; deviceId: string | null }>(CONNECTION, [address])
    return row && { address, ipAddress: row.ipAddress ?? undefined, deviceId: row.deviceId ?? undefined }
  }

  async ping(): Promise<void> {
    await this.database.query('SELECT 1')
  }

  stop(): Promise<void> {
    return this.database.stop()
  }
}
