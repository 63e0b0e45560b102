import type { Clock } from '../../../cells/chassis/clock.ts'
import type { Running } from '../../../cells/chassis/lifecycle.ts'
import type { Log } from '../../../cells/chassis/log.ts'
import { Poller, type PollOutcome } from '../../../cells/chassis/poller.ts'
import type { ObjectKey } from '../../../crds/object.ts'
import type { CommsCell } from '../../../crds/realm.ts'
import type { SyntheticJoin } from '../../observed/synthetic-join.ts'
import type { CellObserver } from '../observer.ts'
import { type WatchedCell, watchCells, watchedCellId } from '../watched-cells.ts'
import type { JoinOutcome } from './join-cell.ts'

export interface SyntheticJoinsOptions {
  /** The WebSocket URL of the cell itself inside the cluster, whichever cell its slot is routed to. */
  urlOf: (cell: CommsCell) => string
  clock: Clock
  log: Log
  /** One attempt; by default as a player joins. */
  join?: (url: string, timeoutMs: number) => Promise<JoinOutcome>
}

/** For each step; an island comes with the next flush. */
const STEP_TIMEOUT_MS = 10_000
/** After this many failures in a row the join counts as failed; it is tried again all the same. */
const FAILURES_TO_FAILED = 3
const RETRY_MS = 2_000
/** Cells joined at the same time. */
const MAX_PARALLEL = 4

interface JoinedCell extends WatchedCell {
  result: SyntheticJoin
  failures: number
}

/** Joins each watched cell as a player would, until it works once. */
export class SyntheticJoins implements CellObserver<SyntheticJoin>, Running {
  readonly #poller: Poller<JoinedCell, JoinOutcome>

  constructor({ urlOf, clock, log, join = joinAsPlayer }: SyntheticJoinsOptions) {
    this.#poller = new Poller({
      ask: ({ cell }) => join(urlOf(cell), STEP_TIMEOUT_MS),
      learn,
      concurrency: MAX_PARALLEL,
      jitterShare: 0,
      clock,
      log,
    })
  }

  watch(realm: ObjectKey, cells: readonly CommsCell[]): void {
    watchCells(
      this.#poller,
      realm,
      cells,
      (of, cell): JoinedCell => ({ realm: of, cell, result: { state: 'untried' }, failures: 0 }),
    )
  }

  get(cell: CommsCell): SyntheticJoin | undefined {
    return this.#poller.get(watchedCellId(cell))?.result
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

function learn(joined: JoinedCell, outcome: JoinOutcome): PollOutcome {
  const before = joined.result
  if (outcome.ok) {
    joined.result = { state: 'joined' }
    return { next: 'on-request', changed: true }
  }
  joined.failures++
  // The first error message is kept while the failure lasts, so that the status does not flap.
  if (joined.failures >= FAILURES_TO_FAILED && before.state !== 'failed')
    joined.result = { state: 'failed', message: outcome.message }
  return { next: RETRY_MS, changed: joined.result !== before }
}

/** Loaded on first use: signing needs libraries which most operators never need in memory. */
const joinAsPlayer = async (url: string, timeoutMs: number): Promise<JoinOutcome> =>
  (await import('./join-cell.ts')).joinCell(url, timeoutMs)
