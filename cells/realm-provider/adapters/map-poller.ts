import { keyText } from '../../../crds/object.ts'
import type { Clock } from '../../chassis/clock.ts'
import { fetchJson } from '../../chassis/fetch-json.ts'
import type { Running } from '../../chassis/lifecycle.ts'
import type { Log } from '../../chassis/log.ts'
import { Poller, type PollOutcome } from '../../chassis/poller.ts'
import type { RealmMap } from '../../wire/realm-map.ts'
import { type CellRates, cellRates, type MapAt } from '../core/cell-rates.ts'
import { shareFairly } from '../core/fair-share.ts'
import { type Overview, overviewOf } from '../core/overview.ts'
import type { PublishedRealm } from '../core/published-realm.ts'
import { MAX_MAP_BYTES, readRealmMap } from './map-answer.ts'

export interface MapPollerOptions {
  /** Base URL of the statistics of a realm; undefined when it has none. */
  statsUrlOf: (realm: PublishedRealm) => string | undefined
  /** Whether addresses of this machine and of its links are refused: tenants choose the URLs. */
  onlyRemote: boolean
  /** Whether there are viewers: maps are then read more often. */
  isWatched: () => boolean
  timing?: MapTiming | undefined
  clock: Clock
  log: Log
}

/** Milliseconds between two readings of a map. */
export interface MapTiming {
  watchedMs: number
  unwatchedMs: number
}

/** Realms with a map on the console; tenants share them in turns. */
const MAX_MAPS = 128
const TIMEOUT_MS = 2_000
/** Without viewers for the ten minutes that the console shows to one who comes. */
const TIMING: MapTiming = { watchedMs: 2_000, unwatchedMs: 5_000 }

/** What is known of a realm from its statistics. */
export interface PolledMap {
  readonly key: string
  realm: PublishedRealm
  latest: MapAt | undefined
  rates: readonly CellRates[]
  overview: Overview | undefined
  /** Moving mean of the time to an answer. */
  latencyMs: number
  /** Since when there is no answer, in milliseconds since the epoch. */
  failingSince: number | undefined
  problem: string
}

type Answer = { map: RealmMap; latencyMs: number } | { problem: string }

/** Reads the maps of realms in the background, once for all who look at the console. */
export class MapPoller implements Running {
  readonly #options: MapPollerOptions
  readonly #poller: Poller<PolledMap, Answer>

  /** Polls nothing until `follow`. */
  constructor(options: MapPollerOptions) {
    const { clock, log } = options
    this.#options = options
    this.#poller = new Poller({
      ask: ({ realm }) => this.#ask(realm),
      learn: (polled, answer) => this.#learn(polled, answer),
      // All at once: dead statistics of one tenant delay no other.
      concurrency: MAX_MAPS,
      clock,
      log,
    })
  }

  /** Polls these realms from now on, as far as there is room. */
  follow(realms: readonly PublishedRealm[]): void {
    const byKey = new Map(realms.filter(({ world }) => !world).map((realm) => [keyText(realm.key), realm]))
    const wanted = Array.from(byKey, ([item, { tenant }]) => ({ tenant, item }))
    const followed = shareFairly(wanted, MAX_MAPS)
    for (const [key] of this.#poller.targets()) if (!followed.has(key)) this.#poller.forget(key)
    for (const key of followed) {
      const realm = byKey.get(key)
      if (realm) this.#poller.watch(key, () => emptyMap(key, realm)).realm = realm
    }
  }

  get(key: string): PolledMap | undefined {
    return this.#poller.get(key)
  }

  all(): PolledMap[] {
    return Array.from(this.#poller.targets(), ([, polled]) => polled)
  }

  /** Calls the listener with each map that arrived. */
  onMap(listener: (polled: PolledMap) => void): () => void {
    return this.#poller.onChange(listener)
  }

  stop(): Promise<void> {
    return this.#poller.stop()
  }

  async #ask(realm: PublishedRealm): Promise<Answer> {
    const { statsUrlOf, onlyRemote, clock } = this.#options
    const url = statsUrlOf(realm)
    if (!url) return { problem: 'the realm has no statistics' }
    const askedAt = clock.monotonic()
    const answer = await fetchJson(`${url}/map`, { timeoutMs: TIMEOUT_MS, maxBytes: MAX_MAP_BYTES, onlyRemote })
    if (!answer.ok) return { problem: answer.reason }
    const map = answer.status === 200 ? readRealmMap(answer.body) : undefined
    return map ? { map, latencyMs: clock.monotonic() - askedAt } : { problem: `/map answers ${answer.status} without a map` }
  }

  #learn(polled: PolledMap, answer: Answer): PollOutcome {
    const { clock, isWatched, timing = TIMING } = this.#options
    const next = isWatched() ? timing.watchedMs : timing.unwatchedMs
    if ('problem' in answer) {
      polled.failingSince ??= clock.now()
      polled.problem = answer.problem
      return { next, changed: false }
    }
    const latest = { map: answer.map, atMs: clock.monotonic() }
    polled.rates = cellRates(latest, polled.latest)
    polled.overview = overviewOf(answer.map, polled.realm.content.map.sizes)
    polled.latencyMs = polled.latest ? polled.latencyMs + 0.3 * (answer.latencyMs - polled.latencyMs) : answer.latencyMs
    polled.latest = latest
    polled.failingSince = undefined
    return { next, changed: true }
  }
}

const emptyMap = (key: string, realm: PublishedRealm): PolledMap => ({
  key,
  realm,
  latest: undefined,
  rates: [],
  overview: undefined,
  latencyMs: 0,
  failingSince: undefined,
  problem: '',
})
