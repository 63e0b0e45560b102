import { withoutTrailingSlash } from '../../chassis/base-url.ts'
import type { Clock } from '../../chassis/clock.ts'
import { fetchJson } from '../../chassis/fetch-json.ts'
import type { Running } from '../../chassis/lifecycle.ts'
import type { Log } from '../../chassis/log.ts'
import { repeat } from '../../chassis/repeat.ts'
import type { HotScene } from '../../wire/hot-scene.ts'
import { hotPointers, hotScenes } from '../core/hot-scenes.ts'
import { parcelsJson } from '../core/response-json.ts'
import type { Snapshot } from '../core/snapshot.ts'
import type { StatsMetrics } from '../metrics.ts'

/** The scenes that have players in them; answers from memory. */
export interface HotSceneSource extends Running {
  current(): readonly HotScene[]
}

/** One object, because the routes rebuild an answer whenever the list is another object. */
const NONE: readonly HotScene[] = []
const REFRESH_MS = 10_000
const CONTENT_TIMEOUT_MS = 5_000
const MAX_CONTENT_BYTES = 32 * 1024 * 1024

/** For realms without a content server: no scene is hot. */
export const noHotScenes: HotSceneSource = { current: () => NONE, stop: async () => {} }

/**
 * Queries a content server in the background, so that no request waits for it: the one that answered last, else the next one. When
 * all fail, the previous scenes are kept.
 */
export function pollHotScenes(options: {
  contentUrls: readonly string[]
  snapshot: Snapshot
  clock: Clock
  log: Log
  metrics: StatsMetrics
}): HotSceneSource {
  const { snapshot, clock, log, metrics } = options
  let contentUrls = options.contentUrls.map(withoutTrailingSlash)
  let current = NONE
  const polling = repeat({
    clock,
    log,
    delayMs: () => REFRESH_MS,
    task: async () => {
      const parcels = parcelsJson(snapshot)
      const pointers = hotPointers(parcels)
      if (pointers.length === 0) {
        current = NONE
        return
      }
      for (const contentUrl of contentUrls) {
        const response = await fetchJson(`${contentUrl}/entities/active`, {
          post: { pointers },
          timeoutMs: CONTENT_TIMEOUT_MS,
          maxBytes: MAX_CONTENT_BYTES,
        })
        if (response.ok && response.status === 200 && Array.isArray(response.body)) {
          current = hotScenes(parcels, response.body, contentUrl)
          contentUrls = [contentUrl, ...contentUrls.filter((other) => other !== contentUrl)]
          return
        }
        metrics.contentFailures.inc()
        const reason = response.ok ? `status ${response.status}` : response.reason
        log.warn({ contentUrl, reason }, 'the content server did not return scenes')
      }
    },
  })
  return { current: () => current, stop: polling.stop }
}
