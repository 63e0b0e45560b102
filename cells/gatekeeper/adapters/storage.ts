import { Refusal } from '../../chassis/errors.ts'
import type { Running } from '../../chassis/lifecycle.ts'
import type { PeerId } from '../../wire/peer.ts'
import type { Database } from './database.ts'

/** A player kept out of the whole platform by a moderator; times in milliseconds since the epoch. */
export interface PlatformBan {
  id: string
  bannedAddress: string
  bannedBy: string
  reason: string
  customMessage: string | null
  bannedDeviceId: string | null
  bannedAt: number
  expiresAt: number | null
  liftedAt: number | null
  liftedBy: string | null
  createdAt: number
}

/** From where a player was last seen; an absent part is one we were not told. */
export interface PlayerConnection {
  address: PeerId
  ipAddress: string | undefined
  deviceId: string | undefined
}

/** What the gatekeeper remembers beyond its own life. Every method rejects when the database cannot answer in time. */
export interface Storage extends Running {
  /** The ban in force against a wallet or a device, the latest if there are several. */
  activeBan(who: { address: PeerId; deviceId?: string | undefined }, nowMs: number): Promise<PlatformBan | undefined>
  /** Remembers connections, at most one per address; a part we were not told keeps its earlier value. */
  recordConnections(connections: readonly PlayerConnection[], nowMs: number): Promise<void>
  connectionOf(address: PeerId): Promise<PlayerConnection | undefined>
  /** Resolves when the database answers. */
  ping(): Promise<void>
}

/** Questions under way at a time; beyond, one is refused at once instead of waiting in a growing queue. */
const MAX_QUERIES_UNDER_WAY = 500

const ACTIVE_BAN = `
  SELECT id::text AS "id", banned_address AS "bannedAddress", banned_by AS "bannedBy", reason, custom_message AS "customMessage",
         banned_device_id AS "bannedDeviceId", ${milliseconds('banned_at')} AS "bannedAt", ${milliseconds('expires_at')} AS "expiresAt",
         ${milliseconds('lifted_at')} AS "liftedAt", lifted_by AS "liftedBy", ${milliseconds('created_at')} AS "createdAt"
    FROM user_bans
   WHERE (banned_address = $1 OR banned_device_id = $2)
     AND lifted_at IS NULL AND (expires_at IS NULL OR expires_at > to_timestamp($3::float8 / 1000))
   ORDER BY banned_at DESC, id
   LIMIT 1`

// Sorted by address, so that two replicas writing the same players never wait for each other in a circle.
const RECORD_CONNECTIONS = `
  INSERT INTO player_connection_info AS known (address, ip_address, device_id, created_at, updated_at)
  SELECT seen.address, seen.ip_address, seen.device_id, $4::float8::bigint, $4::float8::bigint
    FROM unnest($1::text[], $2::text[], $3::text[]) AS seen (address, ip_address, device_id)
   ORDER BY seen.address
  ON CONFLICT (address) DO UPDATE
     SET ip_address = COALESCE(NULLIF(EXCLUDED.ip_address, ''), known.ip_address),
         device_id = COALESCE(NULLIF(EXCLUDED.device_id, ''), known.device_id),
         updated_at = EXCLUDED.updated_at`

const CONNECTION = 'SELECT ip_address AS "ipAddress", device_id AS "deviceId" FROM player_connection_info WHERE address = $1'

// Numbers come out of both drivers the same, dates and 64-bit integers do not.
function milliseconds(column: string): string {
  return `(extract(epoch FROM ${column}) * 1000)::float8`
}

/** The storage over any database that speaks PostgreSQL; its schema has to be there (`migrations/migrate.ts`). */
export function createStorage(database: Database): Storage {
  let underWay = 0
  async function ask<Row extends object>(sql: string, parameters: readonly unknown[] = []): Promise<Row[]> {
    if (underWay >= MAX_QUERIES_UNDER_WAY) throw new Refusal('UNAVAILABLE', 'the database is busy')
    underWay++
    try {
      return await database.query<Row>(sql, parameters)
    } finally {
      underWay--
    }
  }

  return {
    async activeBan({ address, deviceId }, nowMs) {
      const [ban] = await ask<PlatformBan>(ACTIVE_BAN, [address, deviceId ?? null, nowMs])
      return ban
    },
    async recordConnections(connections, nowMs) {
      if (connections.length === 0) return
      await ask(RECORD_CONNECTIONS, [
        connections.map(({ address }) => address),
        connections.map(({ ipAddress }) => ipAddress ?? null),
        connections.map(({ deviceId }) => deviceId ?? null),
        nowMs,
      ])
    },
    async connectionOf(address) {
      const [row] = await ask<{ ipAddress: string | null; deviceId: string | null }>(CONNECTION, [address])
      return row && { address, ipAddress: row.ipAddress ?? undefined, deviceId: row.deviceId ?? undefined }
    },
    async ping() {
      await ask('SELECT 1')
    },
    stop: () => database.stop(),
  }
}
