import pLimit from 'p-limit'
import type { Clock } from '../../../cells/chassis/clock.ts'
import { type FetchResult, fetchJson } from '../../../cells/chassis/fetch-json.ts'
import type { Running } from '../../../cells/chassis/lifecycle.ts'
import type { Log } from '../../../cells/chassis/log.ts'
import { Poller, type PollOutcome } from '../../../cells/chassis/poller.ts'
import type { ObjectKey } from '../../../crds/object.ts'
import type { CommsCell } from '../../../crds/realm.ts'
import type { JoinCounts, ObservedJoinCounts } from '../../observed/players.ts'
import type { CellObserver } from '../observer.ts'
import { type WatchedCell, watchCells, watchedCellId } from '../watched-cells.ts'
import { connectorUrl } from './connector-players.ts'

/** `fetch` is HTTP by default. */
export interface JoinSuccessRateOptions {
  /** IP addresses of the connectors of a cell that accept players. */
  addressesOf: (cell: CommsCell) => readonly string[]
  /** HTTP port of the connectors. */
  port: number
  clock: Clock
  log: Log
  fetch?: (url: string) => Promise<FetchResult>
}

const PERIOD_MS = 5_000
const TIMEOUT_MS = 1_000
const MAX_BYTES = 16 * 1024
/** Requests at the same time, whatever the number of cells. */
const MAX_PARALLEL = 16
/** After this many rounds without an answer a cell counts as unreachable; at once when it has no connector to ask. */
const FAILURES_TO_UNREACHABLE = 3

interface PolledCell extends WatchedCell {
  counts: ObservedJoinCounts
  failures: number
}

/** The answers of the connectors of a cell, and how many were asked. */
interface JoinAnswers {
  asked: number
  answers: readonly JoinCounts[]
}

/** Asks every connector of the watched cells how many players were given an island; the answers of a cell are added up. */
export class JoinSuccessRate implements CellObserver<ObservedJoinCounts>, Running {
  readonly #poller: Poller<PolledCell, JoinAnswers>

  constructor({ addressesOf, port, clock, log, ...options }: JoinSuccessRateOptions) {
    const fetch = options.fetch ?? ((url) => fetchJson(url, { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES }))
    const limit = pLimit(MAX_PARALLEL)
    this.#poller = new Poller({
      async ask({ cell }): Promise<JoinAnswers> {
        const addresses = addressesOf(cell)
        const ask = (address: string) => limit(async () => joinsIn(await fetch(connectorUrl(address, port, 'joins'))))
        const answers = await Promise.all(addresses.map(ask))
        return { asked: addresses.length, answers: answers.flatMap((joins) => joins ?? []) }
      },
      learn,
      concurrency: MAX_PARALLEL,
      jitterShare: 0,
      clock,
      log,
    })
  }

  watch(realm: ObjectKey, cells: readonly CommsCell[]): void {
    watchCells(this.#poller, realm, cells, (of, cell): PolledCell => ({ realm: of, cell, counts: 'unknown', failures: 0 }))
  }

  get(cell: CommsCell): ObservedJoinCounts | undefined {
    return this.#poller.get(watchedCellId(cell))?.counts
  }

  forget(realm: ObjectKey): void {
    this.watch(realm, [])
  }

  onChange(listener: (realm: ObjectKey) => void): () => void {
    return this.#poller.onChange(({ realm }) => listener(realm))
  }

  stop(): Promise<void> {
    return this.#poller.stop()
  }
}

function learn(polled: PolledCell, { asked, answers }: JoinAnswers): PollOutcome {
  const before = polled.counts
  polled.failures = answers.length > 0 ? 0 : polled.failures + 1
  if (answers.length > 0) polled.counts = sumOf(answers)
  else if (polled.failures >= FAILURES_TO_UNREACHABLE || asked === 0) polled.counts = 'unreachable'
  return { next: PERIOD_MS, changed: JSON.stringify(before) !== JSON.stringify(polled.counts) }
}

function joinsIn(fetched: FetchResult): JoinCounts | undefined {
  if (!fetched.ok || fetched.status !== 200) return undefined
  const { joins } = (fetched.body ?? {}) as { joins?: unknown }
  const { given, missed, waiting } = (joins ?? {}) as Record<string, unknown>
  return isCount(given) && isCount(missed) && isCount(waiting) ? { given, missed, waiting } : undefined
}

const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isInteger(value) && value >= 0

const sumOf = (all: readonly JoinCounts[]): JoinCounts => ({
  given: all.reduce((sum, { given }) => sum + given, 0),
  missed: all.reduce((sum, { missed }) => sum + missed, 0),
  waiting: all.reduce((sum, { waiting }) => sum + waiting, 0),
})
