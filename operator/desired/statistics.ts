import type { CommsCell, Realm } from '../../crds/realm.ts'
import type { ObservedRealm } from '../observed/workload.ts'
import { isServing, takesPlayers } from './endpoints.ts'
import type { Site } from './site.ts'
import { isDeclaredCompact } from './topology.ts'

/** Where the statistics of a realm run, and answer. In the middle of a change of the topology they may run in both places. */
export interface StatisticsPlan {
  /** Whether they have a Deployment of their own. */
  ownDeployment: boolean
  /** Whether the Service selects the processes of Compact cells, each of which knows the peers of all cells. */
  fromCells: boolean
}

/**
 * Chooses where the statistics run. A cell without them, which takes players, needs a Deployment beside it; that goes once the realm has only
 * cells with statistics, and one of them serves. The Service changes to a place that answers already.
 *
 * @param planned the cells of the operator, with those it is about to create
 */
export function planStatistics(
  realm: Realm,
  { planned, observed, site }: { planned: readonly CommsCell[]; observed: ObservedRealm; site: Pick<Site, 'distributed'> },
): StatisticsPlan {
  const own = observed.services.find(({ component }) => component === 'stats')
  const staying = planned.filter(takesPlayers)
  const withThem = observed.cells.filter(({ spec }) => spec.statistics)
  const isMissing = staying.length > 0 ? staying.some(({ spec }) => !spec.statistics) : !isDeclaredCompact(realm, site)
  const isReplaced = staying.length === 0 || withThem.some(isServing)
  const ownDeployment = isMissing || (own !== undefined && !isReplaced)
  const answers = (own?.ready ?? 0) > 0
  return { ownDeployment, fromCells: !ownDeployment || (!answers && withThem.length > 0) }
}
