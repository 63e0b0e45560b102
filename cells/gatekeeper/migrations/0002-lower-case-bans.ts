import type { Migration } from './migration.ts'

/**
 * Bans are typed by hand, and one with a checksummed address matched no wallet. A trigger lower-cases it instead of a CHECK that
 * refuses it, so that moderators' tools and every version of the gatekeeper go on working.
 */
export const lowerCaseBans: Migration = {
  version: 2,
  name: 'lower-case bans',
  statements: [
    'UPDATE user_bans SET banned_address = lower(btrim(banned_address)) WHERE banned_address <> lower(btrim(banned_address))',
    `CREATE FUNCTION user_bans_lower_case() RETURNS trigger LANGUAGE plpgsql AS $$
     BEGIN
       NEW.banned_address := lower(btrim(NEW.banned_address));
       RETURN NEW;
     END $$`,
    `CREATE TRIGGER user_bans_lower_case BEFORE INSERT OR UPDATE OF banned_address ON user_bans
       FOR EACH ROW EXECUTE FUNCTION user_bans_lower_case()`,
    'CREATE INDEX user_bans_unlifted ON user_bans (banned_at) WHERE lifted_at IS NULL',
    'CREATE INDEX player_connection_info_updated_at ON player_connection_info (updated_at)',
  ],
}
