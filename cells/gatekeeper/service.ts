import type { Bus } from '../bus/bus.ts'
import type { Clock } from '../chassis/clock.ts'
import type { Readiness } from '../chassis/health.ts'
import { type Running, stopAll } from '../chassis/lifecycle.ts'
import type { Log } from '../chassis/log.ts'
import type { Metrics } from '../chassis/metrics.ts'
import type { RunningService } from '../chassis/running-service.ts'
import type { Tracer } from '../chassis/tracing.ts'
import type { Bans } from '../identity/bans.ts'
import { type DenyList, emptyDenyList, HttpDenyList } from '../identity/deny-list.ts'
import { signatureMetrics } from '../identity/metrics.ts'
import type { ChainVerifier } from '../identity/verifier.ts'
import { createLivekitTransport } from '../rtc/livekit-transport.ts'
import type { RoomTransport } from '../rtc/room-transport.ts'
import { openStorage } from './adapters/open-storage.ts'
import type { Storage } from './adapters/storage.ts'
import type { ServeOptions } from './api/serve.ts'
import { BanList } from './ban-list.ts'
import type { GatekeeperConfig } from './config.ts'
import { ConnectionRecorder } from './connection-recorder.ts'
import { WalletLimit } from './core/wallet-limit.ts'
import { gatekeeperApp } from './gatekeeper-app.ts'
import type { KickList } from './kick-list.ts'
import { mustLeave } from './livekit/must-leave.ts'
import { livekitUrl, type RoomControl, startRoomControl } from './livekit/room-control.ts'
import type { RoomVisit } from './livekit/room-guard.ts'
import { gatekeeperMetrics } from './metrics.ts'
import { startModeration } from './moderation.ts'
import { DELETION_BATCH, type Deletion, expire } from './retention.ts'
import { embeddedSceneRooms } from './scenes/embedded-scene-rooms.ts'
import { StorageHealth } from './storage-health.ts'
import { startStreams } from './streams/start-streams.ts'
import { startVoice } from './voice/start-voice.ts'
import { type EmbeddedRooms, WorldHosting } from './worlds/hosting.ts'

/** The caller stops the verifier and the bus; the gatekeeper stops the storage. */
export interface GatekeeperDependencies {
  /** Carries admissions to embedded rooms; needed where ROOMS_URL is set. */
  bus?: Bus | undefined
  log: Log
  clock: Clock
  verifier: ChainVerifier
  metrics: Metrics
  tracer?: Tracer | undefined
  /** Replaces the database of the configuration. */
  storage?: Storage
  /** Replaces the LiveKit or the embedded rooms of the configuration. */
  transport?: RoomTransport
  /** The embedded rooms of this process, with ROOMS_SERVER Self; admissions reach them over the bus. */
  rooms?: EmbeddedRooms | undefined
  /** The text of a key among the shared secrets of worlds; replaces the folder of the configuration. */
  worldSecretOf?: ((key: string) => string | undefined) | undefined
  /** For tests: called with every answer of a declared route. */
  onAnswer?: ServeOptions['onAnswer']
}

/** A gatekeeper that runs. */
export interface Gatekeeper extends RunningService {
  /** Its bans, for embedded rooms in the same process. */
  bans: Bans
}

/** A player who moves fast over the map sends about one request a second; the limit is for programs. */
const WALLET_LIMIT = { burst: 60, perSecond: 2, maxWallets: 50_000 }

/** Where the configuration names none. */
const RETENTION_DAYS = 30

/** A pod that never read the list serves no players, so it tries again soon. */
const DENY_LIST_RETRY_MS = 10_000

/**
 * Starts a gatekeeper: opens its database, brings the schema up to date and answers requests of players.
 *
 * @throws UserError when the database cannot be used
 */
export async function startGatekeeper(config: GatekeeperConfig, dependencies: GatekeeperDependencies): Promise<Gatekeeper> {
  const { log, clock, verifier, metrics, rooms, worldSecretOf } = dependencies
  const embedded = dependencies.transport
    ? undefined
    : embeddedSceneRooms(config, {
        ...{ bus: dependencies.bus, clock, log },
        hasSceneBan: (wallet) => moderation.sceneBans.placesOf(wallet).size > 0,
        isExpelled: (visit) => isExpelled(visit),
      })
  const transport = dependencies.transport ?? embedded ?? livekitOf(config)
  if (!transport) log.warn('neither LiveKit nor embedded rooms are configured: there are no scene rooms')
  const storage = dependencies.storage ?? (await openStorage(config, { clock, log }))
  const storageHealth = new StorageHealth(storage, { clock, log })
  const denyList = config.DENYLIST_URL
    ? new HttpDenyList({ retryMs: DENY_LIST_RETRY_MS, url: config.DENYLIST_URL, clock, log })
    : emptyDenyList
  const limit = new WalletLimit(WALLET_LIMIT)
  const readiness = () => readinessOf(storageHealth.readiness(), [bans, moderation.sceneBans], denyList)

  const hosting = new WorldHosting(config, { rooms, worldSecretOf, clock, log })
  const { worlds } = hosting
  signatureMetrics(metrics, verifier)
  const counted = gatekeeperMetrics(metrics, {
    ready: () => readiness().ready,
    wallets: () => limit.size,
    denied: () => denyList.size,
    bans: () => bans.size,
    banAgeSeconds: () => bans.ageSeconds,
    worlds: () => worlds.all.length,
  })
  let control: RoomControl | undefined
  let streams: ReturnType<typeof startStreams> | undefined
  const onChange = (placeIds: ReadonlySet<string> = new Set()) => {
    void control?.guard.sweep()
    void control?.metadata.placesChanged(placeIds)
    void streams?.endOfBanned()
    void embedded?.sweep()
  }
  const bans = new BanList(storage, { clock, log, onFailure: () => counted.banReadsFailed.inc(), onChange: () => onChange() })
  const onFailure = () => counted.sceneBanReadsFailed.inc()
  const [moderation] = await Promise.all([
    startModeration(config, { storage, bans, clock, log, onFailure, onChange }),
    bans.attempted,
    worlds.attempted,
  ])
  const isExpelled = (visit: RoomVisit) => mustLeave(visit, { ...moderation, hosted: worlds, denyList, storage })
  control = startRoomControl(config, {
    ...moderation,
    database: storage.database,
    isExpelled,
    worlds,
    clock,
    log,
    metrics,
    counted,
  })
  hosting.useLivekit(control)
  streams = startStreams(config, { moderation, storage, control, clock, log })
  const voice = startVoice(config, { storage, control, transport, bans, denyList, clock, log, metrics: counted })
  const connections = new ConnectionRecorder(storage, { clock, log, metrics: counted })
  const retention = forgetConnections(config, storage, { clock, log })
  const parts = { moderation, bans, hosting, denyList, transport, control, streams, voice, connections, storage, limit, counted }
  const kept = [
    voice,
    hosting,
    streams,
    control,
    embedded,
    denyList,
    bans,
    moderation,
    storageHealth,
    retention,
    connections,
    storage,
  ]
  return {
    app: gatekeeperApp(config, dependencies, parts, readiness),
    readiness,
    bans: peerBans(bans, moderation.kicks),
    stop: stopAll(log, ...kept).stop,
  }
}

function forgetConnections(config: GatekeeperConfig, storage: Storage, shared: { clock: Clock; log: Log }): Running {
  const days = config.CONNECTION_RETENTION_DAYS ?? RETENTION_DAYS
  const forget: Deletion = (beforeMs) => storage.forgetConnections(beforeMs, DELETION_BATCH)
  return expire([forget], { what: 'connections', days, ...shared })
}

/** While the bans are not known, no wallet counts as banned: no player gets a token then. */
const peerBans = (bans: BanList, kicks: KickList): Bans => ({
  isBanned: async (address) => bans.against({ address }) !== undefined,
  bannedOf: async (peers) => ({
    banned: new Set(peers.filter((address) => bans.against({ address }) !== undefined)),
    kickedAgoMs: new Map(
      peers.flatMap((address) => {
        const seconds = kicks.secondsSince(address)
        return seconds === undefined ? [] : [[address, seconds * 1_000]]
      }),
    ),
    isComplete: bans.known,
  }),
  version: async () => bans.version && bans.version + kicks.version,
})

// A new pod that cannot read the bans or the deny list refuses all players, so it must not replace one that can.
function readinessOf(storage: Readiness, bans: readonly { known: boolean }[], denyList: DenyList): Readiness {
  if (storage.ready && bans.some(({ known }) => !known)) return { ready: false, reason: 'the bans have not been read yet' }
  if (storage.ready && !denyList.known) return { ready: false, reason: 'the deny list has not been read yet' }
  return storage
}

function livekitOf(config: GatekeeperConfig): RoomTransport | undefined {
  const { LIVEKIT_HOST: host, LIVEKIT_API_KEY: apiKey, LIVEKIT_API_SECRET: apiSecret } = config
  return host && apiKey && apiSecret ? createLivekitTransport({ url: livekitUrl(host), apiKey, apiSecret }) : undefined
}
