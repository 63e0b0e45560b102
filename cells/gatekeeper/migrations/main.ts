import { z } from 'zod'
import { systemClock } from '../../chassis/clock.ts'
import { parseEnv } from '../../chassis/config.ts'
import { createLog } from '../../chassis/log.ts'
import { logLevels } from '../../chassis/log-level.ts'
import { openPostgres } from '../adapters/postgres.ts'
import { databaseVariables } from '../database-variables.ts'
import { migrate } from './migrate.ts'

/** Environment variables of the migration. */
export const migrationVariables = z.object({
  LOG_LEVEL: z.enum(logLevels).default('info').describe('Least severe level that is logged.'),
  ...databaseVariables,
})

/**
 * Migrates the database of a gatekeeper and ends. A schema newer than this version is left unchanged.
 *
 * @throws UserError when the environment or the database cannot be used; the Job that runs this then retries
 */
export async function main(env: NodeJS.ProcessEnv): Promise<undefined> {
  const { LOG_LEVEL, DATABASE_URL, DATABASE_CA_FILE } = parseEnv(migrationVariables, env)
  const log = createLog('gatekeeper-migrate', LOG_LEVEL)
  const database = await openPostgres({ url: DATABASE_URL, caFile: DATABASE_CA_FILE, clock: systemClock, log })
  try {
    await migrate(database, log)
  } finally {
    await database.stop()
  }
}
