import { type CommsCell, conditionOf, type Realm } from '../../../crds/realm.ts'
import type { Observations } from '../../observed/observations.ts'
import { ageMs } from '../../observed/stamp.ts'
import { takesPlayers } from '../endpoints.ts'

/** What to do with a cell that is to be removed, and when to run the next pass if nothing happens until then. */
export type DrainStep =
  /** The value for `spec.desiredState`. `Draining`: no new player is sent there. `Drained`: its players are disconnected. */
  | { state: 'Draining' | 'Drained'; recheckMs?: number }
  /** No player is left, or the time for draining is over. */
  | { state: 'remove' }

/** Time beyond `drainSeconds` until a cell is removed although pods are left: for pods to end, and for a node that does not answer. */
const DRAIN_MARGIN_MS = 60_000
/**
 * How long a cell waits for the realm providers of other clusters to confirm that they no longer send players to it. One that cannot be
 * reached must not hold a cell for ever: the players it sends to the slot find another cell there.
 */
const CONFIRMATION_TIMEOUT_MS = 30_000

/**
 * The next step of draining a cell: first it leaves the publication and its slot; once that has propagated, its players are disconnected;
 * once it is empty, it is removed.
 *
 * @param propagationMs how long the provider and the routes of this cluster take to follow the status; providers of other clusters confirm
 */
export function nextDrainStep(
  realm: Realm,
  cell: CommsCell,
  { now, mayBeRoutedTo }: Pick<Observations, 'now' | 'mayBeRoutedTo'>,
  propagationMs: number,
): DrainStep {
  const cordonedMs = trueForMs(cell, 'Cordoned', now)
  const drainingMs = trueForMs(cell, 'Draining', now)
  // Not begun, or not in the status of the cell yet. The cell's own status write starts the next pass; the recheck is for a lost event.
  if (takesPlayers(cell) || Number.isNaN(cordonedMs)) return { state: 'Draining', recheckMs: propagationMs }
  if (cell.spec.desiredState === 'Draining') {
    const isPublished = realm.status?.endpoints?.some(
      ({ cell: name, state }) => name === cell.metadata.name && state !== 'Draining',
    )
    if (isPublished) return { state: 'Draining', recheckMs: propagationMs }
    const neededMs = mayBeRoutedTo?.(cell) ? Math.max(propagationMs, CONFIRMATION_TIMEOUT_MS) : propagationMs
    return cordonedMs < neededMs ? { state: 'Draining', recheckMs: neededMs - cordonedMs } : { state: 'Drained' }
  }
  if (cell.status?.state === 'Drained') return { state: 'remove' }
  if (Number.isNaN(drainingMs)) return { state: 'Drained' }
  const leftMs = cell.spec.connectors.drainSeconds * 1000 + DRAIN_MARGIN_MS - drainingMs
  return leftMs > 0 ? { state: 'Drained', recheckMs: leftMs } : { state: 'remove' }
}

/** For how long a condition has been True, at least; NaN when it is not. */
function trueForMs(cell: CommsCell, type: 'Cordoned' | 'Draining', now: number): number {
  const condition = conditionOf(cell, type)
  // Kubernetes keeps times to the second: the end of that second is taken, so that no step is shorter than promised.
  return condition?.status === 'True' ? ageMs(Date.parse(condition.lastTransitionTime), now) - 999 : Number.NaN
}
