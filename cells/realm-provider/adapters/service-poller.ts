import type { Clock } from '../../chassis/clock.ts'
import { fetchStatus } from '../../chassis/fetch-json.ts'
import type { Running } from '../../chassis/lifecycle.ts'
import type { Log } from '../../chassis/log.ts'
import { Poller, type PollOutcome } from '../../chassis/poller.ts'
import { followFairly } from './follow-fairly.ts'

export interface ServicePollerOptions {
  /** Whether addresses of this machine and of its links are refused: tenants choose the URLs. */
  onlyRemote: boolean
  clock: Clock
  log: Log
}

/** Feature services are no part of a player's way into a realm, so they are asked less often than catalysts. */
const PERIOD_MS = 10_000
/** In doubt. */
const RETRY_MS = 1_000
const TIMEOUT_MS = 3_000
/** Most services polled, over all realms; tenants share them in turns, and those beyond count as unhealthy. */
const MAX_SERVICES = 512
const CONCURRENCY = 64
/** Answers in a row that contradict what is known of a service, until that changes. */
const ANSWERS_UNTIL_CHANGE = 2

interface PolledService {
  readonly url: string
  healthy: boolean
  /** Answers in a row that say otherwise. */
  doubts: number
  wasAsked: boolean
}

/** Asks feature services of realms, such as events and places, whether they work, in the background. */
export class ServicePoller implements Running {
  readonly #poller: Poller<PolledService, boolean>
  readonly #log: Log

  /** Polls nothing until `follow`. */
  constructor({ onlyRemote, clock, log }: ServicePollerOptions) {
    this.#log = log
    this.#poller = new Poller({
      ask: async ({ url }) => {
        const status = await fetchStatus(url, { timeoutMs: TIMEOUT_MS, onlyRemote })
        return status !== undefined && status >= 200 && status < 300
      },
      learn: (service, works) => this.#learn(service, works),
      concurrency: CONCURRENCY,
      clock,
      log,
    })
  }

  /** Polls exactly these URLs from now on, new ones at once. */
  follow(wanted: readonly { tenant: string; url: string }[]): void {
    followFairly(this.#poller, wanted, MAX_SERVICES, (url) => ({ url, healthy: false, doubts: 0, wasAsked: false }))
  }

  isHealthy(url: string): boolean {
    return this.#poller.get(url)?.healthy ?? false
  }

  /** Every polled service, by the URL that it is asked at. */
  statuses(): { url: string; healthy: boolean; wasAsked: boolean }[] {
    return Array.from(this.#poller.targets(), ([url, { healthy, wasAsked }]) => ({ url, healthy, wasAsked }))
  }

  /** Whether every polled service was asked at least once. */
  allAsked(): boolean {
    return [...this.#poller.targets()].every(([, { wasAsked }]) => wasAsked)
  }

  stop(): Promise<void> {
    return this.#poller.stop()
  }

  #learn(service: PolledService, works: boolean): PollOutcome {
    const isFirst = !service.wasAsked
    service.wasAsked = true
    service.doubts = works === service.healthy ? 0 : service.doubts + 1
    const changed = service.doubts >= ANSWERS_UNTIL_CHANGE || (isFirst && works)
    if (changed) {
      service.healthy = works
      service.doubts = 0
      this.#log.info({ url: service.url, healthy: works }, 'a feature service changed its health')
    }
    return { next: service.doubts > 0 ? RETRY_MS : PERIOD_MS, changed }
  }
}
