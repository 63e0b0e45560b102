import type { Migration } from './migration.ts'

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
    'CREATE TABLE scene_bans_version (version bigint NOT NULL)',
    'INSERT INTO scene_bans_version VALUES (1)',
    `CREATE FUNCTION scene_bans_changed() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN
       UPDATE scene_bans_version SET version = version + 1;
       RETURN NULL;
     END $$`,
    `CREATE TRIGGER scene_bans_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON scene_bans
       FOR EACH STATEMENT EXECUTE FUNCTION scene_bans_changed()`,
    'CREATE INDEX scene_bans_banned_address ON scene_bans (banned_address)',
  ],
}
