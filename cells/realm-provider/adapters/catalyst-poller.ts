import type { Clock } from '../../chassis/clock.ts'
import type { Running } from '../../chassis/lifecycle.ts'
import type { Log } from '../../chassis/log.ts'
import { Poller, type PollOutcome } from '../../chassis/poller.ts'
import type { Catalyst, CatalystAbout, CatalystLoad } from '../core/catalyst.ts'
import { shareFairly } from '../core/fair-share.ts'
import type { ProviderMetrics } from '../metrics.ts'
import { type ProbedCatalyst, probeCatalyst } from './catalyst-probe.ts'

/** Intervals of the requests to catalysts, in milliseconds. */
export interface CatalystTiming {
  periodMs: number
  /** Used in doubt: after a first failure, and after the first good answer of one that failed. */
  retryMs: number
  /** A catalyst without an answer for this long has failed; one that is merely slow has not. */
  timeoutMs: number
}

/** A catalyst to poll, for a tenant. */
export interface WantedCatalyst {
  tenant: string
  url: string
  /** Whether it comes from a list; after all that realms name themselves. */
  isListed?: boolean
}

/** How catalysts are polled. */
export interface CatalystPollerOptions {
  /** Whether addresses of this machine and of its links are refused: tenants choose the URLs. */
  onlyRemote: boolean
  clock: Clock
  log: Log
  metrics: ProviderMetrics
  timing?: CatalystTiming | undefined
}

const CATALYST_TIMING: CatalystTiming = { periodMs: 5_000, retryMs: 500, timeoutMs: 3_000 }
/** Most catalysts polled, over all realms; tenants share them in turns, and those beyond count as down. */
const MAX_CATALYSTS = 512
/** Failures in a row after which a catalyst is unhealthy, and good answers in a row after which it is healthy again. */
const FAILURES_UNTIL_UNHEALTHY = 2
const ANSWERS_UNTIL_HEALTHY = 2
/** Mean time to an answer from which a catalyst is slow, and below which it is no more. */
const SLOW_MS = 1_000
const PROMPT_MS = 700
/** Share of the last answer in that mean. */
const LATENCY_WEIGHT = 0.3

interface PolledCatalyst {
  readonly url: string
  /** Whether a list names it, and no realm: it must be a server of the internet then. */
  isListed: boolean
  /** Undefined until the first valid answer. */
  catalyst: Catalyst | undefined
  failures: number
  /** Good answers since the last failure. */
  answers: number
  /** Moving mean of the time to an answer. */
  latencyMs: number
  /** Users that it says to have. */
  users: number | undefined
  /** Players who were sent to it since its last answer, and between the last two. */
  sent: number
  sentBefore: number
  /** Whether the first request has ended, well or not. */
  wasAsked: boolean
}

/** What the console shows of a catalyst. */
export interface CatalystStatus {
  url: string
  healthy: boolean
  isSlow: boolean
  /** Moving mean of the time to an answer; undefined until there was one. */
  latencyMs: number | undefined
  wasAsked: boolean
  /** Of its content server. */
  version: string
}

/**
 * Polls `/about` of catalysts in the background, and the status of their content and lambdas, so that no request of a player waits
 * for a catalyst.
 */
export class CatalystPoller implements Running {
  readonly #poller: Poller<PolledCatalyst, ProbedCatalyst>
  readonly #timing: CatalystTiming
  /** Grows with each change of a catalyst. */
  #revision = 0
  /** Every request asks for the catalysts of its realm. */
  readonly #lists = new WeakMap<readonly string[], { revision: number; known: readonly Catalyst[] }>()
  readonly #log: Log
  readonly #metrics: ProviderMetrics

  /** Polls nothing until `follow`. */
  constructor(options: CatalystPollerOptions) {
    const { clock, log, metrics, onlyRemote, timing = CATALYST_TIMING } = options
    this.#log = log
    this.#metrics = metrics
    this.#timing = timing
    this.#poller = new Poller({
      ask: ({ url, isListed }) =>
        probeCatalyst(url, { clock, timeoutMs: timing.timeoutMs, onlyRemote, onlyPublic: onlyRemote && isListed }),
      learn: (polled, probe) => this.#learn(polled, probe),
      concurrency: MAX_CATALYSTS,
      clock,
      log,
    })
  }

  /** Polls exactly these catalysts from now on, new ones at once. */
  follow(wanted: readonly WantedCatalyst[]): void {
    this.#revision++
    const byRank = [...wanted.filter(({ isListed }) => !isListed), ...wanted.filter(({ isListed }) => isListed)]
    const followed = shareFairly(
      byRank.map(({ tenant, url }) => ({ tenant, item: url })),
      MAX_CATALYSTS,
    )
    const declared = new Set(wanted.filter(({ isListed }) => !isListed).map(({ url }) => url))
    for (const [url] of this.#poller.targets()) if (!followed.has(url)) this.#poller.forget(url)
    for (const url of followed) this.#poller.watch(url, () => newlyPolled(url)).isListed = !declared.has(url)
    this.#metrics.catalystsBeyond.set(new Set(wanted.map(({ url }) => url)).size - followed.size)
  }

  /** The catalysts among these that have ever given a valid answer, in the same order. */
  known(urls: readonly string[]): readonly Catalyst[] {
    const last = this.#lists.get(urls)
    if (last?.revision === this.#revision) return last.known
    const known = urls.flatMap((url) => this.#poller.get(url)?.catalyst ?? [])
    this.#lists.set(urls, { revision: this.#revision, known })
    return known
  }

  /** How many of these are not polled, because there are too many. */
  unused(urls: readonly string[]): number {
    return urls.filter((url) => this.#poller.get(url) === undefined).length
  }

  /** How many players use a catalyst. */
  load(url: string): CatalystLoad {
    const polled = this.#poller.get(url)
    return { users: polled?.users, sent: polled ? polled.sent + polled.sentBefore : 0 }
  }

  /** A player was sent to a catalyst. */
  addSent(url: string): void {
    const polled = this.#poller.get(url)
    if (polled) polled.sent++
  }

  /** Whether every polled catalyst was asked at least once. */
  allAsked(): boolean {
    return [...this.#poller.targets()].every(([, { wasAsked }]) => wasAsked)
  }

  stop(): Promise<void> {
    return this.#poller.stop()
  }

  /** How many catalysts are polled, healthy, and slow. */
  count(): { polled: number; healthy: number; slow: number } {
    const all = Array.from(this.#poller.targets(), ([, { catalyst }]) => catalyst)
    return {
      polled: all.length,
      healthy: all.filter((catalyst) => catalyst?.healthy).length,
      slow: all.filter((catalyst) => catalyst?.healthy && catalyst.isSlow).length,
    }
  }

  /** Every polled catalyst. */
  statuses(): CatalystStatus[] {
    return Array.from(this.#poller.targets(), ([url, { catalyst, latencyMs, wasAsked }]) => ({
      url,
      healthy: catalyst?.healthy === true,
      isSlow: catalyst?.isSlow === true,
      latencyMs: catalyst && latencyMs,
      wasAsked,
      version: String(catalyst?.about.content.version ?? '').slice(0, 64),
    }))
  }

  #learn(polled: PolledCatalyst, { about, users, latencyMs, problem }: ProbedCatalyst): PollOutcome {
    const before = polled.catalyst
    polled.wasAsked = true
    Object.assign(polled, { users, sentBefore: polled.sent, sent: 0 })
    if (about) this.#succeed(polled, about, latencyMs)
    else {
      this.#metrics.catalystFailures.inc()
      this.#log.debug({ url: polled.url, problem }, 'a catalyst does not take users')
      this.#fail(polled)
    }
    const { failures, answers, catalyst } = polled
    if (catalyst !== before) this.#revision++
    const isDoubtful =
      (failures > 0 && failures < FAILURES_UNTIL_UNHEALTHY) || (answers > 0 && catalyst !== undefined && !catalyst.healthy)
    return { next: isDoubtful ? this.#timing.retryMs : this.#timing.periodMs, changed: catalyst !== before }
  }

  #succeed(polled: PolledCatalyst, about: CatalystAbout, latencyMs: number): void {
    const before = polled.catalyst
    polled.failures = 0
    polled.answers++
    polled.latencyMs = before ? polled.latencyMs + LATENCY_WEIGHT * (latencyMs - polled.latencyMs) : latencyMs
    if (before && !before.healthy && polled.answers < ANSWERS_UNTIL_HEALTHY) return
    const isSlow = polled.latencyMs > (before?.isSlow ? PROMPT_MS : SLOW_MS)
    // An unchanged catalyst stays the same object, so that answers made from it stay valid.
    if (before?.healthy && before.isSlow === isSlow && JSON.stringify(before.about) === JSON.stringify(about)) return
    polled.catalyst = { url: polled.url, healthy: true, isSlow, about }
    if (!before?.healthy) this.#log.info({ url: polled.url }, 'a catalyst takes users')
  }

  #fail(polled: PolledCatalyst): void {
    polled.failures++
    polled.answers = 0
    if (!polled.catalyst?.healthy || polled.failures < FAILURES_UNTIL_UNHEALTHY) return
    polled.catalyst = { ...polled.catalyst, healthy: false }
    this.#log.warn({ url: polled.url }, 'a catalyst no longer takes users')
  }
}

const newlyPolled = (url: string): PolledCatalyst => ({
  ...{ url, isListed: false, catalyst: undefined, failures: 0, answers: 0, latencyMs: 0, wasAsked: false },
  ...{ users: undefined, sent: 0, sentBefore: 0 },
})
