import { z } from 'zod'
import { parseEnv } from '../chassis/config.ts'
import { logLevels } from '../chassis/log.ts'

const integer = (from: number, to: number) => z.coerce.number().int().min(from).max(to)
const DAY_MS = 24 * 3600 * 1000

const schema = z
  .object({
    HTTP_SERVER_HOST: z.string().default('0.0.0.0'),
    HTTP_SERVER_PORT: integer(0, 65_535).default(5000), // 0 = any free port, for tests
    LOG_LEVEL: z.enum(logLevels).default('info'),
    COMMIT_HASH: z.string().default(''),
    CURRENT_VERSION: z.string().default(''),

    NATS_URL: z.string(), // one or several, separated by commas
    NATS_USER: z.string().optional(),
    NATS_PASSWORD: z.string().optional(),
    NATS_CA_FILE: z.string().optional(),
    BUS_SCOPE: z.string().default(''),

    /** Metres at which peers meet, and at which they lose each other. */
    ARCHIPELAGO_JOIN_DISTANCE: z.coerce.number().min(1).max(100_000).default(64),
    ARCHIPELAGO_LEAVE_DISTANCE: z.coerce.number().min(1).max(100_000).default(80),
    /** Seconds from the start of one flush to the start of the next. */
    ARCHIPELAGO_FLUSH_FREQUENCY: z.coerce.number().min(0.001).max(3600).default(2),
    /** Milliseconds of silence after which a peer counts as gone. */
    CHECK_HEARTBEAT_INTERVAL: integer(1, DAY_MS).default(60_000),
    /** Milliseconds between two words to stats that we are alive. */
    ARCHIPELAGO_STATUS_UPDATE_INTERVAL: integer(1, DAY_MS).default(10_000),
    LIVEKIT_ISLAND_SIZE: integer(1, 10_000).default(100),
    ROOM_PREFIX: z.string().max(64).default('island-'),
    /** Peers an island_changed message lists at most; its size grows with their square over a crowd. */
    ISLAND_CHANGED_MAX_PEERS: integer(0, 10_000).default(100),
    /** Peers known at most: beyond, newcomers wait until others leave. */
    MAX_PEERS: integer(1, 1_000_000).default(200_000),

    /** Milliseconds the place of a player is kept whose line broke, and of one whom a connector sent to another. */
    DROPPED_GRACE_MS: integer(0, DAY_MS).default(10_000),
    DRAINED_GRACE_MS: integer(0, DAY_MS).default(30_000),
    /** How often a peer may be moved within so many flushes for better company in a crowd larger than an island; 0 = never. */
    REBALANCE_BUDGET: z.coerce.number().min(0).max(1_000).default(1),
    REBALANCE_WINDOW: integer(1, 100_000).default(60),

    LIVEKIT_HOST: z.string().optional(),
    LIVEKIT_API_KEY: z.string().optional(),
    LIVEKIT_API_SECRET: z.string().optional(),
    /** Base URL of the embedded rooms as players reach them; they are then served by this process. */
    ROOMS_URL: z.url({ protocol: /^wss?$/ }).optional(),

    /** Of the embedded rooms: Ethereum JSON-RPC for contract wallets, and seconds over which players are sent away at the end. */
    ETH_RPC_URL: z.url().optional(),
    DRAIN_SECONDS: integer(0, 3600).default(10),
  })
  .refine((config) => config.ARCHIPELAGO_LEAVE_DISTANCE > config.ARCHIPELAGO_JOIN_DISTANCE, {
    path: ['ARCHIPELAGO_LEAVE_DISTANCE'],
    message: 'must be greater than ARCHIPELAGO_JOIN_DISTANCE, or islands would form and fall apart for ever',
  })
  .refine((config) => (config.ROOMS_URL === undefined) === hasLivekit(config), {
    path: ['LIVEKIT_HOST'],
    message: 'give either LIVEKIT_HOST, LIVEKIT_API_KEY and LIVEKIT_API_SECRET, or ROOMS_URL',
  })

type Environment = z.infer<typeof schema>

const hasLivekit = (config: { [Name in `LIVEKIT_${'HOST' | 'API_KEY' | 'API_SECRET'}`]?: string | undefined }): boolean =>
  Boolean(config.LIVEKIT_HOST && config.LIVEKIT_API_KEY && config.LIVEKIT_API_SECRET)

/** How the process is set up; the names are those of its environment. */
export type ArchipelagoEnvironment = Readonly<Environment>

/** What the service itself is told, in a process of its own or beside others. */
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
export const readConfig = (env: NodeJS.ProcessEnv): ArchipelagoEnvironment => parseEnv(schema, env)
