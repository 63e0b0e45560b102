import type { PeerId } from '../../wire/peer.ts'
import type { SqlQuery } from './database.ts'

/** A timestamp in milliseconds since the epoch: both drivers return numbers in the same way, but not dates and 64-bit integers. */
export const milliseconds = (column: string): string => `(extract(epoch FROM ${column}) * 1000)::float8`

/** The id after which the first page of a list by random ids begins. */
export const BEFORE_ALL_IDS = '00000000-0000-0000-0000-000000000000'

/** What changed of a table of bans since it was read the last time. */
export interface BanChanges {
  /** Another text after every change. */
  version: string
  /** The wallets whose bans changed; undefined = all bans have to be read. */
  wallets: readonly PeerId[] | undefined
}

/** What changed of a table of bans after a version; all of it where the version is undefined. It costs next to nothing where nothing did. */
export async function changesOf(query: SqlQuery, table: string, since: string | undefined): Promise<BanChanges> {
  const [row] = await query<{ version: string; isLogged: boolean; wallets: string }>(
    `SELECT now_known.version::text AS version, now_known.all_since <= $1::text::bigint AS "isLogged",
            (SELECT coalesce(json_agg(DISTINCT address), '[]')::text FROM ${table}_changes WHERE version > $1::text::bigint) AS wallets
       FROM ${table}_version AS now_known`,
    [since ?? '-1'],
  )
  return { version: row?.version ?? '', wallets: row?.isLogged ? (JSON.parse(row.wallets) as PeerId[]) : undefined }
}

/** The columns of a ban as a `PlatformBan`. */
export const BAN_COLUMNS = `id::text AS "id", banned_address AS "bannedAddress", banned_by AS "bannedBy", reason,
  custom_message AS "customMessage", banned_device_id AS "bannedDeviceId", ${milliseconds('banned_at')} AS "bannedAt",
  ${milliseconds('expires_at')} AS "expiresAt", ${milliseconds('lifted_at')} AS "liftedAt", lifted_by AS "liftedBy",
  ${milliseconds('created_at')} AS "createdAt"`
