import { withoutTrailingSlash } from '../../cells/chassis/base-url.ts'
import { cellScope } from '../../cells/wire/subjects.ts'
import type { ObjectKey } from '../../crds/object.ts'
import { type CommsCell, type CommsCellSpec, type Realm, realmNameOf, realmScope } from '../../crds/realm.ts'
import { isWorldRealm } from '../../crds/world.ts'
import { hostingOf } from './hosted-worlds.ts'
import type { Site } from './site.ts'
import { contentUrlsOf } from './topology.ts'
import { cellRoomsUrl, gatekeeperRoomsUrl, roomsUrl } from './urls.ts'

/** The environment of one process: each value is a literal, or a key of a Secret. */
export type Settings = Readonly<Record<string, string | SecretRef>>

/** A key of a Secret in the realm's namespace. The operator never reads it; the kubelet mounts it. */
export interface SecretRef {
  secret: string
  key: string
  /** Whether the process starts without the Secret. */
  optional?: true
}

/** The environment of the connectors of a cell. */
export const connectorSettings = (cell: CommsCell): Settings => ({
  ...busSettings(cell.spec.nats, scopeOf(cell)),
  DRAIN_SECONDS: String(cell.spec.connectors.drainSeconds),
  ...(cell.spec.connectors.playersPerMinute !== undefined && {
    DRAIN_PLAYERS_PER_MINUTE: String(cell.spec.connectors.playersPerMinute),
  }),
  // A player gets an island in the next flush or the one after. Set only where that takes longer than the connectors' default.
  ...(cell.spec.archipelago.flushPeriodMilliseconds > 10_000 && {
    ISLAND_TIMEOUT_MS: String(2 * cell.spec.archipelago.flushPeriodMilliseconds),
  }),
  ...exposureSettings(cell.spec.exposure),
  ...(cell.spec.movement && {
    MOVEMENT_URL: cell.spec.movement.reportsUrl,
    MOVEMENT_TOKEN: { secret: cell.spec.movement.secretName, key: 'token', optional: true },
  }),
  ...refusalSettings(cell),
})

/** Which wallets the services of a cell refuse to which players connect. */
const refusalSettings = ({ spec }: CommsCell): Settings => ({
  ...(spec.gatekeeperUrl && { COMMS_GATEKEEPER_URL: spec.gatekeeperUrl }),
  ...walletSettings(spec),
})

/** The environment of the archipelago of a cell. */
export function archipelagoSettings(cell: CommsCell): Settings {
  const { nats, livekit, exposure, archipelago } = cell.spec
  return {
    ...busSettings(nats, scopeOf(cell)),
    ...livekitSettings(livekit, cellRoomsUrl(cell)),
    // Players connect to it only where it has the rooms.
    ...(!livekit && { ...exposureSettings(exposure), ...refusalSettings(cell) }),
    ARCHIPELAGO_JOIN_DISTANCE: String(archipelago.joinDistance),
    ARCHIPELAGO_LEAVE_DISTANCE: String(archipelago.leaveDistance),
    ARCHIPELAGO_FLUSH_FREQUENCY: String(archipelago.flushPeriodMilliseconds / 1000),
    LIVEKIT_ISLAND_SIZE: String(archipelago.islandSize),
    // Cells of several realms may share one LiveKit; gatekeepers recognise the room of an island by its prefix.
    ROOM_PREFIX: `island-${scopeOf(cell)}-`,
  }
}

/** The environment of the gatekeeper of a realm. Without a LiveKit, scene rooms are in the realm's first cell. */
export function gatekeeperSettings(realm: Realm, site: Site): Settings {
  const { type, secret, caSecretName, storage } = realm.spec.gatekeeper.database
  const urls = site.urls(realm)
  const livekit = site.livekit(realm)
  const rooms = isWorldRealm(realm) ? gatekeeperRoomsUrl(urls.gatekeeper) : roomsUrl(realm.metadata.name, 0, urls.slot(0))
  return {
    ...busSettings(site.nats(realm, 'gatekeeper'), cellScope(realmScope(realm.metadata), 0)),
    ...livekitSettings(livekit, rooms),
    // A World has no statistics that could answer for it at its host.
    ...(isWorldRealm(realm) && providerSettings(site)),
    ...(isWorldRealm(realm) && !livekit && { ROOMS_SERVER: 'Self', ...exposureSettings(site.exposure(realm)) }),
    ...(hostingOf(realm) && { WORLDS_FILE: `${WORLDS_FOLDER}/${WORLDS_FILE}`, WORLD_SECRETS_FOLDER }),
    ...roomApiSettings(realm, site),
    ...walletSettings(realm.spec.gatekeeper),
    ...moderationSettings(realm),
    ...sceneRoomSettings(realm),
    ...proxySettings(site.exposure(realm)?.trustedProxies),
    ...publicPathSettings(realm, site),
    ...(type === 'External' && secret
      ? { ...databaseSettings({ secret, caSecretName }), DATABASE_MIGRATIONS: 'Wait' }
      : // The root of a new volume is not empty where its file system has a folder lost+found.
        { DATABASE_FOLDER: storage ? `${DATA_FOLDER}/database` : DATA_FOLDER }),
  }
}

/** Who may moderate, and the services that say who owns what. */
function moderationSettings({ spec: { content, gatekeeper } }: Realm): Settings {
  const { moderators = [], moderatorTokenSecret, serviceTokenSecret, places, worlds, leases, social, retention } = gatekeeper
  const { connectionDays, moderationDays } = retention ?? {}
  const [catalyst] = content.catalysts
  return {
    ...(moderators.length > 0 && { MODERATORS: moderators.join(',') }),
    ...(moderatorTokenSecret && { MODERATOR_TOKEN: secretKey(moderatorTokenSecret) }),
    ...(serviceTokenSecret && { COMMS_GATEKEEPER_AUTH_TOKEN: secretKey(serviceTokenSecret) }),
    ...(catalyst && {
      CONTENT_URL: `${withoutTrailingSlash(catalyst)}/content`,
      LAMBDAS_URL: `${withoutTrailingSlash(catalyst)}/lambdas`,
    }),
    ...(places && { PLACES_API_URL: places }),
    ...(worlds && { WORLD_CONTENT_URL: worlds }),
    ...(leases && { LEASES_URL: leases }),
    ...(social && { SOCIAL_SERVICE_URL: social }),
    ...(connectionDays !== undefined && { CONNECTION_RETENTION_DAYS: String(connectionDays) }),
    ...(moderationDays !== undefined && { MODERATION_RETENTION_DAYS: String(moderationDays) }),
  }
}

/** The rooms of scenes, for others than players. */
function sceneRoomSettings(realm: Realm): Settings {
  const { authoritativeServer, localPreview, cast } = realm.spec.gatekeeper
  return {
    REALM_NAME: realmNameOf(realm),
    ...(authoritativeServer && { AUTHORITATIVE_SERVER_ADDRESS: authoritativeServer }),
    ...(localPreview && { ALLOW_LOCAL_PREVIEW: 'true' }),
    ...(cast && { CAST2_URL: cast }),
  }
}

const secretKey = ({ name, key = 'token' }: { name: string; key?: string }): SecretRef => ({ secret: name, key })

/**
 * The rooms of a realm are those of no other realm on the same LiveKit: a player who names another realm in a request gets no token for
 * one of its rooms, and a gatekeeper looks for banned players in its own. A name has no dot, so no prefix begins with another one.
 */
function roomApiSettings(realm: Realm, site: Site): Settings {
  if (!site.livekit(realm)) return {}
  const apiUrl = site.livekitApiUrl(realm)
  const scope = realmScope(realm.metadata)
  return {
    ISLAND_ROOM_PREFIX: `island-${scope}.`,
    SCENE_ROOM_PREFIX: `scene-${scope}.`,
    VOICE_ROOM_PREFIX: `voice-chat-${scope}.`,
    PRIVATE_MESSAGES_ROOM_ID: `private-messages-${scope}`,
    ...(apiUrl && { LIVEKIT_API_URL: apiUrl }),
  }
}

/** Players sign the path they see, of which a route of the user removes that of the URL. */
function publicPathSettings(realm: Realm, site: Site): Settings {
  const [path] = /(?<=^https?:\/\/[^/]+)\/.*/.exec(site.urls(realm).gatekeeper) ?? []
  return site.distributed && realm.spec.exposure.url && path ? { PUBLIC_PATH: path } : {}
}

/** How the gatekeeper and its migration connect to an External database. */
export const databaseSettings = ({ secret, caSecretName }: ExternalDatabase): Settings => ({
  DATABASE_URL: { secret: secret.name, key: secret.key },
  ...(caSecretName && { DATABASE_CA: { secret: caSecretName, key: 'ca.crt' } }),
})

type Database = Realm['spec']['gatekeeper']['database']
/** An External database of a realm. */
type ExternalDatabase = { secret: NonNullable<Database['secret']>; caSecretName: Database['caSecretName'] | undefined }

/** Where the file with the worlds of a gatekeeper and their shared secrets are, inside the container. */
export const WORLDS_FOLDER = '/run/worlds'
export const WORLDS_FILE = 'worlds.json'
export const WORLD_SECRETS_FOLDER = '/run/secrets/worlds'

/** The folder of an embedded database, inside the container. */
export const DATA_FOLDER = '/data'

/** The environment of the statistics of a realm, which subscribe to all its cells. */
export const statsSettings = (realm: Realm, site: Site): Settings => ({
  ...busSettings(site.nats(realm, 'stats'), scopeOfAllCells(realm.metadata)),
  REALM_NAME: realmNameOf(realm),
  ...providerSettings(site),
  ...contentSettings(contentUrlsOf(realm)),
})

const scopeOfAllCells = (realm: ObjectKey): string => `${realmScope(realm)}.*`

const contentSettings = (urls: readonly string[] = []): Settings => (urls.length > 0 ? { CONTENT_URL: urls.join(',') } : {})

/**
 * The environment of a process of a Compact cell: that of a connector and of an archipelago, which share their bus and their players, and
 * behind `STATS_` what the statistics have of their own.
 */
export const compactSettings = (cell: CommsCell): Settings => ({
  ...archipelagoSettings(cell),
  ...connectorSettings(cell),
  ...(cell.spec.statistics && ofStatistics(cell, cell.spec.statistics)),
})

function ofStatistics(
  { metadata: { namespace }, spec: { nats, realmRef } }: CommsCell,
  { realmName, natsUser, providerUrl, contentUrls }: NonNullable<CommsCellSpec['statistics']>,
): Settings {
  const credentials = nats?.credentials && natsUser ? credentialSettings({ ...nats.credentials, user: natsUser }) : {}
  const settings: Settings = {
    HTTP_SERVER_PORT: String(STATS_PORT),
    BUS_SCOPE: scopeOfAllCells({ namespace, name: realmRef.name }),
    ...credentials,
    REALM_NAME: realmName,
    ...(providerUrl && { REALM_PROVIDER_URL: providerUrl }),
    ...contentSettings(contentUrls),
  }
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [`STATS_${name}`, value]))
}

/** The port of the statistics in a process that is a connector too; `HTTP_PORT` is that of the connector. */
export const STATS_PORT = 8081

/** Where the service that answers at the host of a realm asks for what is described there. */
const providerSettings = ({ providerUrl }: Site): Settings => (providerUrl ? { REALM_PROVIDER_URL: providerUrl } : {})

const scopeOf = ({ metadata: { namespace }, spec }: CommsCell): string =>
  cellScope(realmScope({ namespace, name: spec.realmRef.name }), spec.slot)

const busSettings = (nats: CommsCellSpec['nats'], scope: string): Settings => ({
  BUS_SCOPE: scope,
  ...(nats && { NATS_URL: nats.urls.join(',') }),
  ...(nats?.credentials && credentialSettings(nats.credentials)),
  ...(nats?.caSecretName && { NATS_CA: { secret: nats.caSecretName, key: 'ca.crt' } }),
})

const exposureSettings = ({ trustedProxies, maxConnectionsPerAddress }: CommsCellSpec['exposure'] = {}): Settings => ({
  ...proxySettings(trustedProxies),
  ...(maxConnectionsPerAddress !== undefined && { MAX_CONNECTIONS_PER_ADDRESS: String(maxConnectionsPerAddress) }),
})

type BusCredentials = NonNullable<NonNullable<CommsCellSpec['nats']>['credentials']>

function credentialSettings({ type = 'Password', secretName: secret, user }: BusCredentials): Settings {
  if (type === 'CredentialsFile') return { NATS_CREDENTIALS: { secret, key: 'user.creds' } }
  if (type === 'NkeySeed') return { NATS_NKEY_SEED: { secret, key: 'seed' } }
  if (type === 'Token') return { NATS_TOKEN: { secret, key: 'token' } }
  return { NATS_USER: user ?? { secret, key: 'user' }, NATS_PASSWORD: { secret, key: user ?? 'password' } }
}

const proxySettings = ({ cidrs, hops }: Proxies = {}): Settings => ({
  ...(cidrs && { TRUSTED_PROXIES: cidrs.join(',') }),
  ...(hops && { TRUSTED_PROXY_HOPS: String(hops) }),
})

type Proxies = NonNullable<CommsCellSpec['exposure']>['trustedProxies']

const walletSettings = ({ denyList, ethereum }: Pick<CommsCellSpec, 'denyList' | 'ethereum'>): Settings => ({
  ...(denyList && { DENYLIST_URL: denyList }),
  ...(ethereum && { ETH_RPC_URL: ethereum }),
})

const livekitSettings = (livekit: CommsCellSpec['livekit'], rooms: string): Settings =>
  livekit
    ? {
        LIVEKIT_HOST: livekit.url,
        LIVEKIT_API_KEY: { secret: livekit.credentials.secretName, key: 'apiKey' },
        LIVEKIT_API_SECRET: { secret: livekit.credentials.secretName, key: 'apiSecret' },
      }
    : { ROOMS_URL: rooms }
