import { type CommsCell, conditionOf, type Realm } from '../../../crds/realm.ts'
import type { Outlook } from '../../observed/observations.ts'
import { takesPlayers } from '../endpoints.ts'

/** The next step of a cell on its way out, and when to look again if nothing happens until then. */
export type Step =
  /** `Draining`: nobody new comes. `Drained`: those who are there are sent away. */
  | { state: 'Draining' | 'Drained'; recheckMs?: number }
  /** Nobody is there any more, or waiting for them is over. */
  | { state: 'gone' }

/** Beyond the draining itself: for goodbyes, for pods to end, and for a node that does not answer. */
const PATIENCE_MS = 60_000
/**
 * How long the way out waits for realm providers elsewhere to confirm that they lead nobody to a cell. One that is out of reach must not hold
 * a cell for ever: whom it leads to the slot finds another cell there.
 */
const CONFIRMED_MS = 30_000

/**
 * The way out of a cell: it leaves the publication and its slot; once everybody who asks was told so, its players are sent over; once
 * it is empty it goes. `toldMs` is how long others take to see what we publish; who is told by us confirms it.
 */
export function leave(realm: Realm, cell: CommsCell, outlook: Pick<Outlook, 'now' | 'isLedTo'>, toldMs: number): Step {
  const { now } = outlook
  const cordonedMs = now - sinceOf(cell, 'Cordoned')
  const drainingMs = now - sinceOf(cell, 'Draining')
  // Not begun, or not told of. Its own report wakes us; looking again as well costs nothing, and waits for nobody's word.
  if (takesPlayers(cell) || Number.isNaN(cordonedMs)) return { state: 'Draining', recheckMs: toldMs }
  if (cell.spec.desiredState === 'Draining') {
    const isPublished = realm.status?.endpoints?.some(
      ({ cell: name, state }) => name === cell.metadata.name && state !== 'Draining',
    )
    if (isPublished) return { state: 'Draining', recheckMs: toldMs }
    const enoughMs = outlook.isLedTo?.(cell) ? Math.max(toldMs, CONFIRMED_MS) : toldMs
    return cordonedMs < enoughMs ? { state: 'Draining', recheckMs: enoughMs - cordonedMs } : { state: 'Drained' }
  }
  if (cell.status?.state === 'Drained') return { state: 'gone' }
  if (Number.isNaN(drainingMs)) return { state: 'Drained' }
  const leftMs = cell.spec.connectors.drainSeconds * 1000 + PATIENCE_MS - drainingMs
  return leftMs > 0 ? { state: 'Drained', recheckMs: leftMs } : { state: 'gone' }
}

/** Since when a condition holds, in milliseconds since the epoch; NaN when it does not. */
function sinceOf(cell: CommsCell, type: 'Cordoned' | 'Draining'): number {
  const condition = conditionOf(cell, type)
  // Dates are kept to the second: taken for its end, nobody gets less time than promised.
  return condition?.status === 'True' ? Date.parse(condition.lastTransitionTime) + 999 : Number.NaN
}
