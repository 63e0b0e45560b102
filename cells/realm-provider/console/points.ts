import { keyText } from '../../../crds/object.ts'
import { worstLatency } from './sections.ts'
import type { ConsoleSources } from './sources.ts'

/** Makes one point of every series out of what is known at a moment. */
export class PointMaker {
  readonly #sources: ConsoleSources
  #before: { counts: ReadonlyMap<string, number>; atMs: number } | undefined

  constructor(sources: ConsoleSources) {
    this.#sources = sources
  }

  /** Numbers by series: `players`, `r/<realm>/players`, `c/<realm>/<slot>/joins`, `k/<catalyst>` … Rates are per second. */
  make(): Map<string, number> {
    const { realms, stats, maps, catalysts } = this.#sources
    const points = this.#requestRates()
    let players = 0
    for (const realm of realms()) {
      const count = stats.playerCount(realm)
      if (count) points.set(`r/${keyText(realm.key)}/players`, count.total)
      players += count?.total ?? 0
    }
    points.set('players', players)
    const latency = worstLatency(this.#sources)
    if (latency) points.set('latency', latency.ms)
    for (const { key, rates, failingSince } of maps.all()) {
      if (failingSince !== undefined) continue
      for (const { slot, players: inCell, islands, heartbeats, joins, leaves } of rates) {
        for (const [name, value] of Object.entries({ players: inCell, islands, heartbeats, joins, leaves })) {
          if (value !== undefined) points.set(`c/${key}/${slot}/${name}`, value)
        }
      }
    }
    for (const { url, latencyMs } of catalysts.statuses()) if (latencyMs !== undefined) points.set(`k/${url}`, latencyMs)
    return points
  }

  /** From counts that only grow. */
  #requestRates(): Map<string, number> {
    const { tally, realms, clock } = this.#sources
    const counts = new Map<string, number>([
      ['answers', tally.total.answers],
      ['refusals', tally.total.refusals],
    ])
    for (const { key } of realms()) {
      const { answers, refusals } = tally.of(keyText(key))
      counts.set(`r/${keyText(key)}/answers`, answers)
      counts.set(`r/${keyText(key)}/refusals`, refusals)
    }
    const atMs = clock.monotonic()
    const before = this.#before
    this.#before = { counts, atMs }
    const seconds = before ? (atMs - before.atMs) / 1_000 : 0
    if (!before || seconds <= 0) return new Map()
    return new Map(Array.from(counts, ([key, count]) => [key, Math.max(0, count - (before.counts.get(key) ?? 0)) / seconds]))
  }
}
