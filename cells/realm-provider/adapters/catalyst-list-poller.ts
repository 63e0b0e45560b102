import type { Clock } from '../../chassis/clock.ts'
import { type FetchResult, fetchJson } from '../../chassis/fetch-json.ts'
import type { Running } from '../../chassis/lifecycle.ts'
import type { Log } from '../../chassis/log.ts'
import { Poller, type PollOutcome } from '../../chassis/poller.ts'
import { readCatalystList } from '../core/catalyst-list.ts'
import { followFairly } from './follow-fairly.ts'

/** How lists of catalysts are read. */
export interface CatalystListPollerOptions {
  /** Whether catalysts must be servers of the internet, reached over TLS; and lists no address of this machine or of its links. */
  onlyRemote: boolean
  clock: Clock
  log: Log
}

/** Who the catalysts are changes a few times a year. */
const PERIOD_MS = 10 * 60_000
const RETRY_MS = 30_000
const TIMEOUT_MS = 5_000
/** The list of Decentraland has about 2 KB. */
const MAX_LIST_BYTES = 64 * 1024
/** Most lists read, over all realms; tenants share them in turns, and those beyond count as unreadable. */
const MAX_LISTS = 64
const CONCURRENCY = 8
/** Failures in a row after which a list is said to be unreadable. */
const FAILURES_UNTIL_UNREADABLE = 2

interface PolledList {
  readonly url: string
  /** What it said last; empty until it was read. */
  catalysts: readonly string[]
  failures: number
  wasAsked: boolean
}

/** Reads lists of catalysts in the background. A list that cannot be read any more stands as it was read last. */
export class CatalystListPoller implements Running {
  readonly #poller: Poller<PolledList, FetchResult>
  readonly #log: Log
  readonly #mayUse: (url: URL) => boolean

  /** Reads nothing until `follow`. */
  constructor({ onlyRemote, clock, log }: CatalystListPollerOptions) {
    this.#log = log
    this.#mayUse = onlyRemote ? ({ protocol }) => protocol === 'https:' : () => true
    this.#poller = new Poller({
      ask: ({ url }) => fetchJson(url, { timeoutMs: TIMEOUT_MS, maxBytes: MAX_LIST_BYTES, onlyRemote, followRedirects: true }),
      learn: (list, answer) => this.#learn(list, answer),
      concurrency: CONCURRENCY,
      clock,
      log,
    })
  }

  /** Reads exactly these lists from now on, new ones at once. */
  follow(wanted: readonly { tenant: string; url: string }[]): void {
    followFairly(this.#poller, wanted, MAX_LISTS, (url) => ({ url, catalysts: NONE, failures: 0, wasAsked: false }))
  }

  /** The catalysts of a list, the same array until they change; empty while it was never read. */
  catalystsOf(url: string): readonly string[] {
    return this.#poller.get(url)?.catalysts ?? NONE
  }

  /** Whether a list cannot be read now, or is not read because there are too many. */
  isUnreadable(url: string): boolean {
    const list = this.#poller.get(url)
    return !list || list.failures >= FAILURES_UNTIL_UNREADABLE
  }

  /** Whether every list was asked for at least once. */
  allAsked(): boolean {
    return [...this.#poller.targets()].every(([, { wasAsked }]) => wasAsked)
  }

  /** How many lists are read, and of these cannot be read. */
  count(): { polled: number; unreadable: number } {
    const urls = Array.from(this.#poller.targets(), ([url]) => url)
    return { polled: urls.length, unreadable: urls.filter((url) => this.isUnreadable(url)).length }
  }

  /** Calls the listener when the catalysts of a list changed; the returned function ends that. */
  onChange(listener: () => void): () => void {
    return this.#poller.onChange(() => listener())
  }

  stop(): Promise<void> {
    return this.#poller.stop()
  }

  #learn(list: PolledList, answer: FetchResult): PollOutcome {
    list.wasAsked = true
    const isAnswer = answer.ok && answer.status === 200
    const read = isAnswer ? readCatalystList(answer.body, this.#mayUse) : undefined
    if (!read) {
      list.failures++
      const problem = !answer.ok ? answer.reason : isAnswer ? 'it names no catalyst that may be used' : `answers ${answer.status}`
      if (list.failures === FAILURES_UNTIL_UNREADABLE)
        this.#log.warn({ url: list.url, problem }, 'a list of catalysts cannot be read')
      return { next: RETRY_MS, changed: false }
    }
    list.failures = 0
    const changed = read.join() !== list.catalysts.join()
    if (changed) {
      list.catalysts = read
      this.#log.info({ url: list.url, catalysts: read.length }, 'a list of catalysts was read')
    }
    return { next: PERIOD_MS, changed }
  }
}

const NONE: readonly string[] = []
