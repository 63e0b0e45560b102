import type { Running } from '../../chassis/lifecycle.ts'
import type { PeerId } from '../../wire/peer.ts'
import type { PlatformBan } from '../core/active-bans.ts'
import type { Database } from './database.ts'
import { BAN_COLUMNS, BEFORE_ALL_IDS } from './sql.ts'

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
  /** Those against one wallet. */
  unliftedBansOf(address: PeerId): Promise<PlatformBan[]>
  /** Another text after every change of the bans: to ask for it costs next to nothing. */
  bansVersion(): Promise<string>
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

// A condition that also takes no id would keep the index from being used: each page would sort all bans.
const UNLIFTED_BANS = `
  SELECT ${BAN_COLUMNS}
    FROM user_bans
   WHERE lifted_at IS NULL AND id > $1::uuid
   ORDER BY id
   LIMIT $2::int`

const UNLIFTED_BANS_OF = `SELECT ${BAN_COLUMNS} FROM user_bans WHERE lifted_at IS NULL AND banned_address = $1`

const BANS_VERSION = 'SELECT version::text AS version FROM user_bans_version'

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
      const page = await this.database.query<PlatformBan>(UNLIFTED_BANS, [bans.at(-1)?.id ?? BEFORE_ALL_IDS, BANS_PER_STATEMENT])
      bans.push(...page)
      if (page.length < BANS_PER_STATEMENT) return bans
    }
  }

  unliftedBansOf(address: PeerId): Promise<PlatformBan[]> {
    return this.database.query<PlatformBan>(UNLIFTED_BANS_OF, [address])
  }

  async bansVersion(): Promise<string> {
    const [row] = await this.database.query<{ version: string }>(BANS_VERSION)
    return row?.version ?? ''
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
