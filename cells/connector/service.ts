import type { Bus } from '../bus/bus.ts'
import { GuardedBus } from '../bus/guarded-bus.ts'
import { BugReporter } from '../chassis/bug-reporter.ts'
import { type Clock, systemClock } from '../chassis/clock.ts'
import { operationalRoutes, type Readiness } from '../chassis/health.ts'
import { type App, createApp, json, ok, type Route, route } from '../chassis/http.ts'
import type { Running } from '../chassis/lifecycle.ts'
import type { Log } from '../chassis/log.ts'
import type { Metrics } from '../chassis/metrics.ts'
import type { RunningService } from '../chassis/running-service.ts'
import { currentSecret } from '../chassis/secret-files.ts'
import { noTracer, type Tracer } from '../chassis/tracing.ts'
import { watchBans } from '../identity/ban-sweep.ts'
import { type Bans, noBans, observedBans } from '../identity/bans.ts'
import type { DenyList } from '../identity/deny-list.ts'
import { signatureMetrics } from '../identity/metrics.ts'
import { bansOf, denyListOf } from '../identity/refused-wallets.ts'
import type { ChainVerifier } from '../identity/verifier.ts'
import { trustedProxiesOf } from '../sockets/connection-variables.ts'
import { drain, untilEmpty } from '../sockets/drain.ts'
import type { SessionReports } from '../wire/session-report.ts'
import { subjects } from '../wire/subjects.ts'
import { httpSessionReports } from './adapters/http-session-reports.ts'
import { BusBridge } from './bus-bridge.ts'
import type { ClientConnection, PlayerSession } from './client-connection.ts'
import type { ConnectorConfig } from './config.ts'
import { drainTimeMs } from './core/drain-time.ts'
import { JoinTracker } from './core/join-tracker.ts'
import { connectorMetrics } from './metrics.ts'
import { SessionRegistry } from './session-registry.ts'
import { SessionReporter } from './session-reporter.ts'
import { SocketServer } from './socket-server.ts'

/** What a connector uses and does not own: it is not stopped with the connector. */
export interface ConnectorDeps {
  bus: Bus
  log: Log
  clock: Clock
  verifier: ChainVerifier
  metrics: Metrics
  tracer?: Tracer | undefined
  /** The movement relay of the same process; by default the one at MOVEMENT_URL. */
  relay?: SessionReports | undefined
}

/** How long the bus may be away before new players should go to another connector; a broker that restarts is back sooner. */
const BUS_GRACE_MS = 15_000
/** How long clients may take to answer the last close frames. */
const CLOSE_WAIT_MS = 500

/** Starts a connector: the players' sockets on one side, the bus on the other. */
export const startConnector = async (config: ConnectorConfig, deps: ConnectorDeps): Promise<RunningService> =>
  new Connector(config, deps)

const relayOf = ({ MOVEMENT_URL: url, MOVEMENT_TOKEN_FILE: file }: ConnectorConfig): SessionReports | undefined =>
  url ? httpSessionReports({ url, token: currentSecret(undefined, file) }) : undefined

class Connector implements RunningService {
  readonly app: App
  readonly #config: ConnectorConfig
  readonly #deps: ConnectorDeps
  readonly #sessions = new SessionRegistry<ClientConnection>()
  readonly #joins: JoinTracker<PlayerSession>
  readonly #denyList: DenyList
  #bans: Bans
  readonly #bridge: BusBridge
  readonly #server: SocketServer
  readonly #banSweep: Running | undefined
  readonly #unsubscribe: () => void
  #reporter: SessionReporter | undefined
  #stopping = false
  #busAwaySince: number | undefined

  constructor(config: ConnectorConfig, deps: ConnectorDeps) {
    const { log, clock } = deps
    const bugs = new BugReporter(deps)
    const bus = new GuardedBus(deps.bus, bugs)
    this.#config = config
    this.#deps = { ...deps, bus }
    this.#denyList = denyListOf(config, deps, () => this.#endDenied())
    this.#bans = bansOf(config)
    if (this.#bans !== noBans) this.#bans = observedBans(this.#bans, (peer) => this.#reporter?.banned(peer))
    const metrics = this.#declareMetrics()
    const timeoutMs = config.ISLAND_TIMEOUT_MS
    this.#joins = new JoinTracker(timeoutMs, ({ span }) => {
      metrics.joinMissed()
      span.followUp('first island', timeoutMs, { outcome: 'missed' })
    })
    this.#bridge = new BusBridge({
      bus,
      subjects: subjects(config.BUS_SCOPE),
      clock,
      metrics,
      sessions: this.#sessions,
      joins: this.#joins,
      onIsland: (connection, packet) => {
        const counter = this.#server.send(connection, packet) ? metrics.island.delivered : metrics.island.tooSlow
        counter.inc()
      },
      onFailed: (session, error) => {
        const connection = this.#sessions.get(session.peer)
        if (connection?.session === session) this.#server.failed(connection, error)
      },
      onSuperseded: (connection) => this.#server.end(connection, 'superseded'),
    })
    this.#server = new SocketServer({
      ...deps,
      limits: {
        handshakeTimeoutMs: config.HANDSHAKE_TIMEOUT,
        idleTimeoutMs: config.IDLE_TIMEOUT_MS,
        maxConnections: config.MAX_CONNECTIONS,
        maxConnectionsPerAddress: config.MAX_CONNECTIONS_PER_ADDRESS,
        // A burst of reconnecting players may fill the connector before the first of them has signed in.
        maxUnauthenticated: config.MAX_CONNECTIONS,
        upgradesPerSecond: config.HANDSHAKES_PER_SECOND,
      },
      bugs,
      proxies: trustedProxiesOf(config),
      tracer: deps.tracer ?? noTracer,
      ...{ metrics, denyList: this.#denyList, bans: this.#bans, sessions: this.#sessions, bridge: this.#bridge },
    })
    this.#banSweep = this.#startBanSweep()
    const relay = deps.relay ?? relayOf(config)
    const { sessions, bridge } = { sessions: this.#sessions, bridge: this.#bridge }
    if (relay) this.#reporter = new SessionReporter({ relay, sessions, bridge, bans: this.#bans, clock, log, metrics })
    this.#busAwaySince = bus.state === 'connected' ? undefined : clock.monotonic()
    this.#unsubscribe = bus.onState((state) => {
      this.#busAwaySince = state === 'connected' ? undefined : clock.monotonic()
    })
    this.app = this.#createApp()
  }

  readonly readiness = (): Readiness => {
    if (this.#stopping) return { ready: false, reason: 'draining' }
    if (this.#busAwaySince === undefined || this.#deps.clock.monotonic() - this.#busAwaySince < BUS_GRACE_MS)
      return { ready: true }
    return { ready: false, reason: 'the bus cannot be reached' }
  }

  /** Drains the players, then closes every socket. Upgrades are admitted meanwhile: some refused explorers never try again. */
  async stop(): Promise<void> {
    this.#stopping = true
    const { log, clock, bus } = this.#deps
    const { DRAIN_SECONDS, DRAIN_PLAYERS_PER_MINUTE } = this.#config
    const server = this.#server
    const durationMs = drainTimeMs(server.connections.size, DRAIN_SECONDS, DRAIN_PLAYERS_PER_MINUTE)
    log.info({ players: this.#sessions.size, seconds: durationMs / 1000 }, 'draining')
    await drain({
      remaining: () => server.remaining(),
      end: (connection) => server.end(connection, 'drained'),
      firstAtOnce: false,
      ...{ durationMs, clock },
    })
    server.closeAll()
    await untilEmpty(server.connections, CLOSE_WAIT_MS, systemClock)
    server.terminateAll()
    this.#bridge.close()
    this.#unsubscribe()
    await Promise.all([this.#denyList.stop(), this.#banSweep?.stop(), this.#reporter?.stop(), bus.flush()])
  }

  #declareMetrics() {
    const { metrics, clock, bus, verifier } = this.#deps
    signatureMetrics(metrics, verifier)
    return connectorMetrics(metrics, {
      connections: () => this.#server.connections.size,
      maxConnections: () => this.#config.MAX_CONNECTIONS,
      players: () => this.#sessions.size,
      silentPlayers: () => this.#reporter?.silentCount ?? 0,
      waitingUpgrades: () => this.#server.waiting,
      deniedWallets: () => this.#denyList.size,
      busConnected: () => bus.state === 'connected',
      joins: () => this.#joins.counts(clock.monotonic()),
    })
  }

  #startBanSweep(): Running | undefined {
    if (this.#bans === noBans) return undefined
    const { clock, log } = this.#deps
    const intervalMs = this.#config.BAN_SWEEP_INTERVAL_MS
    const sessions = this.#sessions
    return watchBans({
      bans: this.#bans,
      *connected() {
        for (const [peer] of sessions) yield peer
      },
      end: (peer) => {
        const connection = sessions.get(peer)
        if (connection) this.#server.end(connection, 'banned')
        return connection !== undefined
      },
      endOlder: (peer, beforeMs) => {
        const connection = sessions.get(peer)
        if (!connection?.session || connection.session.startedAt >= beforeMs) return false
        this.#server.end(connection, 'kicked')
        return true
      },
      ...{ clock, log, intervalMs },
    })
  }

  /** Ends the sessions of wallets that came on the deny list while they were connected. */
  #endDenied(): void {
    for (const [peer, connection] of [...this.#sessions]) if (this.#denyList.has(peer)) this.#server.end(connection, 'denied')
  }

  #createApp(): App {
    const { metrics, clock, log } = this.#deps
    const { CURRENT_VERSION: version, COMMIT_HASH: commitHash } = this.#config
    const status: Route['handler'] = () =>
      json(
        200,
        { version, currentTime: clock.now(), commitHash, userCount: this.#sessions.size },
        { 'access-control-allow-origin': '*' },
      )
    return createApp({
      routes: [
        route('GET', '/status', status),
        route('GET', '/cells/:slot/status', status),
        // For the operator: whether the players of a new cell are given islands.
        route('GET', '/joins', () => ok({ ok: true, joins: this.#joins.counts(clock.monotonic()) })),
        ...operationalRoutes(metrics, this.readiness),
      ],
      // Explorers keep a URL for ever: one that names another slot is served by this connector as well.
      upgrades: { '/ws': this.#server.upgrade, '/cells/:slot/ws': this.#server.upgrade },
      log,
      metrics,
    })
  }
}
