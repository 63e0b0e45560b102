import { BugReporter } from '../chassis/bug-reporter.ts'
import type { Clock } from '../chassis/clock.ts'
import { operationalRoutes, type Readiness } from '../chassis/health.ts'
import { createApp } from '../chassis/http.ts'
import type { Log } from '../chassis/log.ts'
import { Metrics } from '../chassis/metrics.ts'
import type { RunningService } from '../chassis/running-service.ts'
import type { ChainVerifier } from '../identity/verifier.ts'
import type { PeerId } from '../wire/peer.ts'
import type { SessionReports } from '../wire/session-report.ts'
import { openUdp } from './enet/udp.ts'
import { defaultPulseLimits, type PulseLimits } from './limits.ts'
import { liveRelay } from './live-relay.ts'
import { pulseMetrics } from './metrics.ts'
import { RealmReports, type VisiblePlayers } from './realm-reports.ts'
import { reportRoutes } from './report-routes.ts'
import { type PulseServer, TICK_MS } from './server.ts'

export interface PulseConfig {
  /** Address to listen on; every address of the machine, of IPv6 and IPv4, by default. */
  address?: string | undefined
  /** UDP port; 0 takes a free one. */
  port: number
  limits?: Partial<PulseLimits>
  /** Why a wallet may not enter; every wallet may by default. */
  refusalOf?: (wallet: PeerId) => 'banned' | undefined
  /** Whom the relay shows: everyone by default. */
  visiblePlayers?: VisiblePlayers
  /** The key of the tokens with which realms report; without it no report is taken over HTTP. */
  tokenKey?: () => string | undefined
  /** Whether probes and metrics have a port of their own, apart from the reports. */
  hasPeerPort?: boolean
}

/** What the relay uses and does not own: it is not stopped with it. */
export interface PulseDeps {
  log: Log
  clock: Clock
  verifier: ChainVerifier
  metrics: Metrics
}

/** A movement relay that runs. */
export interface Pulse extends RunningService {
  /** The UDP port it listens on. */
  readonly port: number
  /** Takes the reports of the connectors of a realm in the same process. */
  reportsOf(realmName: string): SessionReports
}

/** Milliseconds between two looks at resends and time-outs. */
const SERVICE_MS = 10
/** So long clients have to take note that they are to come back. */
const STOP_MS = 300

/**
 * Starts a movement relay: players of a realm see each other move, through UDP, in the protocol of the explorers. One relay serves any
 * number of realms.
 *
 * @throws when the port is taken, or the address is not one of this machine
 */
export async function startPulse(config: PulseConfig, deps: PulseDeps): Promise<Pulse> {
  const { clock, log } = deps
  const limits = { ...defaultPulseLimits, ...config.limits }
  const reports: RealmReports = new RealmReports({
    ...{ clock, visiblePlayers: config.visiblePlayers ?? 'Everyone', metrics: () => metrics },
    positionOf: (wallet, realm) => live.relay.positionOf(wallet, realm),
  })
  const metrics = pulseMetrics(deps.metrics, {
    connections: () => live.server.connectionCount,
    players: () => live.relay.size,
    datagrams: () => ({ in: live.server.host.counters.datagramsIn, out: live.server.host.counters.datagramsOut }),
    undelivered: () => udp.counters.dropped + udp.counters.sendErrors,
    reported: () => reports.sessions.counts,
  })
  const live = liveRelay({
    context: {
      ...{ verifier: deps.verifier, clock, limits, metrics },
      bugs: new BugReporter(deps),
      refusalOf: config.refusalOf ?? (() => undefined),
    },
    hiddenReason: (realm, wallet) => reports.hiddenReason(realm, wallet),
    send: (...datagram) => udp.send(...datagram),
  })
  const udp = await openUdp({
    port: config.port,
    ...(config.address !== undefined && { address: config.address }),
    onDatagram: (bytes, address, port) => live.server.host.receive(bytes, address, port),
  })
  const rounds = startRounds(() => live.server, clock)
  let stopping = false
  const readiness = (): Readiness => (stopping ? { ready: false, reason: 'stopping' } : { ready: true })
  const operational = operationalRoutes(deps.metrics, readiness)
  return {
    port: udp.port,
    reportsOf: (realmName) => ({ report: (report) => reports.take(realmName, report) }),
    app: createApp({
      routes: [
        ...reportRoutes({ key: config.tokenKey ?? (() => undefined), reports, metrics }),
        ...(config.hasPeerPort ? [] : operational),
      ],
      ...{ log, metrics: deps.metrics },
    }),
    ...(config.hasPeerPort && { peerApp: createApp({ routes: operational, log, metrics: new Metrics('pulse') }) }),
    readiness,
    async stop() {
      stopping = true
      live.server.endAll()
      await new Promise<void>((resolve) => clock.after(STOP_MS, resolve))
      rounds.stop()
      await udp.close()
    },
  }
}

/** Calls the server at even intervals: a round that comes late is not made up for. */
function startRounds(server: () => PulseServer, clock: Clock): { stop(): void } {
  let cancel = () => {}
  let nextTick = clock.monotonic() + TICK_MS
  const run = () => {
    server().host.service()
    const now = clock.monotonic()
    if (now >= nextTick) {
      nextTick = Math.max(nextTick + TICK_MS, now)
      server().tick()
    }
    cancel = clock.after(SERVICE_MS, run)
  }
  run()
  return { stop: () => cancel() }
}
