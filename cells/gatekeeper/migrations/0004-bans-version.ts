import type { Migration } from './migration.ts'

/**
 * A number that grows with every change of the bans, one typed in SQL too: each replica looks at it twice a second. It is a row and
 * not a sequence, because a sequence shows a change before it is committed, and would never show it again.
 */
export const bansVersion: Migration = {
  version: 4,
  name: 'version of the bans',
  statements: [
    'CREATE TABLE user_bans_version (version bigint NOT NULL)',
    'INSERT INTO user_bans_version VALUES (1)',
    `CREATE FUNCTION user_bans_changed() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN
       UPDATE user_bans_version SET version = version + 1;
       RETURN NULL;
     END $$`,
    `CREATE TRIGGER user_bans_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON user_bans
       FOR EACH STATEMENT EXECUTE FUNCTION user_bans_changed()`,
  ],
}
