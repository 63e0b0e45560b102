import { busPayloads } from '../wire/packets.ts'
import type { Subjects } from '../wire/subjects.ts'
import { partial } from '../wire/trailer.ts'
import type { Islands, IslandView } from './core/islands.ts'
import { islandsReport } from './core/report.ts'
import type { ArchipelagoMetrics } from './metrics.ts'

/** What a reporter works with. */
export interface ReporterDeps {
  islands: Islands
  subjects: Subjects
  metrics: ArchipelagoMetrics
  /** Peers per room. */
  maxPeers: number
  say(subject: string, payload: Uint8Array): boolean
}

/** A broker takes messages of 1 MiB; this leaves it room for its own words. */
const MAX_MESSAGE_BYTES = 900_000
/** Sizes of islands that are counted together, up to and including. */
const SIZES = [1, 2, 5, 10, 25, 50, 75, 100, Number.POSITIVE_INFINITY]

/** Tells stats all islands after each flush (clustering.md §5.23), changed or not; what did not change is not written again. */
export class Reporter {
  readonly #deps: ReporterDeps
  #payloads: Uint8Array[] = []
  #reports = 0
  #isCurrent = false

  constructor(deps: ReporterDeps) {
    this.#deps = deps
  }

  /** Somebody moved, came or went. */
  changed(): void {
    this.#isCurrent = false
  }

  report(): void {
    const { subjects, metrics, say } = this.#deps
    if (!this.#isCurrent) this.#payloads = this.#write()
    this.#isCurrent = true
    for (const payload of this.#payloads) say(subjects.islands, payload)
    metrics.reports.inc()
    metrics.reportParts.inc(this.#payloads.length)
  }

  #write(): Uint8Array[] {
    const { islands, maxPeers } = this.#deps
    const views = [...islands.all()]
    this.#count(views)
    const messages = islandsReport(views, maxPeers, MAX_MESSAGE_BYTES).map(busPayloads.encodeIslands)
    this.#reports++
    // Upstream's own shape as long as it fits.
    if (messages.length === 1) return messages
    return messages.map((bytes, index) => partial(bytes, { message: this.#reports, index, count: messages.length }))
  }

  #count(views: readonly IslandView[]): void {
    const counts = SIZES.map(() => 0)
    for (const { peers } of views) {
      const at = SIZES.findIndex((size) => peers.length <= size)
      counts[at] = (counts[at] ?? 0) + 1
    }
    const { islandsBySize } = this.#deps.metrics
    for (const [i, size] of SIZES.entries())
      islandsBySize.set({ peers: Number.isFinite(size) ? String(size) : '+Inf' }, counts[i] ?? 0)
  }
}
