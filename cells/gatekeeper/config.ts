import { z } from 'zod'
import { commaSeparated, parseEnv } from '../chassis/config.ts'
import { PRIVATE_NETWORKS } from '../chassis/private-networks.ts'
import { busVariables, processVariables } from '../process.ts'
import { realmHostVariables } from '../realm-host.ts'
import { connectionVariables, proxyVariables } from '../sockets/connection-variables.ts'
import type { PeerId } from '../wire/peer.ts'
import { databaseVariables } from './database-variables.ts'

const PREFIX = /^[A-Za-z0-9_.:-]+$/

/** Long enough that it cannot be guessed. */
const token = z
  .string()
  .regex(/^[\x21-\x7e]+$/, 'has no blanks')
  .min(16)
  .optional()

const walletVariable = z
  .string()
  .regex(/^0x[0-9a-fA-F]{40}$/, 'is a wallet address')
  .transform((text) => text.toLowerCase() as PeerId)

/** Milliseconds, five minutes by default. */
const ttl = z.coerce.number().int().min(1_000).max(86_400_000).default(300_000)

const httpUrl = z.url({ protocol: /^https?$/ })

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

    LIVEKIT_HOST: z.string().optional().describe('WebSocket URL of LiveKit as players reach it.'),
    LIVEKIT_API_KEY: z.string().optional().describe('API key of LiveKit.'),
    LIVEKIT_API_SECRET: z.string().optional().describe('API secret of LiveKit; signs the tokens of rooms.'),
    LIVEKIT_API_URL: z
      .url({ protocol: /^(https?|wss?)$/ })
      .optional()
      .describe('URL of LiveKit as this process reaches it, where that is another one than LIVEKIT_HOST.'),
    ROOMS_URL: z
      .url({ protocol: /^wss?$/ })
      .optional()
      .describe('Base URL of the embedded rooms as players reach them; admissions go over the bus. Instead of LiveKit.'),
    ROOMS_SERVER: z
      .enum(['Cell', 'Self'])
      .default('Cell')
      .describe(
        'Who has the embedded rooms: `Cell` the archipelago of a cell, which is on the bus, `Self` this process, for a world.',
      ),
    WORLDS_FILE: z
      .string()
      .optional()
      .describe('File with the worlds that this gatekeeper serves, which is read again as it changes; unset = it serves none.'),
    WORLD_SECRETS_FOLDER: z
      .string()
      .optional()
      .describe('Folder with the shared secrets of worlds, each in a file that is read when a player enters.'),
    MAX_CONNECTIONS_PER_ADDRESS: connectionVariables.MAX_CONNECTIONS_PER_ADDRESS,

    SCENE_ROOM_PREFIX: z.string().regex(PREFIX).default('scene-').describe('Beginning of the names of all rooms of scenes.'),
    WORLD_ROOM_PREFIX: z
      .string()
      .regex(PREFIX)
      .default('world-scene-room-')
      .describe('Beginning of the names of rooms of worlds on the same LiveKit: this gatekeeper mints no token for them.'),

    REALM_NAME: z
      .string()
      .min(1)
      .max(253)
      .default('main')
      .describe(
        'Name of the realm, which names of rooms contain: where a request for the participants of a scene names no realm.',
      ),
    AUTHORITATIVE_SERVER_ADDRESS: walletVariable
      .optional()
      .describe('Wallet of the authoritative server, which may enter the room of every scene; unset = there is none.'),
    ALLOW_LOCAL_PREVIEW: z
      .enum(['true', 'false'])
      .default('false')
      .describe(
        'Whether scenes that run on the machines of their creators (realms `LocalPreview` and `preview`) have servers, streams and presenters. Everyone administers them, so that `true` is for gatekeepers of creators.',
      ),
    CAST2_URL: httpUrl
      .default('https://decentraland.org/cast')
      .describe('Base URL of the web application in which people stream to a scene and watch, for links.'),

    COMMS_ROOM_PREFIX: z
      .string()
      .regex(PREFIX)
      .default('world-')
      .describe('Beginning of the names of the rooms that a whole world has, on the same LiveKit.'),
    ISLAND_ROOM_PREFIX: z
      .string()
      .regex(PREFIX)
      .default('island-')
      .describe('Beginning of the names of the rooms of all islands of the realm: banned players are removed from them.'),

    VOICE_ROOM_PREFIX: z
      .string()
      .regex(PREFIX)
      .max(128)
      .default('voice-chat-')
      .describe(
        'Beginning of the names of the rooms of voice chats. Rooms of that name without a voice chat are closed: no other service may use it on the same LiveKit.',
      ),
    PRIVATE_MESSAGES_ROOM_ID: z
      .string()
      .regex(PREFIX)
      .max(256)
      .default('private-messages')
      .describe('Name of the room of private messages, which every player of the realm is in.'),
    VOICE_CHAT_INITIAL_CONNECTION_TTL: ttl.describe(
      'Milliseconds within which a member of a voice chat has to join it; until then the member counts as one who is there.',
    ),
    VOICE_CHAT_CONNECTION_INTERRUPTED_TTL: ttl.describe(
      'Milliseconds within which a member of a voice chat whose connection was interrupted has to come back.',
    ),
    COMMUNITY_VOICE_CHAT_NO_MODERATOR_TTL: ttl.describe(
      'Milliseconds after which the voice chat of a community ends when no moderator is in it.',
    ),

    DENYLIST_URL: httpUrl
      .optional()
      .describe('URL of `{"users":[{"wallet":"0x…"}]}`: wallets that get no token; unset = no wallet.'),
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
    CONTENT_URL: httpUrl
      .optional()
      .describe(
        'Base URL of the content server of a catalyst (`…/content`), which says what scene is where: for bans and administrators of scenes.',
      ),
    LAMBDAS_URL: httpUrl
      .optional()
      .describe('Base URL of the lambdas of a catalyst (`…/lambdas`), which say who owns and operates land and names.'),
    PLACES_API_URL: httpUrl
      .optional()
      .describe(
        'Base URL of a places service (`…/api`), whose ids bans and administrators of scenes are kept by; unset = by the base parcel of the scene.',
      ),
    WORLD_CONTENT_URL: httpUrl
      .optional()
      .describe(
        'Base URL of a worlds content server, which says who may change which world: for bans and administrators of scenes of worlds.',
      ),
    ...realmHostVariables,
    SOCIAL_SERVICE_URL: httpUrl
      .optional()
      .describe('Base URL of a social service, which knows from whom players take private messages; unset = from all.'),
    LEASES_URL: httpUrl
      .optional()
      .describe(
        'URL of the folder with `authorizations.json`, the list of who has leased which land; unset = a lease gives no right.',
      ),
    MODERATORS: commaSeparated
      .pipe(
        z.array(
          z
            .string()
            .regex(/^0x[0-9a-fA-F]{40}$/, 'lists wallet addresses')
            .transform((text) => text.toLowerCase() as PeerId),
        ),
      )
      .describe('Wallets that may ban players from the platform and warn them, separated by commas.'),
    MODERATOR_TOKEN: token.describe(
      'Bearer token with which tools of moderators do the same; they name the person in `?moderator=`.',
    ),
    COMMS_GATEKEEPER_AUTH_TOKEN: token.describe(
      'Bearer token of other services, such as a social service or a worlds content server; unset = none of them may call.',
    ),
    ETH_RPC_URL: httpUrl.optional().describe('Ethereum JSON-RPC to check contract wallets; without it they are refused.'),
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
  Pick<Environment, 'BUS_SCOPE' | 'COMMIT_HASH' | 'CURRENT_VERSION' | 'SCENE_ROOM_PREFIX'> & {
    DATABASE_MIGRATIONS?: 'Run' | 'Wait' | undefined
    WORLDS_FILE?: string | undefined
    WORLD_SECRETS_FOLDER?: string | undefined
    ISLAND_ROOM_PREFIX?: string
    LIVEKIT_API_URL?: string | undefined
    CONNECTION_RETENTION_DAYS?: number
    MODERATION_RETENTION_DAYS?: number
    TRUST_CF_CONNECTING_IP?: 'true' | 'false'
    TRUSTED_PROXIES?: string
    PUBLIC_PATH?: string | undefined
    REALM_NAME?: string
    REALM_PROVIDER_URL?: string | undefined
    CAST2_URL?: string
    COMMS_ROOM_PREFIX?: string
    AUTHORITATIVE_SERVER_ADDRESS?: PeerId | undefined
    ALLOW_LOCAL_PREVIEW?: 'true' | 'false'
    TRUSTED_PROXY_HOPS?: number
    MODERATORS?: readonly PeerId[]
    MODERATOR_TOKEN?: string | undefined
    COMMS_GATEKEEPER_AUTH_TOKEN?: string | undefined
    WORLD_ROOM_PREFIX?: string
    VOICE_ROOM_PREFIX?: string
    PRIVATE_MESSAGES_ROOM_ID?: string
    VOICE_CHAT_INITIAL_CONNECTION_TTL?: number
    VOICE_CHAT_CONNECTION_INTERRUPTED_TTL?: number
    COMMUNITY_VOICE_CHAT_NO_MODERATOR_TTL?: number
  } & {
    [Name in
      | 'DATABASE_URL'
      | 'DATABASE_CA_FILE'
      | 'DATABASE_FOLDER'
      | 'DENYLIST_URL'
      | 'ROOMS_URL'
      | LivekitSetting
      | UpstreamSetting]?: string | undefined
  }
>
type UpstreamSetting =
  | 'CONTENT_URL'
  | 'LAMBDAS_URL'
  | 'PLACES_API_URL'
  | 'WORLD_CONTENT_URL'
  | 'LEASES_URL'
  | 'SOCIAL_SERVICE_URL'
type LivekitSetting = 'LIVEKIT_HOST' | 'LIVEKIT_API_KEY' | 'LIVEKIT_API_SECRET'

/** @throws UserError naming every invalid variable */
export const readConfig = (env: NodeJS.ProcessEnv): GatekeeperEnvironment => parseEnv(gatekeeperVariables, env)
