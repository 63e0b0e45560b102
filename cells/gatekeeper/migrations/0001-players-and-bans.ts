import type { Migration } from './migration.ts'

/** Last known connections of players, and bans from the platform (gatekeeper.md §7); timestamps have a time zone. */
export const playersAndBans: Migration = {
  version: 1,
  name: 'players and bans',
  statements: [
    `CREATE TABLE player_connection_info (
       address    varchar(42) PRIMARY KEY,
       ip_address varchar(45),
       device_id  text,
       created_at bigint NOT NULL,
       updated_at bigint NOT NULL
     )`,
    `CREATE TABLE user_bans (
       id               uuid PRIMARY KEY DEFAULT gen_random_uuid(),
       banned_address   varchar NOT NULL,
       banned_by        varchar NOT NULL,
       reason           text NOT NULL,
       custom_message   text,
       banned_device_id text,
       banned_at        timestamptz NOT NULL DEFAULT now(),
       expires_at       timestamptz,
       lifted_at        timestamptz,
       lifted_by        varchar,
       created_at       timestamptz NOT NULL DEFAULT now()
     )`,
    'CREATE INDEX user_bans_banned_address ON user_bans (banned_address)',
    `CREATE INDEX user_bans_banned_device_id ON user_bans (banned_device_id)
      WHERE lifted_at IS NULL AND banned_device_id IS NOT NULL`,
  ],
}
