import pLimit from 'p-limit'
import type { Clock } from '../../chassis/clock.ts'
import { fetchJson } from '../../chassis/fetch-json.ts'
import type { Running } from '../../chassis/lifecycle.ts'
import type { Log } from '../../chassis/log.ts'
import { repeat } from '../../chassis/repeat.ts'
import { playersOfWorlds } from '../../wire/live-data.ts'
import type { PublishedRealm } from '../core/published-realm.ts'
import type { PlayerCount } from '../core/stats-answers.ts'
import type { ProviderMetrics } from '../metrics.ts'

export interface WorldPlayersOptions {
  realms: () => Iterable<PublishedRealm>
  /** Base URL of the gatekeeper that serves a world; undefined when it is not known. */
  gatekeeperUrlOf: (realm: PublishedRealm) => string | undefined
  /** Whether addresses of this machine and of its links are refused: tenants choose the URLs. */
  onlyRemote: boolean
  clock: Clock
  log: Log
  metrics: ProviderMetrics
  periodMs?: number | undefined
}

/** A world that is full is said to be so within that time. */
const PERIOD_MS = 2_000
const TIMEOUT_MS = 1_000
/** Of all worlds of one gatekeeper. */
const MAX_BYTES = 1024 * 1024
const CONCURRENCY = 64
/** Of these for one tenant: a tenant with dead gatekeepers then delays only its own worlds. */
const CONCURRENCY_OF_TENANT = 8

/** Asks each gatekeeper once for the players of all its worlds; where one does not answer, its last numbers are kept. */
export class WorldPlayers implements Running {
  readonly #options: WorldPlayersOptions
  /** By gatekeeper, then by the name of the world there. */
  #known = new Map<string, ReadonlyMap<string, PlayerCount>>()
  readonly #limit = pLimit(CONCURRENCY)
  readonly #busyTenants = new Set<string>()
  readonly #polling: Running

  constructor(options: WorldPlayersOptions) {
    const { clock, log, periodMs = PERIOD_MS } = options
    this.#options = options
    this.#polling = repeat({ clock, log, delayMs: () => periodMs, task: async () => this.#startRound() })
  }

  playerCount(realm: PublishedRealm): PlayerCount | undefined {
    const url = realm.world && this.#options.gatekeeperUrlOf(realm)
    return url === undefined ? undefined : this.#known.get(url)?.get(realm.world?.name ?? '')
  }

  stop(): Promise<void> {
    return this.#polling.stop()
  }

  #startRound(): void {
    const urls = new Map<string, Set<string>>()
    for (const realm of this.#options.realms()) {
      const url = realm.world && this.#options.gatekeeperUrlOf(realm)
      if (url !== undefined) urls.set(realm.tenant, (urls.get(realm.tenant) ?? new Set()).add(url))
    }
    const all = new Set([...urls.values()].flatMap((ofTenant) => [...ofTenant]))
    for (const url of this.#known.keys()) if (!all.has(url)) this.#known.delete(url)
    for (const [tenant, ofTenant] of urls) void this.#pollTenant(tenant, ofTenant)
  }

  async #pollTenant(tenant: string, urls: ReadonlySet<string>): Promise<void> {
    if (this.#busyTenants.has(tenant)) return
    this.#busyTenants.add(tenant)
    const limit = pLimit(CONCURRENCY_OF_TENANT)
    await Promise.allSettled([...urls].map((url) => limit(() => this.#limit(() => this.#poll(url)))))
    this.#busyTenants.delete(tenant)
  }

  async #poll(url: string): Promise<void> {
    const { onlyRemote, metrics } = this.#options
    const answer = await fetchJson(`${url}/live-data`, { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES, onlyRemote })
    const players = answer.ok && answer.status === 200 ? playersOfWorlds(answer.body) : undefined
    if (!players) metrics.statsFailures.inc()
    else this.#known.set(url, new Map([...players].map(([world, users]) => [world, countOf(users)])))
  }
}

/** A world has the one slot 0. */
const countOf = (users: number): PlayerCount => ({ total: users, bySlot: new Map([[0, users]]) })
