import type { Clock } from '../../../cells/chassis/clock.ts'
import { type Fetched, fetchJson } from '../../../cells/chassis/fetch-json.ts'
import { createLanes } from '../../../cells/chassis/lanes.ts'
import type { Running } from '../../../cells/chassis/lifecycle.ts'
import { keyText, type ObjectKey } from '../../../crds/object.ts'
import type { CommsCell } from '../../../crds/realm.ts'
import type { JoinCounts, ObservedJoinCounts } from '../../observed/players.ts'
import { connectorUrl } from './connector-players.ts'

/** Watches how it goes for players who come to cells; answers from memory, asks in the background. */
export interface JoinWatch {
  /** Watches these cells of a realm from now on, and no others of it. */
  attend(realm: ObjectKey, cells: readonly CommsCell[]): void
  joinsOf(cell: CommsCell): ObservedJoinCounts
  /** Tells when other numbers were heard; the returned function ends it. */
  onChange(listener: (realm: ObjectKey) => void): () => void
}

/** What a watch is made of. */
export interface JoinWatchOptions {
  /** IP addresses of the connectors of a cell that take players. */
  addressesOf: (cell: CommsCell) => readonly string[]
  /** Where connectors answer. */
  port: number
  clock: Clock
  /** Asks for a URL; over HTTP unless told. */
  fetch?: (url: string) => Promise<Fetched>
}

const PERIOD_MS = 5_000
const TIMEOUT_MS = 1_000
const MAX_BYTES = 16 * 1024
/** Questions under way at once, whatever the number of cells. */
const MAX_PARALLEL = 16
/** After so many rounds in a row without any answer a cell counts as out of reach; at once where nobody could answer. */
const PATIENCE = 3

interface Watched {
  realm: ObjectKey
  cell: CommsCell
  seen: ObservedJoinCounts
  failures: number
  cancel: () => void
}

/** Asks every connector of the cells it is told of, every five seconds; those that answer count for the cell. */
export function createJoinWatch({ addressesOf, port, clock, ...options }: JoinWatchOptions): JoinWatch & Running {
  const fetch = options.fetch ?? ((url) => fetchJson(url, { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES }))
  const watched = new Map<string, Watched>()
  const lanes = createLanes(MAX_PARALLEL)
  const listeners = new Set<(realm: ObjectKey) => void>()

  async function round(entry: Watched): Promise<void> {
    const ask = (address: string) => lanes.run(async () => joinsIn(await fetch(connectorUrl(address, port, 'joins'))))
    const addresses = addressesOf(entry.cell)
    const answers = await Promise.all(addresses.map(ask))
    if (watched.get(idOf(entry.cell)) !== entry) return // of no interest any more
    const heard = answers.flatMap((joins) => joins ?? [])
    entry.failures = heard.length > 0 ? 0 : entry.failures + 1
    const before = entry.seen
    if (heard.length > 0) entry.seen = sumOf(heard)
    else if (entry.failures >= PATIENCE || addresses.length === 0) entry.seen = 'unreachable'
    entry.cancel = clock.after(PERIOD_MS, () => void round(entry))
    if (JSON.stringify(before) !== JSON.stringify(entry.seen)) for (const listener of listeners) listener(entry.realm)
  }

  function drop(id: string): void {
    watched.get(id)?.cancel()
    watched.delete(id)
  }

  return {
    attend(realm, cells) {
      const wanted = new Map(cells.map((cell) => [idOf(cell), cell]))
      for (const [id, entry] of watched) if (keyText(entry.realm) === keyText(realm) && !wanted.has(id)) drop(id)
      for (const [id, cell] of wanted) {
        const known = watched.get(id)
        if (known) known.cell = cell
        else {
          const { namespace, name } = realm
          const entry: Watched = { realm: { namespace, name }, cell, seen: 'unknown', failures: 0, cancel: () => {} }
          watched.set(id, entry)
          void round(entry)
        }
      }
    },
    joinsOf: (cell) => watched.get(idOf(cell))?.seen ?? 'unknown',
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    async stop() {
      for (const id of [...watched.keys()]) drop(id)
      listeners.clear()
    },
  }
}

// A cell of the same name that was made anew has other players.
const idOf = ({ metadata }: CommsCell): string => `${keyText(metadata)}/${metadata.uid}`

function joinsIn(fetched: Fetched): JoinCounts | undefined {
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
