import type { Clock } from '../chassis/clock.ts'
import { withPart } from '../wire/extension-fields.ts'
import { encodeArea, encodeIsland, encodeMembers } from '../wire/island-report.ts'
import type { PeerId } from '../wire/peer.ts'
import type { Subjects } from '../wire/subjects.ts'
import type { Islands } from './core/islands.ts'
import type { ArchipelagoMetrics } from './metrics.ts'

/** What a reporter works with. */
export interface ReporterDeps {
  islands: Islands
  subjects: Subjects
  clock: Clock
  metrics: ArchipelagoMetrics
  /** Peers per room. */
  maxPeersPerIsland: number
  /** Says something in our term; answers whether we may still speak. */
  publish(subject: string, ...pieces: readonly Uint8Array[]): boolean
}

/** A broker takes messages of 1 MiB and refuses longer ones; this leaves it room for its own words. */
const MAX_MESSAGE_BYTES = 900_000
/** Peers written before others have their turn: heartbeats are taken in meanwhile. */
const SLICE_PEERS = 10_000
/** Sizes of islands that are counted together, up to and including. */
const SIZES = [1, 2, 5, 10, 25, 50, 75, 100, Number.POSITIVE_INFINITY]

/**
 * Tells stats all islands after each flush (clustering.md §5.23), changed or not, in as many messages as it takes. What did not change is not
 * written again, and the report of a large city is written a slice at a time, all before the next flush.
 */
export class Reporter {
  readonly #deps: ReporterDeps
  /** By island: who was in it, and that in bytes. */
  #members = new Map<string, { peers: readonly PeerId[]; bytes: Uint8Array }>()
  #payloads: readonly Uint8Array[] = []
  #reports = 0
  #isCurrent = false
  #writing: Iterator<void> | undefined
  #cancel = () => {}

  constructor(deps: ReporterDeps) {
    this.#deps = deps
  }

  /** Somebody moved, came or went. */
  markChanged(): void {
    this.#isCurrent = false
  }

  /** Begins to report; a small city is reported at once. */
  report(): void {
    this.finish()
    if (this.#isCurrent) {
      this.#send()
      return
    }
    this.#isCurrent = true
    this.#writing = this.#write()
    this.#goOn()
  }

  /** Writes what is still to be written: before the next flush, so that a report is of one moment. */
  finish(): void {
    this.#cancel()
    while (this.#writing) this.#slice()
  }

  /** Leaves off in the middle of a report. */
  stop(): void {
    this.#cancel()
    this.#writing = undefined
  }

  #goOn(): void {
    this.#slice()
    if (this.#writing) this.#cancel = this.#deps.clock.after(0, () => this.#goOn())
  }

  #slice(): void {
    if (this.#writing?.next().done) this.#writing = undefined
  }

  *#write(): Iterator<void> {
    const { islands, maxPeersPerIsland } = this.#deps
    const before = this.#members
    const members: typeof before = new Map()
    const counts = SIZES.map(() => 0)
    const messages: Uint8Array[] = []
    let pieces: Uint8Array[] = []
    let bytes = 0
    let written = 0
    for (const { id, peers, center, radius } of islands.all()) {
      const known = before.get(id)
      const entry = known && isSame(known.peers, peers) ? known : { peers, bytes: encodeMembers(id, peers, maxPeersPerIsland) }
      members.set(id, entry)
      const island = encodeIsland(entry.bytes, encodeArea(center, radius))
      const length = island.reduce((sum, piece) => sum + piece.length, 0)
      if (bytes > 0 && bytes + length > MAX_MESSAGE_BYTES) {
        messages.push(Buffer.concat(pieces, bytes))
        pieces = []
        bytes = 0
      }
      pieces.push(...island)
      bytes += length
      const size = SIZES.findIndex((atMost) => peers.length <= atMost)
      counts[size] = (counts[size] ?? 0) + 1
      written += peers.length
      if (written < SLICE_PEERS) continue
      written = 0
      yield
    }
    // One message even without islands.
    messages.push(Buffer.concat(pieces, bytes))
    this.#members = members
    this.#count(counts)
    const number = ++this.#reports
    const count = messages.length
    // Upstream's own shape as long as it fits.
    this.#payloads =
      count === 1 ? messages : messages.map((message, index) => withPart(message, { message: number, index, count }))
    this.#send()
  }

  #send(): void {
    const { subjects, metrics, publish } = this.#deps
    for (const payload of this.#payloads) publish(subjects.islands, payload)
    metrics.reports.inc()
    metrics.reportParts.inc(this.#payloads.length)
  }

  #count(counts: readonly number[]): void {
    const { islandsBySize } = this.#deps.metrics
    for (const [i, size] of SIZES.entries())
      islandsBySize.set({ peers: Number.isFinite(size) ? String(size) : '+Inf' }, counts[i] ?? 0)
  }
}

const isSame = (a: readonly PeerId[], b: readonly PeerId[]): boolean =>
  a.length === b.length && a.every((peer, i) => peer === b[i])
