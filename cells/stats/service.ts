import type { Bus } from '../bus/bus.ts'
import { GuardedBus } from '../bus/guarded-bus.ts'
import { BugReporter } from '../chassis/bug-reporter.ts'
import type { Clock } from '../chassis/clock.ts'
import { operationalRoutes, type Readiness } from '../chassis/health.ts'
import { createApp, text } from '../chassis/http.ts'
import { stopAll } from '../chassis/lifecycle.ts'
import type { Log } from '../chassis/log.ts'
import type { Metrics } from '../chassis/metrics.ts'
import { repeat } from '../chassis/repeat.ts'
import type { RunningService } from '../chassis/running-service.ts'
import { realmHostRoutes } from '../realm-host.ts'
import { listenToBus } from './adapters/bus-listener.ts'
import { noHotScenes, pollHotScenes } from './adapters/hot-scenes-poller.ts'
import { publishParcels } from './adapters/parcel-publisher.ts'
import type { StatsConfig } from './config.ts'
import { PEER_EXPIRY_MS, Snapshot } from './core/snapshot.ts'
import { statsMetrics } from './metrics.ts'
import { statsRoutes } from './routes.ts'

const EXPIRY_CHECK_MS = 1_000
/** What explorers call the realm of Decentraland itself. */
const DEFAULT_REALM_NAME = 'main'

export interface StatsDeps {
  bus: Bus
  log: Log
  clock: Clock
  metrics: Metrics
  /** Unique to this process: under this name it publishes who is on which parcel; by default it does not. */
  serverName?: string | undefined
}

/**
 * Starts stats: it listens to the bus and answers which peers are where. Some explorers refuse to start when `/status` fails
 * (comms.md §8.3), so a dead archipelago shows in `/core-status` alone, and a broker may restart; but a bus that stays away is a
 * realm without islands, and what stats shows then is of the past.
 */
export async function startStats(config: StatsConfig, deps: StatsDeps): Promise<RunningService> {
  const { log, clock, metrics } = deps
  const bus = new GuardedBus(deps.bus, new BugReporter(deps))
  const snapshot = new Snapshot()
  const counted = statsMetrics(metrics, { peers: () => snapshot.peerCount, islands: () => [...snapshot.islands()].length })
  const stopListening = listenToBus(bus, config.BUS_SCOPE, snapshot, clock, counted)
  const { CONTENT_URL: contentUrls = [] } = config
  const hotScenes = contentUrls.length > 0 ? pollHotScenes({ contentUrls, snapshot, clock, log, metrics: counted }) : noHotScenes

  // Silence does not mean that peers left while the bus is down, nor until every peer had the time to send a heartbeat again.
  let expireAfter = Number.NEGATIVE_INFINITY
  const stopWatchingBus = bus.onState(() => {
    expireAfter = clock.monotonic() + PEER_EXPIRY_MS
  })
  const expiring = repeat({
    clock,
    log,
    delayMs: () => EXPIRY_CHECK_MS,
    task: async () => {
      if (bus.state === 'connected' && clock.monotonic() >= expireAfter) counted.expired.inc(snapshot.expire(clock.monotonic()))
    },
  })

  const { serverName } = deps
  const { REALM_NAME: realmName = DEFAULT_REALM_NAME, REALM_PROVIDER_URL: providerUrl } = config
  const feed = { bus, scope: config.BUS_SCOPE, realmName, snapshot, clock, log }
  const publishing = serverName === undefined ? undefined : publishParcels({ ...feed, serverName })

  // Ready without a bus too: it answers with what it knows, and an explorer that gets no answer from `HEAD /status` ends its start
  // (comms.md §8.3). The archipelago, to which no client connects, is the one that reports the outage.
  const readiness = (): Readiness => ({ ready: true })
  const app = createApp({
    log,
    metrics,
    notFound: text('Not found', 404),
    routes: [
      ...statsRoutes({
        realmName,
        snapshot,
        hotScenes,
        clock,
        build: { version: config.CURRENT_VERSION, commitHash: config.COMMIT_HASH },
      }),
      ...(providerUrl ? realmHostRoutes({ providerUrl, realmName, log, clock }) : []),
      ...operationalRoutes(metrics, readiness),
    ],
  })
  const subscriptions = {
    stop: async () => {
      stopListening()
      stopWatchingBus()
    },
  }
  return { app, readiness, stop: stopAll(log, subscriptions, expiring, publishing, hotScenes).stop }
}
