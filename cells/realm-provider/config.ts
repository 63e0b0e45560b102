import { z } from 'zod'
import { commaSeparated, parseEnv } from '../chassis/config.ts'
import { processVariables } from '../process.ts'

/** Environment variables of a realm provider. */
export const realmProviderVariables = z.object({
  ...processVariables(3000),
  HTTP_BASE_URL: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Base URL in answers; unset = the address the client used.'),
  DEFAULT_REALM: z
    .string()
    .optional()
    .describe('Name of the realm that /about answers for, and /main/about while no realm is called main; unset = there is none.'),
  WATCH_NAMESPACES: commaSeparated.describe('Namespaces whose Realms are served, separated by commas; empty = every namespace.'),
  PUBLICATION_TOKEN: z
    .string()
    .min(16)
    .optional()
    .describe('Bearer token with which operators of other clusters publish realms here; unset = they cannot.'),
  PUBLICATION_PUBLISHERS: z
    .string()
    .default('')
    .describe(
      'Publishers with a token of their own: a JSON list of `{name, tokenFile, names}`. Each sees only names that it took, and may take those of `names`, where `east-*` stands for all that begin with `east-`.',
    ),
  REPLICA_TOKEN: z
    .string()
    .min(16)
    .optional()
    .describe('Token of the replicas of this realm provider, which no publisher has; unset = they exchange no publications.'),
  PEER_SERVER_PORT: z.coerce
    .number()
    .int()
    .min(0)
    .max(65_535)
    .optional()
    .describe(
      'Port for other replicas, probes and metrics, which should not be public; unset = probes and metrics are on HTTP_SERVER_PORT.',
    ),
  PUBLICATION_PEERS: z
    .string()
    .default('')
    .describe(
      '`host:port` of the other replicas, with their PEER_SERVER_PORT, separated by commas; a name may have any number of addresses.',
    ),
  ALLOW_LOCAL_URLS: z
    .enum(['true', 'false'])
    .default('false')
    .describe(
      'Whether catalysts and statistics may have addresses of this machine or of its links, such as 127.0.0.1 and 169.254.169.254: a tenant could otherwise have the realm provider read what only this machine may read.',
    ),
  CLIENT_COUNTRY_HEADERS: commaSeparated
    .default(['CF-IPCountry'])
    .describe(
      'Headers in which the CDN or the proxy in front writes the country of a client (ISO 3166 alpha-2), separated by commas: players get the catalyst nearest to them.',
    ),
  CLIENT_LATITUDE_HEADER: z
    .string()
    .optional()
    .describe('Header in which it writes the latitude of a client, in degrees; goes before the country. Unset = there is none.'),
  CLIENT_LONGITUDE_HEADER: z.string().optional().describe('The same for the longitude.'),
  STATS_URL: z
    .string()
    .startsWith('http')
    .optional()
    .describe("URL of the statistics of realms, with {name} and {namespace}; unset = the URL in each Realm's status."),
  CONSOLE: z
    .enum(['Public', 'Token', 'None'])
    .default('Public')
    .describe(
      'Who may look at the read-only page /console: every client, though without wallets; only clients with CONSOLE_TOKEN; or no client.',
    ),
  CONSOLE_TOKEN: z
    .string()
    .min(16)
    .optional()
    .describe('Token with which the console also shows wallets; unset = it shows none.'),
  GATEKEEPER_URL: z
    .string()
    .startsWith('http')
    .optional()
    .describe(
      "URL of the gatekeepers of realms, with {name} and {namespace}, which count the players of worlds; unset = the URL in each Realm's status.",
    ),
})
type Environment = z.infer<typeof realmProviderVariables>

/** The environment of a process that runs a realm provider alone: the service, where to listen, which namespace to watch. */
export type RealmProviderEnvironment = Readonly<Environment>

/** The settings of the service itself, whether it runs alone in a process or beside others. */
export type RealmProviderConfig = Readonly<Pick<Environment, 'COMMIT_HASH' | 'CURRENT_VERSION'>> & {
  readonly HTTP_BASE_URL?: string | undefined
  readonly DEFAULT_REALM?: string | undefined
  readonly CLIENT_COUNTRY_HEADERS?: readonly string[] | undefined
  readonly CLIENT_LATITUDE_HEADER?: string | undefined
  readonly CLIENT_LONGITUDE_HEADER?: string | undefined
  readonly STATS_URL?: string | undefined
  readonly GATEKEEPER_URL?: string | undefined
  readonly ALLOW_LOCAL_URLS?: 'true' | 'false' | undefined
  readonly PUBLICATION_TOKEN?: string | undefined
  readonly PUBLICATION_PUBLISHERS?: string | undefined
  readonly PUBLICATION_PEERS?: string | undefined
  readonly REPLICA_TOKEN?: string | undefined
  readonly PEER_SERVER_PORT?: number | undefined
  readonly CONSOLE?: 'Public' | 'Token' | 'None' | undefined
  readonly CONSOLE_TOKEN?: string | undefined
}

/** @throws UserError naming every invalid variable */
export const readConfig = (env: NodeJS.ProcessEnv): RealmProviderEnvironment => parseEnv(realmProviderVariables, env)
