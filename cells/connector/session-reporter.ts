import { randomBytes } from 'node:crypto'
import { backoffMs } from '../chassis/backoff.ts'
import type { Clock } from '../chassis/clock.ts'
import { messageOf } from '../chassis/errors.ts'
import { growingCache } from '../chassis/growing-cache.ts'
import { type Running, stopAll } from '../chassis/lifecycle.ts'
import type { Log } from '../chassis/log.ts'
import { repeat } from '../chassis/repeat.ts'
import type { Bans } from '../identity/bans.ts'
import type { PeerId, Position } from '../wire/peer.ts'
import { SESSION_LEASE_MS, type SessionReportAnswer, type SessionReports } from '../wire/session-report.ts'
import type { BusBridge } from './bus-bridge.ts'
import type { ClientConnection, PlayerSession } from './client-connection.ts'
import { type ReportedWallet, reportsOf } from './core/session-reports.ts'
import type { ConnectorMetrics } from './metrics.ts'
import type { SessionRegistry } from './session-registry.ts'

export interface SessionReporterDeps {
  relay: SessionReports
  sessions: SessionRegistry<ClientConnection>
  bridge: Pick<BusBridge, 'place'>
  /** Where wallets are looked up that the relay shows and that have no session; those found banned are reported as `banned` says. */
  bans: Pick<Bans, 'bannedOf'>
  clock: Clock
  log: Log
  metrics: Pick<ConnectorMetrics, 'reports'>
}

/** Between two rounds of reports, and at most while the relay does not answer. A new ban is reported as soon as it is looked for. */
const REPORT_MS = 1_000
const NEW_BAN_CHECK_MS = 200
const MAX_RETRY_MS = 30_000
/** Requests of one round: what is left is reported in the next one. */
const MAX_REPORTS = 20
/** How often nothing is reported: it shows that the connector is there, and tells whether the relay has started anew. */
const EMPTY_REPORT_MS = 10_000
/** How often a session that goes on is reported again. */
const RENEW_MS = SESSION_LEASE_MS / 3
/** A client that sent no position for so long is silent; one that has never sent any has less time. */
const SILENT_MS = 10_000
const SILENT_AT_FIRST_MS = 3_000
/** A position that does not change is repeated: archipelagos and stats remove peers that are silent for a minute. */
const REPEAT_MS = 20_000
const REPEAT_CHECK_MS = 5_000
/** Banned wallets that are remembered for a relay that starts anew. */
const MAX_BANS = 10_000

/** How often a wallet without a session is looked up, and of how many it is remembered that they were. */
const LOOK_UP_MS = 30_000
const MAX_LOOKED_UP = 10_000

/** What the relay was told of a session, and where it is by the relay. */
interface Reported {
  session: PlayerSession
  atMs: number
  placed: { position: Position; publishedAtMs: number } | undefined
}

/**
 * Reports the sessions of this connector to the movement relay, and publishes heartbeats in place of clients that send none: with the
 * positions they send to the relay. While the relay is away a silent client stays where it was, for as long as its connection is alive.
 */
export class SessionReporter implements Running {
  readonly #deps: SessionReporterDeps
  readonly #connector = randomBytes(6).toString('hex')
  readonly #reported = new Map<PeerId, Reported>()
  /** Banned wallets, and whether the relay knows. */
  readonly #bans = new Map<PeerId, boolean>()
  /** When wallets without a session were looked up. */
  readonly #lookedUpAt = growingCache<PeerId, number>(MAX_LOOKED_UP)
  readonly #running: Running
  #relay: string | undefined
  #roundAt = Number.NEGATIVE_INFINITY
  #hasNewBan = false
  #reportedAt = Number.NEGATIVE_INFINITY
  #failures = 0
  #silent = 0
  #rotation = 0

  constructor(deps: SessionReporterDeps) {
    this.#deps = deps
    const { clock, log } = deps
    this.#running = stopAll(
      log,
      repeat({
        task: async () => {
          if (this.#hasNewBan || this.#failures > 0 || clock.monotonic() - this.#roundAt >= REPORT_MS) await this.#round()
        },
        delayMs: () =>
          this.#failures === 0 ? NEW_BAN_CHECK_MS : backoffMs({ firstMs: REPORT_MS, maxMs: MAX_RETRY_MS }, this.#failures),
        ...{ clock, log },
      }),
      repeat({ task: async () => this.#repeatPositions(), delayMs: () => REPEAT_CHECK_MS, clock, log }),
    )
  }

  /** Sessions whose client sends no positions. */
  get silentCount(): number {
    return this.#silent
  }

  /** The gatekeeper was found to have banned a wallet. */
  banned(peer: PeerId): void {
    if (this.#bans.has(peer)) return
    const [oldest] = this.#bans.size >= MAX_BANS ? this.#bans.keys() : []
    if (oldest) this.#bans.delete(oldest)
    this.#bans.set(peer, false)
    this.#hasNewBan = true
  }

  stop(): Promise<void> {
    return this.#running.stop()
  }

  async #round(): Promise<void> {
    const { relay, clock, log, metrics } = this.#deps
    this.#roundAt = clock.monotonic()
    this.#hasNewBan = false
    const wallets = this.#toReport()
    if (wallets.length === 0 && clock.monotonic() - this.#reportedAt < EMPTY_REPORT_MS) return
    this.#reportedAt = clock.monotonic()
    const unreported: PeerId[] = []
    try {
      for (const { report, wallets: reported } of reportsOf(this.#connector, wallets, MAX_REPORTS)) {
        const answer = await relay.report(report)
        this.#took(reported, answer)
        metrics.reports.ok.inc()
        unreported.push(...(answer.unreported ?? []))
      }
      if (this.#failures > 0) log.info({ failures: this.#failures }, 'the movement relay answers again')
      this.#failures = 0
    } catch (error) {
      metrics.reports.failed.inc()
      if (this.#failures++ === 0)
        log.warn({ reason: messageOf(error) }, 'the movement relay does not take the sessions of this connector')
    }
    // Not before the other reports of the round: a gatekeeper may be slow.
    await this.#lookUp(unreported)
  }

  /** Looks up wallets that the relay shows without a session: `banned` is called for those that are. */
  async #lookUp(wallets: readonly PeerId[]): Promise<void> {
    const { sessions, bans, clock } = this.#deps
    const now = clock.monotonic()
    const due = wallets.filter((peer) => !sessions.has(peer) && now - (this.#lookedUpAt.get(peer) ?? -LOOK_UP_MS) >= LOOK_UP_MS)
    if (due.length === 0) return
    for (const peer of due) this.#lookedUpAt.set(peer, now)
    await bans.bannedOf(due)
  }

  /** What the relay should be told now, the most urgent first. */
  #toReport(): ReportedWallet[] {
    const { sessions, clock } = this.#deps
    const now = clock.monotonic()
    const [joined, held, silent, left]: [ReportedWallet[], ReportedWallet[], ReportedWallet[], ReportedWallet[]] = [
      [],
      [],
      [],
      [],
    ]
    for (const [peer, { session }] of sessions) {
      if (!session) continue
      const known = this.#reported.get(peer)
      if (known?.session !== session) joined.push({ as: 'joined', peer })
      else if (isSilent(session, now)) silent.push({ as: 'silent', peer })
      else if (now - known.atMs >= RENEW_MS) held.push({ as: 'held', peer })
    }
    for (const [peer, { atMs }] of this.#reported) {
      if (sessions.has(peer)) continue
      // A relay that was away for so long forgets the session by itself.
      if (now - atMs > SESSION_LEASE_MS) this.#reported.delete(peer)
      else left.push({ as: 'left', peer })
    }
    for (const { peer } of joined) this.#bans.delete(peer)
    const banned = [...this.#bans].flatMap(([peer, isKnown]): ReportedWallet[] => (isKnown ? [] : [{ as: 'banned', peer }]))
    this.#silent = silent.length
    // Each has its turn, also when there are more of them than one round reports.
    const first = silent.length > 0 ? this.#rotation++ % silent.length : 0
    return [...banned, ...left, ...joined, ...held, ...silent.slice(first), ...silent.slice(0, first)]
  }

  #took(wallets: readonly ReportedWallet[], { relay, positions }: SessionReportAnswer): void {
    const { sessions, clock } = this.#deps
    const now = clock.monotonic()
    if (this.#relay !== undefined && this.#relay !== relay) this.#forgetReported()
    this.#relay = relay
    for (const { as, peer } of wallets) {
      const session = sessions.get(peer)?.session
      const known = this.#reported.get(peer)
      if (as === 'banned') this.#bans.set(peer, true)
      else if (as === 'left' || !session) {
        if (as === 'left' && !session) this.#reported.delete(peer)
      } else if (as === 'joined') this.#reported.set(peer, { session, atMs: now, placed: undefined })
      else if (known) known.atMs = now
    }
    for (const [peer, position] of positions) this.#place(peer, position, now)
  }

  /** A relay that has just started knows nothing of what was reported. */
  #forgetReported(): void {
    for (const reported of this.#reported.values()) reported.atMs = Number.NEGATIVE_INFINITY
    for (const peer of this.#bans.keys()) this.#bans.set(peer, false)
  }

  #place(peer: PeerId, position: Position, now: number): void {
    const reported = this.#reported.get(peer)
    if (!reported || this.#deps.sessions.get(peer)?.session !== reported.session || !isSilent(reported.session, now)) return
    const { placed } = reported
    const hasMoved =
      !placed || placed.position.x !== position.x || placed.position.y !== position.y || placed.position.z !== position.z
    if (hasMoved) this.#publish(reported, position, now)
  }

  #repeatPositions(): void {
    const { sessions, clock } = this.#deps
    const now = clock.monotonic()
    for (const [peer, reported] of this.#reported) {
      const { session, placed } = reported
      if (!placed || now - placed.publishedAtMs < REPEAT_MS || !isSilent(session, now)) continue
      if (sessions.get(peer)?.session === session) this.#publish(reported, placed.position, now)
    }
  }

  #publish(reported: Reported, position: Position, now: number): void {
    reported.placed = { position, publishedAtMs: now }
    this.#deps.bridge.place(reported.session, position)
  }
}

const isSilent = ({ startedAt, heartbeatAt }: PlayerSession, now: number): boolean =>
  heartbeatAt === undefined ? now - startedAt > SILENT_AT_FIRST_MS : now - heartbeatAt > SILENT_MS
