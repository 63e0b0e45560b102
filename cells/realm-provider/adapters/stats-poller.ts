import pLimit from 'p-limit'
import { keyText } from '../../../crds/object.ts'
import type { Clock } from '../../chassis/clock.ts'
import { fetchJson } from '../../chassis/fetch-json.ts'
import type { Running } from '../../chassis/lifecycle.ts'
import type { Log } from '../../chassis/log.ts'
import { repeat } from '../../chassis/repeat.ts'
import type { HotScene } from '../../wire/hot-scene.ts'
import { type MergedHotScene, mergeHotScenes } from '../core/merge-hot-scenes.ts'
import type { PublishedRealm } from '../core/published-realm.ts'
import { MAX_REALM_SCENES, type PlayerCount, readHotScenes, readPlayerCount } from '../core/stats-answers.ts'
import type { ProviderMetrics } from '../metrics.ts'

/** Players and hot scenes of realms, answered from memory. */
export interface RealmStats extends Running {
  /** Undefined until the stats of the realm have answered once. */
  playerCount(realm: PublishedRealm): PlayerCount | undefined
  /** Summed over all realms; the same list until the next round of requests. */
  hotScenes(): readonly MergedHotScene[]
}

/** Interval and time-out of the requests to stats, in milliseconds. */
export interface StatsTiming {
  periodMs: number
  timeoutMs: number
}

/** The realms to poll, and how. */
export interface StatsPollerOptions {
  realms: () => Iterable<PublishedRealm>
  /** Base URL of the stats of a realm; undefined when it has none. */
  statsUrlOf: (realm: PublishedRealm) => string | undefined
  /** Whether addresses of this machine and of its links are refused: tenants choose the URLs. */
  onlyRemote: boolean
  clock: Clock
  log: Log
  metrics: ProviderMetrics
  timing?: StatsTiming | undefined
}

const STATS_TIMING: StatsTiming = { periodMs: 5_000, timeoutMs: 1_000 }
/** How many times as often the players of realms with a capacity are counted: /about soon says that such a realm is full. */
const LIMITED_ROUNDS = 5
/** Realms polled at the same time: a thousand dead ones must not delay the others, nor all be connected to at once. */
const CONCURRENCY = 64
/** Of these for one tenant: a tenant with dead realms then delays only its own. */
const CONCURRENCY_OF_TENANT = 8
const MAX_COUNT_BYTES = 64 * 1024
const MAX_SCENES_BYTES = 256 * 1024
/** Most scenes kept of the realms of one tenant, which share them equally; each realm may have one in any case. */
const MAX_SCENES_OF_TENANT = 512

/** How many scenes each of the realms of a tenant may have. */
const shareOfScenes = ({ length }: readonly PublishedRealm[]): number =>
  Math.max(1, Math.min(MAX_REALM_SCENES, Math.floor(MAX_SCENES_OF_TENANT / length)))

interface KnownStats {
  realmName: string
  count: PlayerCount | undefined
  scenes: readonly HotScene[]
}

/** Polls the stats of all realms in rounds, in the background. Where stats do not answer, their last numbers are kept. */
export class StatsPoller implements RealmStats {
  readonly #options: StatsPollerOptions
  readonly #timing: StatsTiming
  readonly #known = new Map<string, KnownStats>()
  readonly #limit = pLimit(CONCURRENCY)
  readonly #busyTenants = { all: new Set<string>(), limited: new Set<string>() }
  #isStopped = false
  #merged: readonly MergedHotScene[] = []
  readonly #polling: readonly Running[]

  constructor(options: StatsPollerOptions) {
    const { clock, log, timing = STATS_TIMING } = options
    this.#options = options
    this.#timing = timing
    this.#polling = [
      repeat({ clock, log, delayMs: () => timing.periodMs, task: () => this.#pollAll() }),
      repeat({ clock, log, delayMs: () => timing.periodMs / LIMITED_ROUNDS, task: () => this.#pollLimited() }),
    ]
  }

  playerCount({ key }: PublishedRealm): PlayerCount | undefined {
    return this.#known.get(keyText(key))?.count
  }

  hotScenes(): readonly MergedHotScene[] {
    return this.#merged
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    await Promise.all(this.#polling.map((polling) => polling.stop()))
  }

  /** Starts a round for each tenant whose last one is over, so that no tenant waits for the realms of another. */
  async #pollAll(): Promise<void> {
    const realms = [...this.#options.realms()]
    const keys = new Set(realms.map(({ key }) => keyText(key)))
    for (const key of this.#known.keys()) if (!keys.has(key)) this.#known.delete(key)
    const byTenant = Map.groupBy(realms, ({ tenant }) => tenant)
    await this.#waitFor(Promise.all(Array.from(byTenant, ([tenant, ofTenant]) => this.#pollTenant('all', tenant, ofTenant))))
    this.#merged = mergeHotScenes(this.#known.values())
  }

  /** Counts the players of realms that can be full. */
  async #pollLimited(): Promise<void> {
    const limited = [...this.#options.realms()].filter(({ assignment }) => assignment.capacity !== undefined)
    const byTenant = Map.groupBy(limited, ({ tenant }) => tenant)
    await this.#waitFor(Promise.all(Array.from(byTenant, ([tenant, ofTenant]) => this.#pollTenant('limited', tenant, ofTenant))))
  }

  /** Waits for the rounds, but no longer than healthy ones take. */
  async #waitFor(rounds: Promise<unknown>): Promise<void> {
    let cancel = () => {}
    const deadline = new Promise<void>((resolve) => {
      cancel = this.#options.clock.after(2 * this.#timing.timeoutMs, resolve)
    })
    await Promise.race([rounds, deadline])
    cancel()
  }

  async #pollTenant(round: 'all' | 'limited', tenant: string, realms: readonly PublishedRealm[]): Promise<void> {
    const busy = this.#busyTenants[round]
    if (busy.has(tenant)) return
    busy.add(tenant)
    const maxScenes = round === 'all' ? shareOfScenes(realms) : 0
    const limit = pLimit(CONCURRENCY_OF_TENANT)
    const polls = realms.map((realm) => limit(() => this.#limit(() => this.#poll(realm, maxScenes))))
    await Promise.allSettled(polls)
    busy.delete(tenant)
  }

  async #poll(realm: PublishedRealm, maxScenes: number): Promise<void> {
    const url = this.#options.statsUrlOf(realm)
    if (!url || this.#isStopped) return
    const needsCells = realm.endpoints.length > 1 || realm.assignment.capacity !== undefined
    const [status, cells, scenes] = await Promise.all([
      this.#get(`${url}/core-status`, MAX_COUNT_BYTES),
      needsCells ? this.#get(`${url}/cells`, MAX_COUNT_BYTES) : undefined,
      maxScenes > 0 ? this.#get(`${url}/hot-scenes`, MAX_SCENES_BYTES) : undefined,
    ])
    const before = this.#known.get(keyText(realm.key))
    this.#known.set(keyText(realm.key), {
      realmName: realm.realmName,
      count: readPlayerCount(status, cells) ?? before?.count,
      scenes: scenes === undefined ? (before?.scenes ?? []) : readHotScenes(scenes, maxScenes),
    })
  }

  async #get(url: string, maxBytes: number): Promise<unknown> {
    const { onlyRemote } = this.#options
    const answer = await fetchJson(url, { timeoutMs: this.#timing.timeoutMs, maxBytes, onlyRemote })
    if (answer.ok && answer.status === 200) return answer.body
    this.#options.metrics.statsFailures.inc()
    return undefined
  }
}
