import { z } from 'zod'
import { parseEnv } from '../chassis/config.ts'
import { refusedWalletVariables } from '../identity/refused-wallet-variables.ts'
import { busVariables, processVariables } from '../process.ts'
import { connectionVariables } from '../sockets/connection-variables.ts'

const integer = (from: number, to: number) => z.coerce.number().int().min(from).max(to)
const metres = z.coerce.number().min(1).max(100_000)
const DAY_MS = 24 * 3600 * 1000

/** Environment variables of an archipelago. */
export const archipelagoVariables = z
  .object({
    ...processVariables(5000),
    ...busVariables,
    ...connectionVariables,
    NATS_URL: busVariables.NATS_URL.unwrap().describe('URLs of the NATS servers, separated by commas.'),

    ARCHIPELAGO_JOIN_DISTANCE: metres.default(64).describe('Metres within which peers come to one island.'),
    ARCHIPELAGO_LEAVE_DISTANCE: metres
      .default(80)
      .describe('Metres beyond which peers of an island no longer count as connected; more than the join distance.'),
    ARCHIPELAGO_FLUSH_FREQUENCY: z.coerce
      .number()
      .min(0.001)
      .max(3600)
      .default(2)
      .describe('Seconds from the start of one flush to the start of the next.'),
    CHECK_HEARTBEAT_INTERVAL: integer(1, DAY_MS)
      .default(60_000)
      .describe('Milliseconds without a heartbeat after which a peer is removed.'),
    ARCHIPELAGO_STATUS_UPDATE_INTERVAL: integer(1, DAY_MS)
      .default(10_000)
      .describe('Milliseconds between two status messages to stats.'),
    LIVEKIT_ISLAND_SIZE: integer(1, 10_000).default(100).describe('Peers of one island at most.'),
    ROOM_PREFIX: z.string().max(64).default('island-').describe('Beginning of the names of all rooms of islands.'),
    ISLAND_CHANGED_MAX_PEERS: integer(0, 10_000)
      .default(100)
      .describe('Peers an island_changed message lists at most; the traffic of a crowd grows with their square.'),
    MAX_PEERS: integer(1, 1_000_000)
      .default(200_000)
      .describe('Peers known at most; beyond that number, new peers wait until others leave.'),

    DROPPED_GRACE_MS: integer(0, DAY_MS)
      .default(10_000)
      .describe('Milliseconds the place of a player is kept whose connection broke.'),
    DRAINED_GRACE_MS: integer(0, DAY_MS)
      .default(30_000)
      .describe('Milliseconds the place of a player is kept whose connector was drained.'),
    REBALANCE_BUDGET: z.coerce
      .number()
      .min(0)
      .max(1_000)
      .default(1)
      .describe(
        'Moves of one peer within REBALANCE_WINDOW, in a crowd larger than an island, to be with its neighbours; 0 = never.',
      ),
    REBALANCE_WINDOW: integer(1, 100_000).default(60).describe('Flushes over which REBALANCE_BUDGET counts.'),

    LIVEKIT_HOST: z.string().optional().describe('WebSocket URL of LiveKit as players reach it.'),
    LIVEKIT_API_KEY: z.string().optional().describe('API key of LiveKit.'),
    LIVEKIT_API_SECRET: z.string().optional().describe('API secret of LiveKit; signs the tokens of rooms.'),
    ROOMS_URL: z
      .url({ protocol: /^wss?$/ })
      .optional()
      .describe('Base URL of the embedded rooms as players reach them; this process then serves them. Instead of LiveKit.'),

    ...refusedWalletVariables,
    ETH_RPC_URL: z
      .url()
      .optional()
      .describe('Ethereum JSON-RPC to check contract wallets in the embedded rooms; without it they are refused.'),
    DRAIN_SECONDS: integer(0, 3600)
      .default(10)
      .describe('Seconds over which the embedded rooms close their connections when the process stops.'),
  })
  .refine((config) => config.ARCHIPELAGO_LEAVE_DISTANCE > config.ARCHIPELAGO_JOIN_DISTANCE, {
    path: ['ARCHIPELAGO_LEAVE_DISTANCE'],
    message: 'must be greater than ARCHIPELAGO_JOIN_DISTANCE, or islands would merge and split all the time',
  })
  .refine((config) => (config.ROOMS_URL === undefined) === hasLivekit(config), {
    path: ['LIVEKIT_HOST'],
    message: 'give either LIVEKIT_HOST, LIVEKIT_API_KEY and LIVEKIT_API_SECRET, or ROOMS_URL',
  })

type Environment = z.infer<typeof archipelagoVariables>

const hasLivekit = (config: { [Name in `LIVEKIT_${'HOST' | 'API_KEY' | 'API_SECRET'}`]?: string | undefined }): boolean =>
  Boolean(config.LIVEKIT_HOST && config.LIVEKIT_API_KEY && config.LIVEKIT_API_SECRET)

/** The configuration of the process, under the names of its environment variables. */
export type ArchipelagoEnvironment = Readonly<Environment>

/** The part of it that the service reads, in a process of its own or beside other services. */
export type ArchipelagoConfig = Readonly<
  Pick<
    Environment,
    | 'BUS_SCOPE'
    | 'COMMIT_HASH'
    | 'ARCHIPELAGO_JOIN_DISTANCE'
    | 'ARCHIPELAGO_LEAVE_DISTANCE'
    | 'ARCHIPELAGO_FLUSH_FREQUENCY'
    | 'CHECK_HEARTBEAT_INTERVAL'
    | 'ARCHIPELAGO_STATUS_UPDATE_INTERVAL'
    | 'LIVEKIT_ISLAND_SIZE'
    | 'ROOM_PREFIX'
    | 'ISLAND_CHANGED_MAX_PEERS'
    | 'MAX_PEERS'
    | 'DROPPED_GRACE_MS'
    | 'DRAINED_GRACE_MS'
    | 'REBALANCE_BUDGET'
    | 'REBALANCE_WINDOW'
    | 'LIVEKIT_HOST'
    | 'LIVEKIT_API_KEY'
    | 'LIVEKIT_API_SECRET'
    | 'ROOMS_URL'
  >
>

/** Reads the configuration. @throws UserError naming everything wrong with it */
export const readConfig = (env: NodeJS.ProcessEnv): ArchipelagoEnvironment => parseEnv(archipelagoVariables, env)
