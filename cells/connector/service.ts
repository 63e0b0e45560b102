import type { Bus } from '../bus/bus.ts'
import type { Clock } from '../chassis/clock.ts'
import { operationalRoutes, type Readiness } from '../chassis/health.ts'
import { createApp, json, ok, type Route, route } from '../chassis/http.ts'
import type { Log } from '../chassis/log.ts'
import type { Metrics } from '../chassis/metrics.ts'
import type { Cell } from '../chassis/service.ts'
import { emptyDenyList, HttpDenyList } from '../identity/deny-list.ts'
import type { ChainVerifier } from '../identity/verifier.ts'
import { subjects } from '../wire/subjects.ts'
import { gatekeeperBans, noBans } from './adapters/bans.ts'
import { watchBans } from './ban-sweep.ts'
import { BusBridge } from './bus-bridge.ts'
import type { ConnectorConfig } from './config.ts'
import { JoinTracker } from './core/join-tracker.ts'
import { drainTimeMs } from './core/spread.ts'
import { drain } from './drain.ts'
import { connectorMetrics } from './metrics.ts'
import type { PlayerConnection, PlayerSession } from './player-connection.ts'
import { SessionRegistry } from './session-registry.ts'
import { SocketServer } from './socket-server.ts'

/** What a connector needs from whoever starts it; all of it outlives the connector. */
export interface ConnectorDeps {
  bus: Bus
  log: Log
  clock: Clock
  verifier: ChainVerifier
  metrics: Metrics
}

/** How long the bus may be away before new players are better served elsewhere; a broker that restarts is back sooner. */
const BUS_GRACE_MS = 15_000
/** How long goodbyes may take to reach the players once the draining is over. */
const LAST_WORDS_MS = 500

/** JSON of another shape must not lift a deny list that is in force. */
const DENY_LIST = { retryMs: 30_000, otherShape: 'failure' } as const

/** Starts a connector: the players' sockets on one side, the bus on the other. */
export async function startConnector(config: ConnectorConfig, deps: ConnectorDeps): Promise<Cell> {
  const { bus, log, clock, verifier } = deps
  const sessions = new SessionRegistry<PlayerConnection>()
  const joins = new JoinTracker<PlayerSession>(config.ISLAND_TIMEOUT_MS)
  const denyList = config.DENYLIST_URL ? new HttpDenyList({ ...DENY_LIST, url: config.DENYLIST_URL, clock, log }) : emptyDenyList
  const metrics = connectorMetrics(deps.metrics, {
    connections: () => server.connections.size,
    players: () => sessions.size,
    waiting: () => server.waiting,
    pendingSignatures: () => verifier.pending,
    deniedWallets: () => denyList.size,
    busConnected: () => bus.state === 'connected',
    joins: () => joins.counts(clock.now()),
  })
  const bans = config.COMMS_GATEKEEPER_URL ? gatekeeperBans(config.COMMS_GATEKEEPER_URL) : noBans
  const exchange = new BusBridge({
    bus,
    subjects: subjects(config.BUS_SCOPE),
    clock,
    metrics,
    sessions,
    joins,
    onIsland: (connection, packet) => {
      const counted = server.send(connection, packet) ? metrics.island.delivered : metrics.island.tooSlow
      counted.inc()
    },
    onSuperseded: (connection) => server.end(connection, 'superseded'),
  })
  const server = new SocketServer({
    limits: {
      handshakeTimeoutMs: config.HANDSHAKE_TIMEOUT,
      idleTimeoutMs: config.IDLE_TIMEOUT_MS,
      maxConnections: config.MAX_CONNECTIONS,
      maxConnectionsPerAddress: config.MAX_CONNECTIONS_PER_ADDRESS,
      handshakesPerSecond: config.HANDSHAKES_PER_SECOND,
    },
    ...{ clock, log, metrics, verifier, denyList, bans, sessions, exchange },
  })
  const sweeping =
    bans === noBans ? undefined : watchBans({ bans, sessions, server, clock, log, intervalMs: config.BAN_SWEEP_INTERVAL_MS })

  let stopping = false
  let awaySince = bus.state === 'connected' ? undefined : clock.now()
  const unsubscribe = bus.onState((state) => {
    awaySince = state === 'connected' ? undefined : clock.now()
  })
  const readiness = (): Readiness => {
    if (stopping) return { ready: false, reason: 'draining' }
    if (awaySince === undefined || clock.now() - awaySince < BUS_GRACE_MS) return { ready: true }
    return { ready: false, reason: 'the bus cannot be reached' }
  }

  const status: Route['handler'] = () =>
    json(
      200,
      { version: config.CURRENT_VERSION, currentTime: clock.now(), commitHash: config.COMMIT_HASH, userCount: sessions.size },
      { 'access-control-allow-origin': '*' },
    )
  const app = createApp({
    routes: [
      route('GET', '/status', status),
      route('GET', '/cells/:slot/status', status),
      // Ours, for the operator: whether those who come to a new cell are given islands.
      route('GET', '/joins', () => ok({ ok: true, joins: joins.counts(clock.now()) })),
      ...operationalRoutes(deps.metrics, readiness),
    ],
    // Explorers keep a URL for ever: one that names another slot still leads to a living cell (this one).
    upgrades: { '/ws': server.upgrade, '/cells/:slot/ws': server.upgrade },
    log,
    metrics: deps.metrics,
  })

  return {
    app,
    readiness,
    async stop() {
      stopping = true
      const durationMs = drainTimeMs(server.connections.size, config.DRAIN_SECONDS, config.DRAIN_PLAYERS_PER_MINUTE)
      log.info({ players: sessions.size, seconds: durationMs / 1000 }, 'draining')
      await drain(server, durationMs, clock)
      server.close()
      await allGone(server, LAST_WORDS_MS)
      server.terminateAll()
      exchange.close()
      unsubscribe()
      await Promise.all([denyList.stop(), sweeping?.stop(), bus.flush()])
    },
  }
}

/** Waits, at most that long, for clients to answer our close frames. */
async function allGone(server: SocketServer, atMostMs: number): Promise<void> {
  const until = performance.now() + atMostMs
  while (server.connections.size > 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 10))
}
