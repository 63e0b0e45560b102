import type { Clock } from '../../../cells/chassis/clock.ts'
import { type FetchResult, fetchJson } from '../../../cells/chassis/fetch-json.ts'
import type { Running } from '../../../cells/chassis/lifecycle.ts'
import type { Log } from '../../../cells/chassis/log.ts'
import { Poller, type PollOutcome } from '../../../cells/chassis/poller.ts'
import { keyText, type ObjectKey } from '../../../crds/object.ts'
import type { Realm } from '../../../crds/realm.ts'
import { isWorldRealm } from '../../../crds/world.ts'
import { approximatePlayers } from '../../desired/status/approximate-players.ts'
import type { PlayerPeak } from '../../observed/players.ts'
import type { RealmObserver } from '../observer.ts'
import { Peaks } from './peaks.ts'

/** The players of a realm, as last counted. */
export interface CountedPlayers {
  /** Undefined while nothing was counted yet, or for too long. Slots that were not counted are missing. */
  bySlot: ReadonlyMap<number, number> | undefined
  /** Whether so many counts failed in a row that the last one is no longer relied on. */
  isUnknown: boolean
  /** The most players within `autoscale.scaleDownAfterSeconds`; undefined until they were counted for that long. */
  peak: PlayerPeak | undefined
}

/** `fetch` is HTTP by default. */
export interface PlayerCountsOptions {
  /** Base URL of the statistics of a realm, as the operator reaches them; `/cells` is requested there. */
  statsUrlOf: (realm: Realm) => string
  clock: Clock
  log: Log
  fetch?: (url: string) => Promise<FetchResult>
  /** A number from 0 to 1 that spreads requests in time. */
  random?: () => number
}

const PERIOD_MS = 10_000
const TIMEOUT_MS = 2_000
const MAX_BYTES = 64 * 1024
/** Requests at the same time, whatever the number of realms. */
const MAX_PARALLEL = 16
/** Slots of an answer that are read. */
const MAX_SLOTS = 64
/** Until its gatekeeper answers about a world, which counts as served from then on. */
const WORLD_RETRY_MS = 1_000
/** After this many failures in a row the last counts are no longer relied on. */
const FAILURES_TO_UNKNOWN = 6

interface CountedRealm {
  key: ObjectKey
  url: string
  isWorld: boolean
  bySlot: ReadonlyMap<number, number> | undefined
  /** The size of the crowd in each slot, as last announced to the listeners. */
  crowds: ReadonlyMap<number, string | undefined>
  /** How far back the peak looks, in milliseconds; undefined when the realm does not scale by it. */
  windowMs: number | undefined
  peaks: Peaks
  failures: number
}

type PlayersBySlot = ReadonlyMap<number, number>

/** Asks the statistics of each realm for its players every ten seconds; a change counts when a crowd gets another size. */
export class PlayerCounts implements RealmObserver<CountedPlayers>, Running {
  readonly #options: PlayerCountsOptions
  readonly #poller: Poller<CountedRealm, PlayersBySlot | undefined>

  constructor(options: PlayerCountsOptions) {
    this.#options = options
    const fetch = options.fetch ?? ((url) => fetchJson(url, { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES }))
    this.#poller = new Poller({
      ask: async ({ url }) => playersIn(await fetch(`${url}/cells`)),
      learn: (realm, bySlot) => this.#learn(realm, bySlot),
      concurrency: MAX_PARALLEL,
      clock: options.clock,
      log: options.log,
      random: options.random,
    })
  }

  watch(realm: Realm): void {
    const { namespace, name } = realm.metadata
    const { statsUrlOf, random = Math.random } = this.#options
    const { autoscale } = realm.spec
    const isWorld = isWorldRealm(realm)
    const given = { isWorld, url: statsUrlOf(realm), windowMs: autoscale && autoscale.scaleDownAfterSeconds * 1000 }
    const create = (): CountedRealm => ({
      ...given,
      key: { namespace, name },
      peaks: new Peaks(),
      bySlot: undefined,
      crowds: new Map(),
      failures: 0,
    })
    const firstMs = isWorld ? WORLD_RETRY_MS * random() : PERIOD_MS * random()
    Object.assign(this.#poller.watch(keyText(realm.metadata), create, firstMs), given)
  }

  get(realm: ObjectKey): CountedPlayers | undefined {
    const counted = this.#poller.get(keyText(realm))
    if (!counted) return undefined
    const { bySlot, failures, windowMs, peaks } = counted
    const peak = windowMs === undefined ? undefined : peaks.over(windowMs, this.#options.clock.monotonic())
    return { bySlot, isUnknown: failures >= FAILURES_TO_UNKNOWN, peak }
  }

  forget(realm: ObjectKey): void {
    this.#poller.forget(keyText(realm))
  }

  onChange(listener: (realm: ObjectKey) => void): () => void {
    return this.#poller.onChange(({ key }) => listener(key))
  }

  stop(): Promise<void> {
    return this.#poller.stop()
  }

  #learn(realm: CountedRealm, bySlot: PlayersBySlot | undefined): PollOutcome {
    realm.failures = bySlot ? 0 : realm.failures + 1
    const next = realm.isWorld && !bySlot?.has(0) && realm.failures < FAILURES_TO_UNKNOWN ? WORLD_RETRY_MS : PERIOD_MS
    if (!bySlot && realm.failures < FAILURES_TO_UNKNOWN) return { next, changed: false }
    realm.bySlot = bySlot
    const { windowMs, peaks, crowds: before } = realm
    peaks.record(this.#options.clock.monotonic(), windowMs === undefined ? undefined : bySlot, windowMs ?? 0)
    const crowds = new Map([...(bySlot ?? [])].map(([slot, count]) => [slot, approximatePlayers(count, before.get(slot))]))
    realm.crowds = crowds
    return {
      next,
      changed: crowds.size !== before.size || [...crowds].some(([slot, crowd]) => before.get(slot) !== crowd),
    }
  }
}

/** The healthy cells of an answer; undefined when it is not valid. The last number of a cell that is silent is not current. */
function playersIn(fetched: FetchResult): PlayersBySlot | undefined {
  if (!fetched.ok || fetched.status !== 200) return undefined
  const { cells } = (fetched.body ?? {}) as { cells?: unknown }
  if (!Array.isArray(cells)) return undefined
  const players = new Map<number, number>()
  for (const cell of cells.slice(0, MAX_SLOTS) as unknown[]) {
    const { slot, healthy, userCount } = (cell ?? {}) as Record<string, unknown>
    if (isCount(slot) && isCount(userCount) && healthy === true) players.set(slot, userCount)
  }
  return players
}

const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isInteger(value) && value >= 0
