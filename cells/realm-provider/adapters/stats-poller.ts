import { keyText } from '../../../crds/object.ts'
import type { Clock } from '../../chassis/clock.ts'
import { fetchJson } from '../../chassis/fetch-json.ts'
import type { Running } from '../../chassis/lifecycle.ts'
import type { Log } from '../../chassis/log.ts'
import { repeat } from '../../chassis/repeat.ts'
import { isCount, type RealmScene, readHotScenes } from '../core/merge-hot-scenes.ts'
import type { PublishedRealm } from '../core/published-realm.ts'
import type { ProviderMetrics } from '../metrics.ts'

/** How many players a realm has, and in which of its cells when that is known. */
export interface PlayerCount {
  total: number
  bySlot?: ReadonlyMap<number, number>
}

/** What is known of the players of realms; always answers from memory. */
export interface RealmStats extends Running {
  /** Nothing while nothing is known. */
  playerCount(realm: PublishedRealm): PlayerCount | undefined
  /** Where in the world they stand. */
  hotScenes(realm: PublishedRealm): readonly RealmScene[]
}

/** How often statistics are asked, in milliseconds. */
export interface StatsTiming {
  periodMs: number
  timeoutMs: number
}

export const STATS_TIMING: StatsTiming = { periodMs: 5_000, timeoutMs: 1_000 }
/** Realms asked at a time: a thousand dead ones must not hold the living up, nor all be dialled at once. */
const AT_A_TIME = 64
const MAX_COUNT_BYTES = 64 * 1024
const MAX_SCENES_BYTES = 4 * 1024 * 1024

interface Known {
  count: PlayerCount | undefined
  scenes: readonly RealmScene[]
}

/**
 * Asks the statistics of each realm in the background. Those that do not answer keep the numbers they last gave.
 *
 * @param statsUrlOf base URL of a realm's statistics, nothing when it has none
 */
export function pollStats(options: {
  realms: () => Iterable<PublishedRealm>
  statsUrlOf: (realm: PublishedRealm) => string | undefined
  clock: Clock
  log: Log
  metrics: ProviderMetrics
  timing?: StatsTiming | undefined
}): RealmStats {
  const { realms, statsUrlOf, clock, log, metrics, timing = STATS_TIMING } = options
  const known = new Map<string, Known>()

  async function ask(realm: PublishedRealm): Promise<void> {
    const url = statsUrlOf(realm)
    if (!url) return
    const get = async (path: string, maxBytes: number): Promise<unknown> => {
      const answer = await fetchJson(`${url}${path}`, { timeoutMs: timing.timeoutMs, maxBytes })
      if (answer.ok && answer.status === 200) return answer.body
      metrics.statsFailures.inc()
      return undefined
    }
    const [status, cells, scenes] = await Promise.all([
      get('/core-status', MAX_COUNT_BYTES),
      realm.endpoints.length > 1 ? get('/cells', MAX_COUNT_BYTES) : undefined,
      get('/hot-scenes', MAX_SCENES_BYTES),
    ])
    const before = known.get(keyText(realm.key))
    known.set(keyText(realm.key), {
      count: readCount(status, cells) ?? before?.count,
      scenes: scenes === undefined ? (before?.scenes ?? []) : readHotScenes(scenes),
    })
  }

  const asking = repeat({
    clock,
    log,
    delayMs: () => timing.periodMs,
    task: async () => {
      const waiting = [...realms()]
      const wanted = new Set(waiting.map(({ key }) => keyText(key)))
      for (const key of known.keys()) if (!wanted.has(key)) known.delete(key)
      const askOn = async () => {
        for (let realm = waiting.pop(); realm; realm = waiting.pop()) await ask(realm)
      }
      await Promise.all(Array.from({ length: AT_A_TIME }, askOn))
    },
  })
  return {
    playerCount: ({ key }) => known.get(keyText(key))?.count,
    hotScenes: ({ key }) => known.get(keyText(key))?.scenes ?? [],
    stop: asking.stop,
  }
}

function readCount(status: unknown, cells: unknown): PlayerCount | undefined {
  const { userCount } = (status ?? {}) as Record<string, unknown>
  if (!isCount(userCount)) return undefined
  const listed = (cells as { cells?: unknown } | undefined)?.cells
  if (!Array.isArray(listed)) return { total: userCount }
  const bySlot = new Map<number, number>()
  for (const cell of listed as readonly unknown[]) {
    const { slot, healthy, userCount: players } = (cell ?? {}) as Record<string, unknown>
    // What a silent cell said last is no reason to send anybody there, or not to.
    if (isCount(slot) && isCount(players) && healthy === true) bySlot.set(slot, players)
  }
  return { total: userCount, bySlot }
}
