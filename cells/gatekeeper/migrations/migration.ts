/** One step of the schema. A released step is never edited; a later step corrects it. */
export interface Migration {
  /** Counts up from 1 without gaps. */
  version: number
  name: string
  statements: readonly string[]
}

/**
 * Statements for a number that grows with every change of a table, one typed in SQL too. It is a row and not a sequence, because a
 * sequence shows a change before it is committed, and would never show it again.
 */
export const changeCounterOf = (table: string): string[] => [
  `CREATE TABLE ${table}_version (version bigint NOT NULL)`,
  `INSERT INTO ${table}_version VALUES (1)`,
  `CREATE FUNCTION ${table}_changed() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     UPDATE ${table}_version SET version = version + 1;
     RETURN NULL;
   END $$`,
  `CREATE TRIGGER ${table}_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON ${table}
     FOR EACH STATEMENT EXECUTE FUNCTION ${table}_changed()`,
]

/** So many wallets of one statement are logged one by one; and so many statements back. A reader that is farther behind reads all. */
const LOGGED = { wallets: 1_000, versions: 1_000 }

/**
 * Statements for a record of whose bans changed with which number of the counter, for a table with `banned_address` and a counter. A
 * reader that knows a number of `all_since` or later finds all wallets whose bans changed after it in the record.
 */
export const changeLogOf = (table: string): string[] => [
  `ALTER TABLE ${table}_version ADD COLUMN all_since bigint NOT NULL DEFAULT 0`,
  `UPDATE ${table}_version SET all_since = version`,
  `CREATE TABLE ${table}_changes (version bigint NOT NULL, address text NOT NULL)`,
  `CREATE INDEX ${table}_changes_version ON ${table}_changes (version)`,
  `DROP TRIGGER ${table}_changed ON ${table}`,
  `CREATE FUNCTION ${table}_logged() RETURNS trigger LANGUAGE plpgsql AS $$
   DECLARE
     current bigint;
     wallets integer := 0;
   BEGIN
     UPDATE ${table}_version SET version = version + 1 RETURNING version INTO current;
     IF TG_OP = 'INSERT' THEN
       INSERT INTO ${table}_changes SELECT DISTINCT current, banned_address FROM fresh LIMIT ${LOGGED.wallets + 1};
     ELSIF TG_OP = 'UPDATE' THEN
       INSERT INTO ${table}_changes
       SELECT DISTINCT current, banned_address FROM (SELECT banned_address FROM fresh UNION ALL SELECT banned_address FROM gone) AS both_sides
        LIMIT ${LOGGED.wallets + 1};
     ELSIF TG_OP = 'DELETE' THEN
       INSERT INTO ${table}_changes SELECT DISTINCT current, banned_address FROM gone LIMIT ${LOGGED.wallets + 1};
     END IF;
     GET DIAGNOSTICS wallets = ROW_COUNT;
     IF TG_OP = 'TRUNCATE' OR wallets > ${LOGGED.wallets} THEN
       UPDATE ${table}_version SET all_since = current;
       DELETE FROM ${table}_changes;
     ELSE
       DELETE FROM ${table}_changes WHERE version <= current - ${LOGGED.versions};
       UPDATE ${table}_version SET all_since = greatest(all_since, current - ${LOGGED.versions});
     END IF;
     RETURN NULL;
   END $$`,
  ...[
    ['INSERT', 'REFERENCING NEW TABLE AS fresh'],
    ['UPDATE', 'REFERENCING OLD TABLE AS gone NEW TABLE AS fresh'],
    ['DELETE', 'REFERENCING OLD TABLE AS gone'],
    ['TRUNCATE', ''],
  ].map(
    ([event = '', tables]) =>
      `CREATE TRIGGER ${table}_logged_${event.toLowerCase()} AFTER ${event} ON ${table}
         ${tables} FOR EACH STATEMENT EXECUTE FUNCTION ${table}_logged()`,
  ),
]
