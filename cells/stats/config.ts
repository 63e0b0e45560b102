import { z } from 'zod'
import { parseEnv } from '../chassis/config.ts'
import { logLevels } from '../chassis/log.ts'

const schema = z.object({
  HTTP_SERVER_HOST: z.string().default('0.0.0.0'),
  HTTP_SERVER_PORT: z.coerce.number().int().min(0).max(65_535).default(5002), // 0 = any free port, for tests
  LOG_LEVEL: z.enum(logLevels).default('info'),
  COMMIT_HASH: z.string().default(''),
  CURRENT_VERSION: z.string().default(''),
  NATS_URL: z.string().optional(), // one or several, separated by commas; beside others in one process there is no broker
  NATS_USER: z.string().optional(),
  NATS_PASSWORD: z.string().optional(),
  NATS_CA_FILE: z.string().optional(),
  BUS_SCOPE: z.string().default(''), // `ns.realm.*` hears every cell of a realm
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
