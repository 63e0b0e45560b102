import { TrustedProxies } from '../chassis/client-address.ts'
import type { Clock } from '../chassis/clock.ts'
import { operationalRoutes, type Readiness } from '../chassis/health.ts'
import { type App, createApp } from '../chassis/http.ts'
import type { Log } from '../chassis/log.ts'
import type { Metrics } from '../chassis/metrics.ts'
import { PRIVATE_NETWORKS } from '../chassis/private-networks.ts'
import type { Tracer } from '../chassis/tracing.ts'
import type { DenyList } from '../identity/deny-list.ts'
import type { ChainVerifier } from '../identity/verifier.ts'
import { realmHostRoutes } from '../realm-host.ts'
import type { RoomTransport } from '../rtc/room-transport.ts'
import type { Storage } from './adapters/storage.ts'
import { CallerCheck } from './api/callers.ts'
import { SceneChangeLimit } from './api/scene-change-limit.ts'
import type { ServeOptions } from './api/serve.ts'
import { SignedRequests } from './api/signed-requests.ts'
import type { BanList } from './ban-list.ts'
import type { GatekeeperConfig } from './config.ts'
import type { ConnectionRecorder } from './connection-recorder.ts'
import { roomPrefixesOf } from './core/room-names.ts'
import type { WalletLimit } from './core/wallet-limit.ts'
import type { RoomControl } from './livekit/room-control.ts'
import type { GatekeeperMetrics } from './metrics.ts'
import type { Moderation } from './moderation.ts'
import { gatekeeperRoutes } from './routes.ts'
import { SceneAdapter } from './scene-adapter.ts'
import type { startStreams } from './streams/start-streams.ts'
import type { startVoice } from './voice/start-voice.ts'
import type { WorldHosting } from './worlds/hosting.ts'

/** What requests are answered with. */
export interface GatekeeperParts {
  moderation: Moderation
  bans: BanList
  hosting: WorldHosting
  denyList: DenyList
  transport: RoomTransport | undefined
  control: RoomControl | undefined
  streams: ReturnType<typeof startStreams>
  voice: ReturnType<typeof startVoice>
  connections: ConnectionRecorder
  storage: Storage
  limit: WalletLimit
  counted: GatekeeperMetrics
}

/** What the whole process shares. */
interface SharedParts {
  verifier: ChainVerifier
  clock: Clock
  log: Log
  metrics: Metrics
  tracer?: Tracer | undefined
  onAnswer?: ServeOptions['onAnswer']
}

/** What explorers call the realm of Decentraland itself. */
const DEFAULT_REALM = 'main'

/** Answers the requests to a gatekeeper, of a World also those at the host of the realm, and to its operational routes. */
export function gatekeeperApp(
  config: GatekeeperConfig,
  { onAnswer, verifier, clock, log, metrics, tracer }: SharedParts,
  { moderation, streams, voice, limit, counted, ...parts }: GatekeeperParts,
  readiness: () => Readiness,
): App {
  // A client that another one is taken for may only be asked to wait: every proxy inside a private network is believed.
  const proxies = new TrustedProxies(config.TRUSTED_PROXIES ?? PRIVATE_NETWORKS.join(','), config.TRUSTED_PROXY_HOPS)
  const { REALM_PROVIDER_URL: providerUrl } = config
  const trustsCloudflare = config.TRUST_CF_CONNECTING_IP === 'true'
  const signed = new SignedRequests({ verifier, proxies, limit, publicPath: config.PUBLIC_PATH, clock, log, metrics: counted })
  return createApp({
    log,
    metrics,
    routes: [
      ...gatekeeperRoutes({
        callers: callersOf(config, signed),
        sceneChangeLimit: new SceneChangeLimit(clock),
        onAnswer,
        onStranger: (attempt, reason) => void moderation.decisions.refused(attempt, reason, { hasRight: false }),
        sceneAdapter: new SceneAdapter({
          ...{ ...parts, signed, sceneGate: moderation.sceneGate, trustsCloudflare },
          ...{ roomPrefix: config.SCENE_ROOM_PREFIX, clock, log, metrics: counted, tracer },
        }).handle,
        ...streams,
        ...moderation,
        ...voice,
        ...parts,
        ...{ trustsCloudflare, log, metrics: counted },
        ...{ proxies, moderators: config.MODERATORS ?? [], hasModeratorToken: config.MODERATOR_TOKEN !== undefined },
        ...{ clock, limited: () => counted.banQueriesLimited.inc() },
        ...routeSettings(config),
      }),
      ...(providerUrl ? realmHostRoutes({ providerUrl, realmName: config.REALM_NAME ?? DEFAULT_REALM, log, clock }) : []),
      ...operationalRoutes(metrics, readiness),
    ],
  })
}

const callersOf = (config: GatekeeperConfig, signed: SignedRequests): CallerCheck =>
  new CallerCheck({
    signed,
    moderators: new Set(config.MODERATORS),
    moderatorToken: config.MODERATOR_TOKEN,
    serviceToken: config.COMMS_GATEKEEPER_AUTH_TOKEN,
  })

const routeSettings = (config: GatekeeperConfig) => ({
  castUrl: config.CAST2_URL ?? 'https://decentraland.org/cast',
  privateMessagesRoom: roomPrefixesOf(config).privateMessages,
  realmName: config.REALM_NAME ?? DEFAULT_REALM,
  wholeWorldPrefix: config.COMMS_ROOM_PREFIX ?? 'world-',
  authoritativeServer: config.AUTHORITATIVE_SERVER_ADDRESS,
  allowsPreview: config.ALLOW_LOCAL_PREVIEW === 'true',
  build: { version: config.CURRENT_VERSION, commitHash: config.COMMIT_HASH },
})
