import { z } from 'zod'
import { readConfig as readStatsConfig, type StatsEnvironment, statsVariables } from '../stats/config.ts'

/** What stands before the name of a variable that the statistics have otherwise than the rest of the process. */
const OF_STATS = 'STATS_'

/** Variables of a Compact cell that no service has by itself. */
export const compactVariables = z.object({
  STATS_BUS_SCOPE: statsVariables.shape.BUS_SCOPE.describe(
    'Scope of the messages that the statistics receive; unset = there are none here.',
  ),
  STATS_HTTP_SERVER_PORT: statsVariables.shape.HTTP_SERVER_PORT.describe('Port of the statistics; 0 takes a free one.'),
})

/**
 * How the statistics of the process are set up: as the process, with what the `STATS_` variables say in its place.
 *
 * @returns undefined where it has none
 * @throws UserError naming every invalid variable, without what stands before its name
 */
export function readStatistics(env: NodeJS.ProcessEnv): StatsEnvironment | undefined {
  if (!env[`${OF_STATS}BUS_SCOPE`]) return undefined
  const own = Object.entries(env).flatMap(([name, value]) =>
    name.startsWith(OF_STATS) ? [[name.slice(OF_STATS.length), value]] : [],
  )
  return readStatsConfig({ ...withoutPort(env), ...Object.fromEntries(own) })
}

/** The port of the process is taken by its connector. */
const withoutPort = ({ HTTP_SERVER_PORT: _, ...others }: NodeJS.ProcessEnv): NodeJS.ProcessEnv => others
