import { z } from 'zod'
import { commaSeparated, parseEnv } from '../chassis/config.ts'
import { busVariables, processVariables } from '../process.ts'
import { realmHostVariables } from '../realm-host.ts'

/** Environment variables of stats. */
export const statsVariables = z.object({
  ...processVariables(5002),
  ...busVariables,
  REALM_NAME: z.string().default('main').describe('Name of the realm, as the routes by realm show it.'),
  CONTENT_URL: commaSeparated
    .refine((urls) => urls.every((url) => /^https?:\/\//.test(url) && URL.canParse(url)), 'must be URLs separated by commas')
    .describe(
      'Content servers that know the scenes of parcels, separated by commas: the first that answers is asked. Empty = /hot-scenes is empty.',
    ),
  ...realmHostVariables,
})
type Environment = z.infer<typeof statsVariables>

/** The environment of a process that runs stats alone: the service, where to listen, which broker to connect to. */
export type StatsEnvironment = Readonly<Environment>

/** The settings of the service itself, whether it runs alone in a process or beside others. */
export type StatsConfig = Readonly<Pick<Environment, 'BUS_SCOPE' | 'COMMIT_HASH' | 'CURRENT_VERSION'>> & {
  readonly CONTENT_URL?: readonly string[] | undefined
  readonly REALM_NAME?: string | undefined
  readonly REALM_PROVIDER_URL?: string | undefined
}

/** @throws UserError naming every invalid variable */
export const readConfig = (env: NodeJS.ProcessEnv): StatsEnvironment => parseEnv(statsVariables, env)
