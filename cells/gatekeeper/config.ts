import { z } from 'zod'
import { commaSeparated, parseEnv } from '../chassis/config.ts'
import { PRIVATE_NETWORKS } from '../chassis/private-networks.ts'
import { busVariables, processVariables } from '../process.ts'
import { realmHostVariables } from '../realm-host.ts'
import { connectionVariables, proxyVariables } from '../sockets/connection-variables.ts'
import type { PeerId } from '../wire/peer.ts'
import { roomNameVariables, roomServerVariables, voiceVariables } from './config/room-variables.ts'
import { serviceUrl, serviceVariables } from './config/service-variables.ts'
import { databaseVariables } from './database-variables.ts'

/** Long enough that it cannot be guessed. */
const token = z
  .string()
  .regex(/^[\x21-\x7e]+$/, 'has no blanks')
  .min(16)
  .optional()

const wallet = (problem: string) =>
  z
    .string()
    .regex(/^0x[0-9a-fA-F]{40}$/, problem)
    .transform((text) => text.toLowerCase() as PeerId)

/** Environment variables of a gatekeeper. */
export const gatekeeperVariables = z
  .object({
    ...processVariables(3001),
    ...busVariables,
    ...databaseVariables,
    DATABASE_URL: databaseVariables.DATABASE_URL.optional(),
    DATABASE_FOLDER: z
      .string()
      .optional()
      .describe('Folder of the embedded database, which takes one process only; either this or DATABASE_URL.'),
    DATABASE_MIGRATIONS: z
      .enum(['Run', 'Wait'])
      .default('Run')
      .describe('`Wait` where a Job migrates the schema once for all replicas: the process is not ready before that.'),
    ...roomServerVariables,

    WORLDS_FILE: z
      .string()
      .optional()
      .describe('File with the worlds that this gatekeeper serves, which is read again as it changes; unset = it serves none.'),
    WORLD_SECRETS_FOLDER: z
      .string()
      .optional()
      .describe('Folder with the shared secrets of worlds, each in a file that is read when a player enters.'),
    MAX_CONNECTIONS_PER_ADDRESS: connectionVariables.MAX_CONNECTIONS_PER_ADDRESS,

    ...roomNameVariables,
    ...voiceVariables,
    REALM_NAME: z
      .string()
      .min(1)
      .max(253)
      .default('main')
      .describe(
        'Name of the realm, which names of rooms contain: where a request for the participants of a scene names no realm.',
      ),
    AUTHORITATIVE_SERVER_ADDRESS: wallet('is a wallet address')
      .optional()
      .describe('Wallet of the authoritative server, which may enter the room of every scene; unset = there is none.'),
    ALLOW_LOCAL_PREVIEW: z
      .enum(['true', 'false'])
      .default('false')
      .describe(
        'Whether scenes that run on the machines of their creators (realms `LocalPreview` and `preview`) have servers, streams and presenters. Everyone administers them, so that `true` is for gatekeepers of creators.',
      ),
    CAST2_URL: serviceUrl
      .default('https://decentraland.org/cast')
      .describe('Base URL of the web application in which people stream to a scene and watch, for links.'),

    CONNECTION_RETENTION_DAYS: z.coerce
      .number()
      .int()
      .min(1)
      .max(3650)
      .default(30)
      .describe(
        'Days after which the address and device of a player are deleted. These are personal data; bans of devices need no record.',
      ),
    MODERATION_RETENTION_DAYS: z.coerce
      .number()
      .int()
      .min(1)
      .max(36_500)
      .default(365)
      .describe(
        'Days after which lifted and expired bans, warnings, the record of decisions, removed administrators of scenes and keys of streams that ended are deleted. Bans in force stay.',
      ),
    TRUST_CF_CONNECTING_IP: z
      .enum(['true', 'false'])
      .default('false')
      .describe(
        'Whether the header `cf-connecting-ip` is recorded as the address of a player: `true` only where all requests pass through Cloudflare, because others can write it too.',
      ),
    PUBLIC_PATH: z
      .string()
      .regex(/^\/[^\s?#]*[^\s?#/]$/)
      .optional()
      .describe(
        'Path of this gatekeeper as players see it, such as `/main/gatekeeper`, where a proxy in front removes a part of it: players sign it.',
      ),
    ...proxyVariables(PRIVATE_NETWORKS.join(',')),
    ...realmHostVariables,
    ...serviceVariables,
    MODERATORS: commaSeparated
      .pipe(z.array(wallet('lists wallet addresses')))
      .describe('Wallets that may ban players from the platform and warn them, separated by commas.'),
    MODERATOR_TOKEN: token.describe(
      'Bearer token with which tools of moderators do the same; they name the person in `?moderator=`.',
    ),
    COMMS_GATEKEEPER_AUTH_TOKEN: token.describe(
      'Bearer token of other services, such as a social service or a worlds content server; unset = none of them may call.',
    ),
    ETH_RPC_URL: serviceUrl.optional().describe('Ethereum JSON-RPC to check contract wallets; without it they are refused.'),
  })
  .superRefine((given, { addIssue }) => {
    const wrong = (path: string, message: string) => addIssue({ code: 'custom', path: [path], message })
    // A process that loses its bans with every restart is a mistake, so a place to keep them is required.
    if (!given.DATABASE_URL && !given.DATABASE_FOLDER) wrong('DATABASE_URL', 'or DATABASE_FOLDER must be set')
    if (given.DATABASE_URL && given.DATABASE_FOLDER) wrong('DATABASE_FOLDER', 'cannot be set together with DATABASE_URL')
    if (given.DATABASE_CA_FILE && !given.DATABASE_URL) wrong('DATABASE_CA_FILE', 'belongs to DATABASE_URL, which is not set')
    const livekit = ['LIVEKIT_HOST', 'LIVEKIT_API_KEY', 'LIVEKIT_API_SECRET'] as const
    const missing = livekit.filter((name) => !given[name])
    if (missing.length > 0 && missing.length < livekit.length)
      for (const name of missing) wrong(name, `is needed by the other settings of LiveKit (${livekit.join(', ')})`)
    if (given.ROOMS_URL && given.LIVEKIT_HOST) wrong('ROOMS_URL', 'cannot be set together with LIVEKIT_HOST')
    if (given.ROOMS_SERVER === 'Self' && !given.ROOMS_URL)
      wrong('ROOMS_URL', 'is needed by ROOMS_SERVER Self: players connect there')
    if (given.ROOMS_URL && given.ROOMS_SERVER === 'Cell' && !given.NATS_URL)
      wrong('NATS_URL', 'is needed by ROOMS_URL: admissions travel over the bus')
    const [scene, world] = [given.SCENE_ROOM_PREFIX, given.WORLD_ROOM_PREFIX]
    if (scene.startsWith(world) || world.startsWith(scene))
      wrong(
        'SCENE_ROOM_PREFIX',
        `and WORLD_ROOM_PREFIX must tell rooms apart: neither of ${scene} and ${world} may begin with the other`,
      )
  })
type Environment = z.infer<typeof gatekeeperVariables>

/** The environment of a process that runs a gatekeeper alone: the service, where to listen, which broker to connect to. */
export type GatekeeperEnvironment = Readonly<Environment>

/**
 * The settings of the service itself, whether it runs alone in a process or beside others. Without any database, data is kept in
 * memory.
 */
export type GatekeeperConfig = Readonly<
  Pick<Environment, NeededSetting> & {
    [Name in Exclude<keyof Environment, NeededSetting | ProcessSetting>]?: Environment[Name]
  }
>
type NeededSetting = 'BUS_SCOPE' | 'COMMIT_HASH' | 'CURRENT_VERSION' | 'SCENE_ROOM_PREFIX'
/** Of the process, which starts the service with them. */
type ProcessSetting = keyof ReturnType<typeof processVariables> | keyof typeof busVariables | 'ROOMS_SERVER' | 'ETH_RPC_URL'

/** @throws UserError naming every invalid variable */
export const readConfig = (env: NodeJS.ProcessEnv): GatekeeperEnvironment => parseEnv(gatekeeperVariables, env)
