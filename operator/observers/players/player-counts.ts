import type { Clock } from '../../../cells/chassis/clock.ts'
import { type Fetched, fetchJson } from '../../../cells/chassis/fetch-json.ts'
import { createLanes } from '../../../cells/chassis/lanes.ts'
import type { Running } from '../../../cells/chassis/lifecycle.ts'
import { keyText, type ObjectKey } from '../../../crds/object.ts'
import type { Realm } from '../../../crds/realm.ts'
import { approximatePlayers } from '../../desired/status/approximate-players.ts'
import type { Census } from './census.ts'
import { Peaks } from './peaks.ts'

/** What a poller is made of. */
export interface PollerOptions {
  /** Base URL of a realm's statistics, as we reach them; `/cells` is asked for there. */
  statsUrlOf: (realm: Realm) => string
  clock: Clock
  /** Asks for a URL; over HTTP unless told. */
  fetch?: (url: string) => Promise<Fetched>
  /** A number from 0 to 1 that spreads questions in time; chance unless told. */
  random?: () => number
}

const PERIOD_MS = 10_000
const TIMEOUT_MS = 2_000
const MAX_BYTES = 64 * 1024
/** Questions under way at once, whatever the number of realms. */
const MAX_PARALLEL = 16
/** Slots of an answer that are read. */
const MAX_SLOTS = 64
/** Answers that may be missing before the numbers of the last one are no longer believed. */
const PATIENCE = 6

interface Counted {
  key: ObjectKey
  url: string
  players: ReadonlyMap<number, number> | undefined
  /** What was last told of each slot. */
  crowds: ReadonlyMap<number, string | undefined>
  /** How far back somebody wants to know, in milliseconds; nothing = nobody does. */
  windowMs: number | undefined
  peaks: Peaks
  failures: number
  cancel: () => void
}

/** Asks the statistics of each realm every ten seconds. */
export function createCensus({ statsUrlOf, clock, random = Math.random, ...options }: PollerOptions): Census & Running {
  const fetch = options.fetch ?? ((url) => fetchJson(url, { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES }))
  const counted = new Map<string, Counted>()
  const lanes = createLanes(MAX_PARALLEL)
  const listeners = new Set<(realm: ObjectKey) => void>()
  const isAttended = (entry: Counted) => counted.get(keyText(entry.key)) === entry

  function schedule(entry: Counted, afterMs: number): void {
    entry.cancel = clock.after(afterMs, () => void lanes.run(() => ask(entry)))
  }

  async function ask(entry: Counted): Promise<void> {
    if (!isAttended(entry)) return
    const players = playersIn(await fetch(`${entry.url}/cells`))
    if (!isAttended(entry)) return
    schedule(entry, PERIOD_MS * (0.8 + 0.4 * random()))
    take(entry, players)
  }

  function take(entry: Counted, players: ReadonlyMap<number, number> | undefined): void {
    entry.failures = players ? 0 : entry.failures + 1
    if (!players && entry.failures < PATIENCE) return
    entry.players = players
    entry.peaks.record(clock.now(), entry.windowMs === undefined ? undefined : players, entry.windowMs ?? 0)
    const crowds = new Map([...(players ?? [])].map(([slot, count]) => [slot, approximatePlayers(count, entry.crowds.get(slot))]))
    const isNews = crowds.size !== entry.crowds.size || [...crowds].some(([slot, crowd]) => entry.crowds.get(slot) !== crowd)
    entry.crowds = crowds
    if (isNews) for (const listener of listeners) listener(entry.key)
  }

  return {
    attend(realm) {
      const { namespace, name } = realm.metadata
      const url = statsUrlOf(realm)
      const { autoscale } = realm.spec
      const windowMs = autoscale && autoscale.scaleDownAfterSeconds * 1000
      const known = counted.get(keyText(realm.metadata))
      if (known) {
        Object.assign(known, { url, windowMs })
        return
      }
      const entry: Counted = {
        key: { namespace, name },
        url,
        windowMs,
        peaks: new Peaks(),
        players: undefined,
        crowds: new Map(),
        failures: 0,
        cancel: () => {},
      }
      counted.set(keyText(entry.key), entry)
      schedule(entry, PERIOD_MS * random())
    },
    players: (realm) => counted.get(keyText(realm))?.players,
    isLost: (realm) => (counted.get(keyText(realm))?.failures ?? 0) >= PATIENCE,
    peak(realm) {
      const entry = counted.get(keyText(realm))
      return entry?.windowMs === undefined ? undefined : entry.peaks.over(entry.windowMs, clock.now())
    },
    forget(realm) {
      const entry = counted.get(keyText(realm))
      if (!entry) return
      entry.cancel()
      counted.delete(keyText(realm))
    },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async stop() {
      for (const { cancel } of counted.values()) cancel()
      counted.clear()
      listeners.clear()
    },
  }
}

/** The healthy cells of an answer; nothing when it is none. What a silent cell said last is no number of players. */
function playersIn(fetched: Fetched): ReadonlyMap<number, number> | undefined {
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
