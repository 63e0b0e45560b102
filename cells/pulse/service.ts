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
import { awakeClock } from './awake-clock.ts'
import { openUdp } from './enet/udp.ts'
import type { UdpOptions } from './enet/udp-port.ts'
import { type HandOverConfig, Succession } from './hand-over/succession.ts'
import { defaultPulseLimits, type PulseLimits } from './limits.ts'
import { liveRelay } from './live-relay.ts'
import { pulseMetrics } from './metrics.ts'
import { RealmReports, type VisiblePlayers } from './realm-reports.ts'
import { reportRoutes } from './report-routes.ts'
import { startRounds } from './rounds.ts'

export interface PulseConfig {
  /** Address to listen on; every address of the machine, of IPv6 and IPv4, by default. */
  address?: string | undefined
  /** UDP port; 0 takes a free one. */
  port: number
  /** Whether to load the library with which one call of the system moves many datagrams: pays for some hundred players. */
  inBatches?: boolean
  limits?: Partial<PulseLimits>
  /** Why a wallet may not enter; every wallet may by default. */
  refusalOf?: (wallet: PeerId) => 'banned' | undefined
  /** Whom the relay shows: everyone by default. */
  visiblePlayers?: VisiblePlayers
  /** The keys of the tokens with which realms report; without one no report is taken over HTTP. */
  tokenKeys?: () => readonly string[]
  /** Whether probes and metrics have a port of their own, apart from the reports. */
  hasPeerPort?: boolean
  /** How players are taken over and handed over; by default a relay starts without any, and ends their sessions when it stops. */
  handOver?: HandOverConfig | undefined
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
  /** Whether one call of the system moves many datagrams. */
  readonly isInBatches: boolean
  /** The TCP port on which a successor asks for the players. */
  readonly handOverPort: number | undefined
  /** Before it stops: waits for a successor, while players are served. */
  leave(): Promise<void>
  /** Ends the sessions of wallets that `refusalOf` now refuses, instead of within a second. */
  endDenied(): void
  /** Takes the reports of the connectors of a realm in the same process. */
  reportsOf(realmName: string): SessionReports
}

/** So long clients have to take note that they are to come back. */
const STOP_MS = 300

/**
 * Starts a movement relay: players of a realm see each other move, through UDP, in the protocol of the explorers. One relay serves any
 * number of realms.
 *
 * @throws when a port is taken, or the address is not one of this machine
 */
export async function startPulse(config: PulseConfig, deps: PulseDeps): Promise<Pulse> {
  const { log } = deps
  const clock = awakeClock(deps.clock)
  const limits = { ...defaultPulseLimits, ...config.limits }
  const reports: RealmReports = new RealmReports({
    ...{ clock, visiblePlayers: config.visiblePlayers ?? 'Everyone', metrics: () => metrics },
    positionOf: (wallet, realm) => succession.live.relay.positionOf(wallet, realm),
    playersIn: (realm) => succession.live.relay.playersIn(realm),
    onChanged: (wallets) => succession.live.relay.reviewOnly(wallets),
  })
  const metrics = pulseMetrics(deps.metrics, {
    connections: () => (succession.isServing ? succession.live.server.connectionCount : 0),
    players: () => (succession.isServing ? succession.live.relay.size : 0),
    datagrams: () => {
      const { datagramsIn, datagramsOut } = succession.live.server.host.counters
      return { in: datagramsIn, out: datagramsOut }
    },
    undelivered: () => udp.counters.dropped + udp.counters.sendErrors,
    missed: () => udp.missed,
    inBatches: () => udp.isInBatches,
    reported: () => reports.sessions.counts,
  })
  const context = {
    ...{ verifier: deps.verifier, clock, limits, metrics },
    bugs: new BugReporter(deps),
    refusalOf: config.refusalOf ?? (() => undefined),
  }
  const succession = new Succession(config.handOver, {
    ...{ clock, log, metrics },
    start: (send, state) => liveRelay({ context, reports, send }, state),
    send: (...datagram) => udp.send(...datagram),
  })
  const onDatagram: UdpOptions['onDatagram'] = (bytes, address, port, length) => succession.receive(bytes, address, port, length)
  const { port, address, inBatches = false } = config
  const udp = await openUdp({ port, inBatches, ...(address !== undefined && { address }), onDatagram })
  const rounds = startRounds(() => {
    if (succession.isServing) succession.live.server.turn()
  }, clock)
  await succession.begin().catch(async (error: unknown) => {
    rounds.stop()
    await udp.close()
    throw error
  })
  let stopping = false
  const readiness = (): Readiness => (stopping ? { ready: false, reason: 'stopping' } : { ready: true })
  const operational = operationalRoutes(deps.metrics, readiness)
  return {
    port: udp.port,
    isInBatches: udp.isInBatches,
    endDenied: () => {
      if (succession.isServing) succession.live.server.endDenied()
    },
    reportsOf: (realmName) => ({ report: (report) => reports.take(realmName, report) }),
    app: createApp({
      routes: [
        ...reportRoutes({ keys: config.tokenKeys ?? (() => []), reports, isServing: () => succession.isServing, metrics }),
        ...(config.hasPeerPort ? [] : operational),
      ],
      ...{ log, metrics: deps.metrics },
    }),
    ...(config.hasPeerPort && { peerApp: createApp({ routes: operational, log, metrics: new Metrics('pulse') }) }),
    readiness,
    handOverPort: succession.port,
    leave: () => succession.leave(),
    async stop() {
      stopping = true
      await succession.stop()
      await new Promise<void>((resolve) => clock.after(STOP_MS, resolve))
      rounds.stop()
      await succession.close()
      await udp.close()
    },
  }
}
