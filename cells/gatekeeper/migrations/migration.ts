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
