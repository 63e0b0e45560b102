import type { Clock } from '../chassis/clock.ts'
import { withPart } from '../wire/extension-fields.ts'
import { encodeArea, encodeIsland, encodeMembers } from '../wire/island-report.ts'
import type { PeerId } from '../wire/peer.ts'
import type { Subjects } from '../wire/subjects.ts'
import type { Islands } from './core/islands.ts'
import type { ArchipelagoMetrics } from './metrics.ts'

/** The islands to report, and the means to publish. */
export interface ReporterDeps {
  islands: Islands
  subjects: Subjects
  clock: Clock
  metrics: ArchipelagoMetrics
  /** Peers per room. */
  maxPeersPerIsland: number
  /** Publishes in this term; false once the lease is over, and then nothing was published. */
  publish(subject: string, ...pieces: readonly Uint8Array[]): boolean
}

/** A broker refuses messages longer than 1 MiB, headers included. */
const MAX_MESSAGE_BYTES = 900_000
/** Peers encoded before the event loop goes on, so that heartbeats are processed meanwhile. */
const SLICE_PEERS = 10_000
/** Upper limits of the size classes in the metric of islands by size. */
const SIZE_LIMITS = [1, 2, 5, 10, 25, 50, 75, 100, Number.POSITIVE_INFINITY]

/**
 * Publishes all islands for stats after each flush (clustering.md §5.23), changed or not, in as many messages as necessary.
 * Islands with the same members as before are not encoded again, and a large report is encoded in slices, all before the next
 * flush.
 */
export class Reporter {
  readonly #deps: ReporterDeps
  /** By island: its members in the last report, and their encoding. */
  #members = new Map<string, { peers: readonly PeerId[]; bytes: Uint8Array }>()
  #payloads: readonly Uint8Array[] = []
  #reports = 0
  #isUpToDate = false
  #encoding: Iterator<void> | undefined
  #cancel = () => {}

  constructor(deps: ReporterDeps) {
    this.#deps = deps
  }

  /** A peer moved, came or left. */
  markChanged(): void {
    this.#isUpToDate = false
  }

  /** Begins a report; a small one is published at once. */
  report(): void {
    this.finish()
    if (this.#isUpToDate) {
      this.#send()
      return
    }
    this.#isUpToDate = true
    this.#encoding = this.#encode()
    this.#continue()
  }

  /** Completes a report that is under way: before the next flush, so that a report is of one moment. */
  finish(): void {
    this.#cancel()
    while (this.#encoding) this.#slice()
  }

  /** Abandons a report that is under way. */
  stop(): void {
    this.#cancel()
    this.#encoding = undefined
  }

  #continue(): void {
    this.#slice()
    if (this.#encoding) this.#cancel = this.#deps.clock.after(0, () => this.#continue())
  }

  #slice(): void {
    if (this.#encoding?.next().done) this.#encoding = undefined
  }

  *#encode(): Iterator<void> {
    const { islands, maxPeersPerIsland } = this.#deps
    const before = this.#members
    const members: typeof before = new Map()
    const counts = SIZE_LIMITS.map(() => 0)
    const messages: Uint8Array[] = []
    let pieces: Uint8Array[] = []
    let bytes = 0
    let encodedPeers = 0
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
      const size = SIZE_LIMITS.findIndex((atMost) => peers.length <= atMost)
      counts[size] = (counts[size] ?? 0) + 1
      encodedPeers += peers.length
      if (encodedPeers < SLICE_PEERS) continue
      encodedPeers = 0
      yield
    }
    // There is one message even without islands.
    messages.push(Buffer.concat(pieces, bytes))
    this.#members = members
    this.#count(counts)
    const number = ++this.#reports
    const count = messages.length
    // One message has upstream's own format; only several are marked as parts.
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
    for (const [i, size] of SIZE_LIMITS.entries())
      islandsBySize.set({ peers: Number.isFinite(size) ? String(size) : '+Inf' }, counts[i] ?? 0)
  }
}

const isSame = (a: readonly PeerId[], b: readonly PeerId[]): boolean =>
  a.length === b.length && a.every((peer, i) => peer === b[i])
