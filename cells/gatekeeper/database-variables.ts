import { z } from 'zod'

/** Variables of every process that connects to a PostgreSQL server. */
export const databaseVariables = {
  DATABASE_URL: z
    .url({ protocol: /^postgres(ql)?$/ })
    .describe(
      'URL of a PostgreSQL database, on a server or behind a pooler such as PgBouncer. `sslmode` in it means what it means to libpq: `require` encrypts, `verify-full` also verifies the certificate. A process opens 4 connections at most.',
    ),
  DATABASE_CA_FILE: z
    .string()
    .optional()
    .describe(
      "PEM file of the authority that signed the certificate of the database's server; without `sslmode`, it is verified.",
    ),
}
