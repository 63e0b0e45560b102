import { z } from 'zod'
import { parseEnv } from '../chassis/config.ts'
import { processVariables } from '../process.ts'

const schema = z.object({
  ...processVariables(3000),
  HTTP_BASE_URL: z.url({ protocol: /^https?$/ }).optional(), // unset = whatever address the client used
  WATCH_NAMESPACE: z.string().default(''), // '' = every namespace
  /** What publishers of realms elsewhere must know; unset = nobody publishes here. */
  PUBLICATION_TOKEN: z.string().min(16).optional(),
  /** `host:port` of the other replicas, several separated by commas; a name may have any number of addresses. */
  PUBLICATION_PEERS: z.string().default(''),
  STATS_URL: z.string().startsWith('http').optional(), // with {name} and {namespace}; unset = the URL in each Realm's status
})
type Environment = z.infer<typeof schema>

/** What the process needs besides the service itself: where to listen, which namespace to watch. */
export type RealmProviderEnvironment = Readonly<Environment>

/** What the service itself is told, in a process of its own or beside others. */
export type RealmProviderConfig = Readonly<Pick<Environment, 'COMMIT_HASH' | 'CURRENT_VERSION'>> & {
  readonly HTTP_BASE_URL?: string | undefined
  readonly STATS_URL?: string | undefined
  readonly PUBLICATION_TOKEN?: string | undefined
  readonly PUBLICATION_PEERS?: string | undefined
}

/** @throws UserError naming every variable that is not usable */
export const readConfig = (env: NodeJS.ProcessEnv): RealmProviderEnvironment => parseEnv(schema, env)
