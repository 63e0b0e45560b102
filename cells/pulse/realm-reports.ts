import { randomBytes } from 'node:crypto'
import type { ByteReader, ByteWriter } from '../chassis/byte-buffers.ts'
import type { Clock } from '../chassis/clock.ts'
import { Refusal } from '../chassis/errors.ts'
import { type Rate, TokenBucket } from '../chassis/token-bucket.ts'
import type { PeerId, Position } from '../wire/peer.ts'
import { MAX_UNREPORTED_WALLETS, type SessionReport, type SessionReportAnswer } from '../wire/session-report.ts'
import { type HiddenReason, RealmSessions } from './core/realm-sessions.ts'
import type { PulseMetrics } from './metrics.ts'

/**
 * Whom the relay shows: `Everyone` that is not banned, or only the wallets `WithSession`, which have one at a connector of their realm: then
 * no other client can follow the players of a realm, and realms that do not report are hidden as a whole.
 */
export type VisiblePlayers = 'Everyone' | 'WithSession'

/** So long after its start a relay shows everyone: its connectors have not reported yet. */
export const START_GRACE_MS = 30_000
/** Reports of one realm: some connectors, each once a second, a full one in several parts. */
const REPORT_RATE: Rate = { perSecond: 100, burst: 400 }
/** How often the connectors of a realm are told which wallets have no session. */
const UNREPORTED_MS = 1_000

export interface RealmReportsDeps {
  visiblePlayers: VisiblePlayers
  clock: Clock
  metrics: () => Pick<PulseMetrics, 'reports'>
  positionOf(wallet: PeerId, realm: string): Position | undefined
  /** Those who are shown in a realm. */
  playersIn(realm: string): Iterable<{ readonly wallet: PeerId }>
  /** What decides whether these wallets are seen has changed. */
  onChanged(wallets: readonly PeerId[]): void
}

/** What realms report of their sessions, and what the relay concludes from it. */
export class RealmReports {
  readonly sessions = new RealmSessions()
  readonly #deps: RealmReportsDeps
  readonly #boot = randomBytes(6).toString('hex')
  #openUntilMs: number
  readonly #rates = new Map<string, TokenBucket>()
  /** When the wallets without a session of a realm were last in an answer, and which of them were the first. */
  readonly #unreported = new Map<string, { atMs: number; turn: number }>()

  constructor(deps: RealmReportsDeps) {
    this.#deps = deps
    this.#openUntilMs = deps.clock.monotonic() + START_GRACE_MS
  }

  /** Writes what is known, so that the relay that follows does not show for a while whom this one hides. */
  freeze(writer: ByteWriter): void {
    const now = this.#deps.clock.monotonic()
    writer.f64(this.#openUntilMs - now)
    this.sessions.freeze(writer, now)
  }

  /** @throws RangeError when these are not the bytes that `freeze` has written */
  thaw(reader: ByteReader): void {
    const now = this.#deps.clock.monotonic()
    this.#openUntilMs = now + reader.f64()
    this.sessions.thaw(reader, now)
  }

  /** Takes a report of a realm. @throws Refusal UNAVAILABLE when the realm reports too often, or is one too many */
  take(realmName: string, report: SessionReport): SessionReportAnswer {
    const { clock, positionOf, onChanged } = this.#deps
    const { reports } = this.#deps.metrics()
    const now = clock.monotonic()
    const realm = realmName.toLowerCase()
    if (!this.#rateOf(realm, now).take(now)) {
      reports.inc({ result: 'tooMany' })
      throw new Refusal('UNAVAILABLE', 'this realm reports too often')
    }
    if (!this.sessions.take(realm, report, now)) {
      this.#rates.delete(realm)
      reports.inc({ result: 'tooManyRealms' })
      throw new Refusal('UNAVAILABLE', 'there are too many realms')
    }
    reports.inc({ result: 'ok' })
    onChanged([...report.joined, ...report.banned])
    const positions = new Map<PeerId, Position>()
    for (const wallet of report.silent) {
      const position = positionOf(wallet, realm)
      if (position) positions.set(wallet, position)
    }
    return { relay: this.#boot, positions, unreported: this.#unreportedIn(realm, now) }
  }

  /** Why a wallet is not to be seen in a realm. */
  hiddenReason(realm: string, wallet: PeerId): HiddenReason | undefined {
    if (this.sessions.isBanned(realm, wallet)) return 'banned'
    const { visiblePlayers, clock } = this.#deps
    if (visiblePlayers === 'Everyone' || clock.monotonic() < this.#openUntilMs) return undefined
    return this.sessions.hiddenReason(realm, wallet)
  }

  /** Each has its turn, also when there are more of them than one answer has. */
  #unreportedIn(realm: string, now: number): PeerId[] {
    const { atMs, turn } = this.#unreported.get(realm) ?? { atMs: Number.NEGATIVE_INFINITY, turn: 0 }
    if (now - atMs < UNREPORTED_MS) return []
    this.#unreported.set(realm, { atMs: now, turn: turn + 1 })
    const wallets: PeerId[] = []
    for (const { wallet } of this.#deps.playersIn(realm)) if (!this.sessions.hasSession(realm, wallet)) wallets.push(wallet)
    const first = (turn * MAX_UNREPORTED_WALLETS) % Math.max(1, wallets.length)
    return [...wallets.slice(first), ...wallets.slice(0, first)].slice(0, MAX_UNREPORTED_WALLETS)
  }

  #rateOf(realm: string, now: number): TokenBucket {
    const rate = this.#rates.get(realm) ?? new TokenBucket(REPORT_RATE, now)
    this.#rates.set(realm, rate)
    return rate
  }
}
