import { z } from 'zod'
import { withoutTrailingSlash } from '../chassis/base-url.ts'
import { parseEnv } from '../chassis/config.ts'
import { refusedWalletVariables } from '../identity/refused-wallet-variables.ts'
import { busVariables, processVariables } from '../process.ts'
import { connectionVariables } from '../sockets/connection-variables.ts'

const integer = (from: number, to: number) => z.coerce.number().int().min(from).max(to)
const DAY_MS = 24 * 3600 * 1000

/** Environment variables of a connector. */
export const connectorVariables = z.object({
  ...processVariables(5001),
  ...busVariables,

  HANDSHAKE_TIMEOUT: integer(1, DAY_MS).default(60_000).describe('Milliseconds a client has for each step of the handshake.'),
  IDLE_TIMEOUT_MS: integer(1, DAY_MS)
    .default(90_000)
    .describe('Milliseconds without a message after which a connection counts as broken.'),
  ISLAND_TIMEOUT_MS: integer(1, DAY_MS)
    .default(20_000)
    .describe('Milliseconds within which a player with a known position should be given an island; later counts as missed.'),
  MAX_CONNECTIONS: integer(1, 1_000_000).default(15_000).describe('Connections of this process at most.'),
  ...connectionVariables,
  HANDSHAKES_PER_SECOND: integer(1, 1_000_000)
    .default(10_000)
    .describe(
      'Connections admitted per second at most. Below that they wait only as long as signatures cannot be checked faster, or the players who are connected would notice.',
    ),
  DRAIN_SECONDS: integer(0, 3600).default(30).describe('Seconds over which players are disconnected when the connector stops.'),
  DRAIN_PLAYERS_PER_MINUTE: integer(1, 1_000_000)
    .optional()
    .describe(
      'Players disconnected per minute, where that takes less time than DRAIN_SECONDS; unset = evenly over DRAIN_SECONDS.',
    ),

  ETH_RPC_URL: z.url().optional().describe('Ethereum JSON-RPC to check contract wallets; without it they are refused.'),
  ...refusedWalletVariables,
  MOVEMENT_URL: z
    .url({ protocol: /^https?$/ })
    .transform(withoutTrailingSlash)
    .optional()
    .describe(
      'URL at which the movement relay takes the reports of this realm, `http://…/realms/{name}`; unset = clients that send no heartbeats get no island.',
    ),
  MOVEMENT_TOKEN_FILE: z
    .string()
    .optional()
    .describe('File with the token of this realm at the movement relay, read at every report.'),
})

/** How a connector is set up; the names are those of its environment. */
export type ConnectorConfig = Readonly<z.infer<typeof connectorVariables>>

/** Reads the configuration. @throws UserError naming everything wrong with it */
export const readConfig = (env: NodeJS.ProcessEnv): ConnectorConfig => parseEnv(connectorVariables, env)
