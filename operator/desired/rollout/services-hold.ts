import type { Realm } from '../../../crds/realm.ts'
import { isServing } from '../endpoints.ts'
import type { Rollout } from './rollout.ts'

/** Why the services of a realm keep the pods they have although the spec says something else. */
export type ServicesHold = 'RolloutPaused' | 'AwaitingPromotion' | 'AwaitingFirstCell'

/**
 * Whether a change of the services waits. Every cell depends on them, so they follow only once a cell of the same change has its slot and
 * serves, and canaryCells lets the others follow too. Where no cell is to be replaced, nothing could prove the change.
 */
export function servicesHold({ spec }: Realm, { updated, stale, hold, halt }: Rollout): ServicesHold | undefined {
  if (spec.rollout.paused) return 'RolloutPaused'
  if (stale.length === 0) return undefined
  if (hold) return hold
  return halt || !updated.some(isServing) ? 'AwaitingFirstCell' : undefined
}
