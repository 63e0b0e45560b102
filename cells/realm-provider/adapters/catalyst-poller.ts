import type { Clock } from '../../chassis/clock.ts'
import { type FetchResult, fetchJson } from '../../chassis/fetch-json.ts'
import type { Running } from '../../chassis/lifecycle.ts'
import type { Log } from '../../chassis/log.ts'
import { Poller, type PollOutcome } from '../../chassis/poller.ts'
import { type Catalyst, type CatalystAbout, readCatalystAbout } from '../core/catalyst.ts'
import { shareFairly } from '../core/fair-share.ts'
import type { ProviderMetrics } from '../metrics.ts'

/** Intervals of the requests to catalysts, in milliseconds. */
export interface CatalystTiming {
  periodMs: number
  /** Used after a first failure, because one lost answer does not mean that a catalyst is down. */
  retryMs: number
  timeoutMs: number
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

const CATALYST_TIMING: CatalystTiming = { periodMs: 5_000, retryMs: 500, timeoutMs: 1_000 }
/** Most catalysts polled, over all realms; tenants share them in turns, and those beyond count as down. */
const MAX_CATALYSTS = 512
/** Real catalysts answer with about 3 KB. */
const MAX_ABOUT_BYTES = 32 * 1024
/** Failures in a row after which a catalyst is unhealthy. */
const FAILURES_UNTIL_UNHEALTHY = 2

interface PolledCatalyst {
  readonly url: string
  /** Undefined until the first valid answer. */
  catalyst: Catalyst | undefined
  failures: number
  /** Whether the first request has ended, well or not. */
  wasAsked: boolean
}

/** Polls `/about` of catalysts in the background, so that no request of a player waits for a catalyst. */
export class CatalystPoller implements Running {
  readonly #poller: Poller<PolledCatalyst, FetchResult>
  readonly #timing: CatalystTiming
  readonly #log: Log
  readonly #metrics: ProviderMetrics

  /** Polls nothing until `follow`. */
  constructor(options: CatalystPollerOptions) {
    const { clock, log, metrics, onlyRemote, timing = CATALYST_TIMING } = options
    this.#log = log
    this.#metrics = metrics
    this.#timing = timing
    this.#poller = new Poller({
      ask: ({ url }) => fetchJson(`${url}/about`, { timeoutMs: timing.timeoutMs, maxBytes: MAX_ABOUT_BYTES, onlyRemote }),
      learn: (polled, answer) => this.#learn(polled, answer),
      concurrency: MAX_CATALYSTS,
      clock,
      log,
    })
  }

  /** Polls exactly these catalysts from now on, new ones at once. */
  follow(wanted: readonly { tenant: string; url: string }[]): void {
    const followed = shareFairly(
      wanted.map(({ tenant, url }) => ({ tenant, item: url })),
      MAX_CATALYSTS,
    )
    for (const [url] of this.#poller.targets()) if (!followed.has(url)) this.#poller.forget(url)
    for (const url of followed) {
      this.#poller.watch(url, () => ({ url, catalyst: undefined, failures: 0, wasAsked: false }))
    }
    this.#metrics.catalystsBeyond.set(new Set(wanted.map(({ url }) => url)).size - followed.size)
  }

  /** The catalysts among these that have ever given a valid answer, in the same order. */
  known(urls: readonly string[]): readonly Catalyst[] {
    return urls.flatMap((url) => this.#poller.get(url)?.catalyst ?? [])
  }

  /** How many of these are not polled, because there are too many. */
  unused(urls: readonly string[]): number {
    return urls.filter((url) => this.#poller.get(url) === undefined).length
  }

  /** Whether every polled catalyst was asked at least once. */
  allAsked(): boolean {
    return [...this.#poller.targets()].every(([, { wasAsked }]) => wasAsked)
  }

  stop(): Promise<void> {
    return this.#poller.stop()
  }

  #learn(polled: PolledCatalyst, answer: FetchResult): PollOutcome {
    const isSuccess = answer.ok && answer.status >= 200 && answer.status < 300
    const about = isSuccess ? readCatalystAbout(answer.body) : undefined
    const before = polled.catalyst
    polled.wasAsked = true
    if (about) this.#succeed(polled, about)
    else {
      this.#metrics.catalystFailures.inc()
      this.#log.debug({ url: polled.url, answer: answer.ok ? answer.status : answer.reason }, 'a catalyst does not take users')
      this.#fail(polled)
    }
    const { failures, catalyst } = polled
    const isDoubtful = failures > 0 && failures < FAILURES_UNTIL_UNHEALTHY
    return { next: isDoubtful ? this.#timing.retryMs : this.#timing.periodMs, changed: catalyst !== before }
  }

  #succeed(polled: PolledCatalyst, about: CatalystAbout): void {
    const before = polled.catalyst
    polled.failures = 0
    // An unchanged catalyst stays the same object, so that answers made from it stay valid.
    if (before?.healthy && JSON.stringify(before.about) === JSON.stringify(about)) return
    polled.catalyst = { url: polled.url, healthy: true, about }
    if (!before?.healthy) this.#log.info({ url: polled.url }, 'a catalyst takes users')
  }

  #fail(polled: PolledCatalyst): void {
    polled.failures++
    if (!polled.catalyst?.healthy || polled.failures < FAILURES_UNTIL_UNHEALTHY) return
    polled.catalyst = { ...polled.catalyst, healthy: false }
    this.#log.warn({ url: polled.url }, 'a catalyst no longer takes users')
  }
}
