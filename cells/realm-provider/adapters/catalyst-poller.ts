import type { Clock } from '../../chassis/clock.ts'
import { fetchJson } from '../../chassis/fetch-json.ts'
import type { Running } from '../../chassis/lifecycle.ts'
import type { Log } from '../../chassis/log.ts'
import { repeat } from '../../chassis/repeat.ts'
import { type Catalyst, type CatalystAbout, readCatalystAbout } from '../core/catalyst.ts'
import type { ProviderMetrics } from '../metrics.ts'

/** Watches catalysts in the background, so that no player ever waits for one. */
export interface Catalysts extends Running {
  /** From now on exactly these are watched, new ones at once. */
  follow(urls: Iterable<string>): void
  /** Those of a realm that ever answered well, in the realm's order of preference. */
  known(urls: readonly string[]): readonly Catalyst[]
  /** Whether each that is followed was asked at least once. */
  allAsked(): boolean
}

/** How often catalysts are asked, in milliseconds. */
export interface CatalystTiming {
  periodMs: number
  /** Sooner, after a first failure: one lost answer is no verdict. */
  retryMs: number
  timeoutMs: number
}

export const CATALYST_TIMING: CatalystTiming = { periodMs: 5_000, retryMs: 500, timeoutMs: 1_000 }
/** Followed at most, over all realms; those beyond are as if they were down. */
export const MAX_CATALYSTS = 512
const MAX_ABOUT_BYTES = 256 * 1024
/** Failures in a row that make a catalyst unhealthy. */
const FAILURES_UNTIL_UNHEALTHY = 2

interface Watched extends Running {
  catalyst: Catalyst | undefined
  asked: boolean
}

/** Starts with no catalyst to watch; `follow` says which. */
export function pollCatalysts(options: {
  clock: Clock
  log: Log
  metrics: ProviderMetrics
  timing?: CatalystTiming | undefined
}): Catalysts {
  const { clock, log, metrics, timing = CATALYST_TIMING } = options
  const watched = new Map<string, Watched>()

  function watch(url: string): Watched {
    let failures = 0
    const entry: Watched = { catalyst: undefined, asked: false, stop: async () => {} }
    const ask = async () => {
      const answer = await fetchJson(`${url}/about`, { timeoutMs: timing.timeoutMs, maxBytes: MAX_ABOUT_BYTES })
      const about = answer.ok && answer.status >= 200 && answer.status < 300 ? readCatalystAbout(answer.body) : undefined
      if (watched.get(url) !== entry) return // nobody wants to know any more
      if (!about) {
        failures++
        metrics.catalystFailures.inc()
        log.debug({ url, answer: answer.ok ? answer.status : answer.reason }, 'a catalyst does not take users')
      } else failures = 0
      learn(url, entry, about, failures)
    }
    watched.set(url, entry)
    const asking = repeat({
      task: ask,
      delayMs: () => (failures > 0 && failures < FAILURES_UNTIL_UNHEALTHY ? timing.retryMs : timing.periodMs),
      clock,
      log,
    })
    entry.stop = asking.stop
    return entry
  }

  function learn(url: string, entry: Watched, about: CatalystAbout | undefined, failures: number): void {
    const before = entry.catalyst
    entry.asked = true
    if (about) {
      // The same words again are no news: answers made from them stay as they are.
      if (before?.healthy && JSON.stringify(before.about) === JSON.stringify(about)) return
      entry.catalyst = { url, healthy: true, about }
      if (!before?.healthy) log.info({ url }, 'a catalyst takes users')
    } else if (before?.healthy && failures >= FAILURES_UNTIL_UNHEALTHY) {
      entry.catalyst = { ...before, healthy: false }
      log.warn({ url }, 'a catalyst no longer takes users')
    }
  }

  return {
    follow(urls) {
      const wanted = new Set(urls)
      for (const [url, entry] of watched) {
        if (wanted.has(url)) continue
        watched.delete(url)
        void entry.stop()
      }
      for (const url of wanted) if (!watched.has(url) && watched.size < MAX_CATALYSTS) watch(url)
      metrics.catalystsBeyond.set(wanted.size - watched.size)
    },
    known: (urls) => urls.flatMap((url) => watched.get(url)?.catalyst ?? []),
    allAsked: () => [...watched.values()].every(({ asked }) => asked),
    stop: async () => {
      const ending = [...watched.values()].map((entry) => entry.stop())
      watched.clear()
      await Promise.all(ending)
    },
  }
}
