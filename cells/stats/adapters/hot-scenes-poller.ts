import type { Clock } from '../../chassis/clock.ts'
import { fetchJson } from '../../chassis/fetch-json.ts'
import type { Running } from '../../chassis/lifecycle.ts'
import type { Log } from '../../chassis/log.ts'
import { repeat } from '../../chassis/repeat.ts'
import { type HotScene, hotPointers, hotScenes } from '../core/hot-scenes.ts'
import type { Snapshot } from '../core/snapshot.ts'
import { parcelsJson } from '../core/views.ts'
import type { StatsMetrics } from '../metrics.ts'

/** The scenes people stand in, as last found out. */
export interface HotSceneSource extends Running {
  current(): readonly HotScene[]
}

const NONE: readonly HotScene[] = []
const REFRESH_MS = 10_000
const CONTENT_TIMEOUT_MS = 5_000
const MAX_CONTENT_BYTES = 32 * 1024 * 1024

/** Nobody asked for a content server: nothing is ever hot. */
export const noHotScenes: HotSceneSource = { current: () => NONE, stop: async () => {} }

/** Asks the content server in the background; a failure keeps what was found before. No request ever waits for it. */
export function pollHotScenes(options: {
  contentUrl: string
  snapshot: Snapshot
  clock: Clock
  log: Log
  metrics: StatsMetrics
}): HotSceneSource {
  const { snapshot, clock, log, metrics } = options
  const contentUrl = options.contentUrl.replace(/\/+$/, '')
  let current: readonly HotScene[] = []
  const refreshing = repeat({
    clock,
    log,
    delayMs: () => REFRESH_MS,
    task: async () => {
      const parcels = parcelsJson(snapshot)
      const pointers = hotPointers(parcels)
      if (pointers.length === 0) {
        current = []
        return
      }
      const found = await fetchJson(`${contentUrl}/entities/active`, {
        post: { pointers },
        timeoutMs: CONTENT_TIMEOUT_MS,
        maxBytes: MAX_CONTENT_BYTES,
      })
      if (found.ok && found.status === 200 && Array.isArray(found.body)) {
        current = hotScenes(parcels, found.body, contentUrl)
        return
      }
      metrics.contentFailures.inc()
      log.warn({ reason: found.ok ? `status ${found.status}` : found.reason }, 'the content server named no scenes')
    },
  })
  return { current: () => current, stop: refreshing.stop }
}
