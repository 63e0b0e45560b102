import { changeCounterOf, type Migration } from './migration.ts'

/**
 * Kicks of the last minutes, for the replicas whose connectors still have the player. And a number that grows with every change of
 * the bans of scenes, as for those of the platform: to look for a change read all of them.
 */
export const kicks: Migration = {
  version: 7,
  name: 'kicks, and the version of scene bans',
  statements: [
    `CREATE TABLE player_kicks (
       id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
       address   text NOT NULL,
       kicked_at timestamptz NOT NULL DEFAULT clock_timestamp()
     )`,
    ...changeCounterOf('scene_bans'),
    'CREATE INDEX scene_bans_banned_address ON scene_bans (banned_address)',
  ],
}
