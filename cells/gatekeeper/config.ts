import { z } from 'zod'
import { parseEnv } from '../chassis/config.ts'
import { busVariables, processVariables } from '../process.ts'

const PREFIX = /^[A-Za-z0-9_.:-]+$/
const httpUrl = z.url({ protocol: /^https?$/ })

const schema = z
  .object({
    ...processVariables(3001),
    ...busVariables,

    /** A PostgreSQL server, or a folder for the embedded one. */
    DATABASE_URL: z.url({ protocol: /^postgres(ql)?$/ }).optional(),
    DATABASE_FOLDER: z.string().optional(),
    /** `Wait` where a Job brings the schema up to date: once for all replicas, and before the first of them is ready. */
    DATABASE_MIGRATIONS: z.enum(['Run', 'Wait']).default('Run'),

    LIVEKIT_HOST: z.string().optional(),
    LIVEKIT_API_KEY: z.string().optional(),
    LIVEKIT_API_SECRET: z.string().optional(),
    /** Base URL of the embedded rooms, as players reach them; admissions to them travel over the bus. */
    ROOMS_URL: z.url({ protocol: /^wss?$/ }).optional(),

    SCENE_ROOM_PREFIX: z.string().regex(PREFIX).default('scene-'),
    /** How rooms of worlds begin on the same LiveKit: no token of ours may open one. */
    WORLD_ROOM_PREFIX: z.string().regex(PREFIX).default('world-scene-room-'),

    /** `{"users":[{"wallet":"0x…"}]}`: wallets that get no token; unset = nobody. */
    DENYLIST_URL: httpUrl.optional(),
    /** Ethereum JSON-RPC for contract wallets; without one they are refused. */
    ETH_RPC_URL: httpUrl.optional(),
  })
  .superRefine((given, { addIssue }) => {
    const wrong = (path: string, message: string) => addIssue({ code: 'custom', path: [path], message })
    // A process that forgets its bans with every restart is a mistake, so it has to be told where to keep them.
    if (!given.DATABASE_URL && !given.DATABASE_FOLDER) wrong('DATABASE_URL', 'or DATABASE_FOLDER must be set')
    if (given.DATABASE_URL && given.DATABASE_FOLDER) wrong('DATABASE_FOLDER', 'cannot be set together with DATABASE_URL')
    const livekit = ['LIVEKIT_HOST', 'LIVEKIT_API_KEY', 'LIVEKIT_API_SECRET'] as const
    const missing = livekit.filter((name) => !given[name])
    if (missing.length > 0 && missing.length < livekit.length)
      for (const name of missing) wrong(name, `is needed by the other settings of LiveKit (${livekit.join(', ')})`)
    if (given.ROOMS_URL && given.LIVEKIT_HOST) wrong('ROOMS_URL', 'cannot be set together with LIVEKIT_HOST')
    if (given.ROOMS_URL && !given.NATS_URL) wrong('NATS_URL', 'is needed by ROOMS_URL: admissions travel over the bus')
    const [scene, world] = [given.SCENE_ROOM_PREFIX, given.WORLD_ROOM_PREFIX]
    if (scene.startsWith(world) || world.startsWith(scene))
      wrong(
        'SCENE_ROOM_PREFIX',
        `and WORLD_ROOM_PREFIX must tell rooms apart: neither of ${scene} and ${world} may begin with the other`,
      )
  })
type Environment = z.infer<typeof schema>

/** What the process is told: the service itself, where to listen, which broker to join. */
export type GatekeeperEnvironment = Readonly<Environment>

/** What the service itself is told, in a process of its own or beside others. Neither kind of database: kept in memory. */
export type GatekeeperConfig = Readonly<
  Pick<Environment, 'BUS_SCOPE' | 'COMMIT_HASH' | 'CURRENT_VERSION' | 'SCENE_ROOM_PREFIX'> & {
    DATABASE_MIGRATIONS?: 'Run' | 'Wait' | undefined
  } & {
    [Name in 'DATABASE_URL' | 'DATABASE_FOLDER' | 'DENYLIST_URL' | 'ROOMS_URL' | LivekitSetting]?: string | undefined
  }
>
type LivekitSetting = 'LIVEKIT_HOST' | 'LIVEKIT_API_KEY' | 'LIVEKIT_API_SECRET'

/** @throws UserError naming every variable that is not usable */
export const readConfig = (env: NodeJS.ProcessEnv): GatekeeperEnvironment => parseEnv(schema, env)
