import { z } from 'zod'
import { parseEnv } from '../chassis/config.ts'
import { busVariables, processVariables } from '../process.ts'

const schema = z.object({
  ...processVariables(5002),
  ...busVariables,
  CONTENT_URL: z.url({ protocol: /^https?$/ }).optional(), // unset = there is no content server, and no scene is hot
})
type Environment = z.infer<typeof schema>

/** What the process needs besides the service itself: where to listen, which broker to join. */
export type StatsEnvironment = Readonly<Environment>

/** What the service itself is told, in a process of its own or beside others. */
export type StatsConfig = Readonly<Pick<Environment, 'BUS_SCOPE' | 'COMMIT_HASH' | 'CURRENT_VERSION'>> & {
  readonly CONTENT_URL?: string | undefined
}

/** @throws UserError naming every variable that is not usable */
export const readConfig = (env: NodeJS.ProcessEnv): StatsEnvironment => parseEnv(schema, env)
