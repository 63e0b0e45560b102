import { z } from 'zod'
import { parseEnv } from '../chassis/config.ts'
import { busVariables, processVariables } from '../process.ts'

const integer = (from: number, to: number) => z.coerce.number().int().min(from).max(to)
const DAY_MS = 24 * 3600 * 1000

const schema = z.object({
  ...processVariables(5001),
  ...busVariables,

  /** Milliseconds a stranger has for each step of the handshake. */
  HANDSHAKE_TIMEOUT: integer(1, DAY_MS).default(60_000),
  /** Milliseconds of silence after which a line counts as dead. */
  IDLE_TIMEOUT_MS: integer(1, DAY_MS).default(90_000),
  /** Milliseconds after which a player whose position is known should have been given an island. */
  ISLAND_TIMEOUT_MS: integer(1, DAY_MS).default(20_000),
  MAX_CONNECTIONS: integer(1, 1_000_000).default(15_000),
  MAX_CONNECTIONS_PER_ADDRESS: integer(1, 1_000_000).default(100),
  /** Connections let in per second; a burst waits its turn, so that those who are in do not notice who comes. */
  HANDSHAKES_PER_SECOND: integer(1, 1_000_000).default(500),
  /** Seconds over which players are sent away when the connector stops. */
  DRAIN_SECONDS: integer(0, 3600).default(30),
  /** Players sent away in a minute, where that takes less time; evenly over DRAIN_SECONDS without. */
  DRAIN_PLAYERS_PER_MINUTE: integer(1, 1_000_000).optional(),

  /** Ethereum JSON-RPC for contract wallets; without one they are refused. */
  ETH_RPC_URL: z.url().optional(),
  /** `{"users":[{"wallet":"0x…"}]}`: wallets that are not let in. */
  DENYLIST_URL: z.url().optional(),
  /** A gatekeeper to ask for platform bans. */
  COMMS_GATEKEEPER_URL: z.url().optional(),
  BAN_SWEEP_INTERVAL_MS: integer(1, DAY_MS).default(30_000),
})

/** How a connector is set up; the names are those of its environment. */
export type ConnectorConfig = Readonly<z.infer<typeof schema>>

/** Reads the configuration. @throws UserError naming everything wrong with it */
export const readConfig = (env: NodeJS.ProcessEnv): ConnectorConfig => parseEnv(schema, env)
