import type { Clock } from '../../../cells/chassis/clock.ts'
import { createLanes } from '../../../cells/chassis/lanes.ts'
import type { Running } from '../../../cells/chassis/lifecycle.ts'
import { keyText, type ObjectKey } from '../../../crds/object.ts'
import type { CommsCell } from '../../../crds/realm.ts'
import type { SyntheticJoin } from '../../observed/synthetic-join.ts'
import type { JoinOutcome } from './join-cell.ts'
import type { Probe } from './probe.ts'

/** What a joiner is made of. */
export interface JoinerOptions {
  /** The socket of a cell as we reach it, whoever its slot leads to. */
  urlOf: (cell: CommsCell) => string
  clock: Clock
  /** Joins once; as a player unless told. */
  join?: (url: string, timeoutMs: number) => Promise<JoinOutcome>
}

/** For each step; an island comes with the next flush. */
const STEP_TIMEOUT_MS = 10_000
/** After so many failures in a row it counts as failed; it is tried on all the same. */
const PATIENCE = 3
const RETRY_MS = 2_000
/** Cells joined at once. */
const MAX_PARALLEL = 4

interface Attended {
  realm: ObjectKey
  cell: CommsCell
  join: SyntheticJoin
  failures: number
  cancel: () => void
}

/** Joins the cells it is told of until it works; one that failed is tried again for as long as it is attended. */
export function createJoiner({ urlOf, clock, join = joinAsPlayer }: JoinerOptions): Probe & Running {
  const attended = new Map<string, Attended>()
  const lanes = createLanes(MAX_PARALLEL)
  const listeners = new Set<(realm: ObjectKey) => void>()
  const isAttended = (entry: Attended) => attended.get(idOf(entry.cell)) === entry

  async function attempt(entry: Attended): Promise<void> {
    if (!isAttended(entry)) return
    const joined = await join(urlOf(entry.cell), STEP_TIMEOUT_MS)
    if (!isAttended(entry)) return // of no interest any more
    entry.failures = joined.ok ? 0 : entry.failures + 1
    const before = entry.join
    if (joined.ok) entry.join = { state: 'joined' }
    // The first reason stands for as long as it lasts: reasons that take turns would be news without being new.
    else if (entry.failures >= PATIENCE && before.state !== 'failed') entry.join = { state: 'failed', message: joined.message }
    if (!joined.ok) {
      entry.cancel = clock.after(RETRY_MS, () => void lanes.run(() => attempt(entry)))
    }
    if (entry.join !== before) for (const listener of listeners) listener(entry.realm)
  }

  function drop(id: string): void {
    const entry = attended.get(id)
    if (!entry) return
    entry.cancel()
    attended.delete(id)
  }

  return {
    attend(realm, cells) {
      const wanted = new Set(cells.map(idOf))
      for (const [id, entry] of attended) if (keyText(entry.realm) === keyText(realm) && !wanted.has(id)) drop(id)
      for (const cell of cells) {
        if (attended.has(idOf(cell))) continue
        const { namespace, name } = realm
        const entry: Attended = { realm: { namespace, name }, cell, join: { state: 'untried' }, failures: 0, cancel: () => {} }
        attended.set(idOf(cell), entry)
        void lanes.run(() => attempt(entry))
      }
    },
    joinOf: (cell) => attended.get(idOf(cell))?.join ?? { state: 'untried' },
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async stop() {
      for (const id of [...attended.keys()]) drop(id)
      listeners.clear()
    },
  }
}

// A cell of the same name that was made anew has proved nothing.
const idOf = ({ metadata }: CommsCell): string => `${keyText(metadata)}/${metadata.uid}`

/** Signing takes libraries that most operators never need in memory. */
const joinAsPlayer = async (url: string, timeoutMs: number): Promise<JoinOutcome> =>
  (await import('./join-cell.ts')).joinCell(url, timeoutMs)
