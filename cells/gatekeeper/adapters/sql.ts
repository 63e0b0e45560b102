/** A timestamp in milliseconds since the epoch: both drivers return numbers in the same way, but not dates and 64-bit integers. */
export const milliseconds = (column: string): string => `(extract(epoch FROM ${column}) * 1000)::float8`

/** The id after which the first page of a list by random ids begins. */
export const BEFORE_ALL_IDS = '00000000-0000-0000-0000-000000000000'

/** The columns of a ban as a `PlatformBan`. */
export const BAN_COLUMNS = `id::text AS "id", banned_address AS "bannedAddress", banned_by AS "bannedBy", reason,
  custom_message AS "customMessage", banned_device_id AS "bannedDeviceId", ${milliseconds('banned_at')} AS "bannedAt",
  ${milliseconds('expires_at')} AS "expiresAt", ${milliseconds('lifted_at')} AS "liftedAt", lifted_by AS "liftedBy",
  ${milliseconds('created_at')} AS "createdAt"`
