import type { Clock } from '../../../cells/chassis/clock.ts'
import { type FetchResult, fetchJson } from '../../../cells/chassis/fetch-json.ts'
import type { Running } from '../../../cells/chassis/lifecycle.ts'
import { Listeners } from '../../../cells/chassis/listeners.ts'
import type { Log } from '../../../cells/chassis/log.ts'
import { Poller, type PollOutcome } from '../../../cells/chassis/poller.ts'
import { playersOfWorlds } from '../../../cells/wire/live-data.ts'
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
  /** Base URL of the statistics of a realm, as the operator reaches them; of a world, that of the gatekeeper that serves it. */
  statsUrlOf: (realm: Realm) => string
  clock: Clock
  log: Log
  fetch?: (url: string) => Promise<FetchResult>
  /** A number from 0 to 1 that spreads requests in time. */
  random?: () => number
}

const PERIOD_MS = 10_000
const TIMEOUT_MS = 2_000
/** Of the cells of one realm, or of the worlds of one gatekeeper. */
const MAX_BYTES = { realm: 64 * 1024, worlds: 1024 * 1024 }
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
  /** The URL that is asked about it. */
  source: string
  bySlot: PlayersBySlot | undefined
  /** The size of the crowd in each slot, as last announced to the listeners. */
  crowds: ReadonlyMap<number, string | undefined>
  /** How far back the peak looks, in milliseconds; undefined when the realm does not scale by it. */
  windowMs: number | undefined
  peaks: Peaks
  failures: number
}

/** What is asked: the statistics of one realm, or a gatekeeper about all of its worlds at once. */
interface Source {
  url: string
  kind: keyof typeof MAX_BYTES
  realms: Map<string, CountedRealm>
  /** Whether it is asked earlier than planned, because another world came. */
  isHurried: boolean
}

type PlayersBySlot = ReadonlyMap<number, number>
/** The players of a realm of the source; undefined = not known. */
type Answer = ((realm: CountedRealm) => PlayersBySlot) | undefined

/** Asks the statistics of each realm for its players every ten seconds; a change counts when a crowd gets another size. */
export class PlayerCounts implements RealmObserver<CountedPlayers>, Running {
  readonly #options: PlayerCountsOptions
  readonly #realms = new Map<string, CountedRealm>()
  readonly #poller: Poller<Source, Answer>
  readonly #listeners = new Listeners<ObjectKey>()

  constructor(options: PlayerCountsOptions) {
    const { clock, log, random, fetch } = options
    this.#options = options
    this.#poller = new Poller({
      ask: async ({ url, kind }) => {
        const fetched = await (fetch?.(url) ?? fetchJson(url, { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES[kind] }))
        return kind === 'worlds' ? worldsIn(fetched) : realmIn(fetched)
      },
      learn: (source, answer) => this.#learn(source, answer),
      ...{ concurrency: MAX_PARALLEL, clock, log, random },
    })
  }

  watch(realm: Realm): void {
    const { namespace, name } = realm.metadata
    const key = keyText(realm.metadata)
    const { autoscale } = realm.spec
    const kind = isWorldRealm(realm) ? 'worlds' : 'realm'
    const url = `${this.#options.statsUrlOf(realm)}/${kind === 'worlds' ? 'live-data' : 'cells'}`
    const known = this.#realms.get(key)
    if (known && known.source !== url) this.forget(realm.metadata)
    const counted = this.#realms.get(key) ?? {
      ...{ key: { namespace, name }, source: url, peaks: new Peaks(), bySlot: undefined, crowds: new Map(), failures: 0 },
      windowMs: undefined,
    }
    counted.windowMs = autoscale && autoscale.scaleDownAfterSeconds * 1000
    if (this.#realms.has(key)) return
    this.#realms.set(key, counted)
    this.#ask(url, kind).realms.set(key, counted)
  }

  get(realm: ObjectKey): CountedPlayers | undefined {
    const counted = this.#realms.get(keyText(realm))
    if (!counted) return undefined
    const { bySlot, failures, windowMs, peaks } = counted
    const peak = windowMs === undefined ? undefined : peaks.over(windowMs, this.#options.clock.monotonic())
    return { bySlot, isUnknown: failures >= FAILURES_TO_UNKNOWN, peak }
  }

  forget(realm: ObjectKey): void {
    const key = keyText(realm)
    const url = this.#realms.get(key)?.source ?? ''
    this.#realms.delete(key)
    const source = this.#poller.get(url)
    source?.realms.delete(key)
    if (source?.realms.size === 0) this.#poller.forget(url)
  }

  onChange(listener: (realm: ObjectKey) => void): () => void {
    return this.#listeners.add(listener)
  }

  async stop(): Promise<void> {
    this.#listeners.clear()
    await this.#poller.stop()
  }

  /** The source of a realm that was not counted before, which is asked soon. */
  #ask(url: string, kind: Source['kind']): Source {
    const { random = Math.random } = this.#options
    const firstMs = (kind === 'worlds' ? WORLD_RETRY_MS : PERIOD_MS) * random()
    const source = this.#poller.watch(url, () => ({ url, kind, realms: new Map(), isHurried: true }), firstMs)
    if (!source.isHurried) this.#poller.pollIn(url, firstMs)
    source.isHurried = true
    return source
  }

  #learn(source: Source, answer: Answer): PollOutcome {
    const { kind, realms } = source
    source.isHurried = false
    const changed = [...realms.values()].filter((realm) => this.#isChanged(realm, answer?.(realm)))
    for (const { key } of changed) this.#listeners.notify(key)
    const isWaiting = ({ bySlot, failures }: CountedRealm) => !bySlot?.has(0) && failures < FAILURES_TO_UNKNOWN
    const next = kind === 'worlds' && [...realms.values()].some(isWaiting) ? WORLD_RETRY_MS : PERIOD_MS
    return { next, changed: false }
  }

  /** Takes the players of a realm in; whether a crowd has another size than before. */
  #isChanged(realm: CountedRealm, bySlot: PlayersBySlot | undefined): boolean {
    realm.failures = bySlot ? 0 : realm.failures + 1
    if (!bySlot && realm.failures < FAILURES_TO_UNKNOWN) return false
    realm.bySlot = bySlot
    const { windowMs, peaks, crowds: before } = realm
    peaks.record(this.#options.clock.monotonic(), windowMs === undefined ? undefined : bySlot, windowMs ?? 0)
    const crowds = new Map([...(bySlot ?? [])].map(([slot, count]) => [slot, approximatePlayers(count, before.get(slot))]))
    realm.crowds = crowds
    return crowds.size !== before.size || [...crowds].some(([slot, crowd]) => before.get(slot) !== crowd)
  }
}

/** The players of the worlds of a gatekeeper, each as those of slot 0; no slot of a world that it does not serve. */
function worldsIn(fetched: FetchResult): Answer {
  const players = fetched.ok && fetched.status === 200 ? playersOfWorlds(fetched.body) : undefined
  return (
    players &&
    (({ key }) => {
      const count = players.get(key.name)
      return new Map(count === undefined ? [] : [[0, count]])
    })
  )
}

/** The healthy cells of an answer; undefined when it is not valid. The last number of a cell that is silent is not current. */
function realmIn(fetched: FetchResult): Answer {
  if (!fetched.ok || fetched.status !== 200) return undefined
  const { cells } = (fetched.body ?? {}) as { cells?: unknown }
  if (!Array.isArray(cells)) return undefined
  const players = new Map<number, number>()
  for (const cell of cells.slice(0, MAX_SLOTS) as unknown[]) {
    const { slot, healthy, userCount } = (cell ?? {}) as Record<string, unknown>
    if (isCount(slot) && isCount(userCount) && healthy === true) players.set(slot, userCount)
  }
  return () => players
}

const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isInteger(value) && value >= 0
