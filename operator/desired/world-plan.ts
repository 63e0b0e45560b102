import type { Endpoint, Realm } from '../../crds/realm.ts'
import { isGuest } from '../../crds/world.ts'
import { noObservations, type Observations } from '../observed/observations.ts'
import type { ObservedRealm } from '../observed/workload.ts'
import { NO_RETAINED_ROUTES } from './cells/retained.ts'
import { hostProblem } from './hosted-worlds.ts'
import { awaitsAddress } from './load-balancer.ts'
import { gatekeeperName } from './naming.ts'
import { gatekeeperPlan, imagesOf, ownGatekeeperHosts, plannedBalancer, plannedMedia, type RealmPlan } from './plan.ts'
import type { Rollout } from './rollout/rollout.ts'
import { servicesHold } from './rollout/services-hold.ts'
import type { Scale } from './scale/scaling.ts'
import type { Site } from './site.ts'
import { worldAdapter } from './urls.ts'

/** Without cells there is nothing to replace. */
const NO_ROLLOUT: Rollout = {
  updated: [],
  stale: [],
  convergesFirst: false,
  isUnderway: false,
  candidates: [],
  cellsToJoin: [],
  cellsToWatch: [],
  halt: undefined,
  hold: undefined,
  addsLike: undefined,
  recheckMs: undefined,
}

const scaleOf = (isOpen: boolean): Scale => ({
  cells: isOpen ? 1 : 0,
  connectorsOf: () => undefined,
  status: undefined,
  decisions: [],
  recheckMs: undefined,
})

/**
 * Plans a realm in mode World: one endpoint, at the gatekeeper that serves the world, and that gatekeeper unless it is another realm's. A
 * world that is closed has neither, but its gatekeeper stays for as long as other worlds use it.
 */
export function planWorld(
  realm: Realm,
  observed: ObservedRealm,
  site: Site,
  observations: Observations = noObservations,
): RealmPlan {
  const { cells, gatekeeper } = realm.spec
  const isOpen = cells.replicas > 0
  const problem = isGuest(realm) && isOpen ? hostProblem(realm, observed.host) : undefined
  const isExposed = observed.addressTakenBy === undefined
  const isNeeded = isOpen || (observed.guests ?? []).some(({ spec }) => spec.cells.replicas > 0)
  const isReached = !site.distributed || !awaitsAddress(observed.host?.realm ?? realm)
  const canServe = isOpen && !problem && isReached && gatekeeper.replicas > 0
  return {
    cells: [],
    services: isGuest(realm) ? [] : [gatekeeperPlan(realm, observed, site, isNeeded ? gatekeeper.replicas : 0)],
    statistics: undefined,
    routes: [],
    compactCells: new Set(),
    endpoints: canServe && isExposed ? [endpointOf(realm, observed, site, observations)] : [],
    isExposed,
    gatekeeperHosts: ownGatekeeperHosts(realm, observed, site),
    desiredCells: 0,
    scale: scaleOf(isOpen),
    media: plannedMedia(realm, observed, site),
    balancer: plannedBalancer(realm, observed, site),
    retained: new Set(),
    retainedRoutes: NO_RETAINED_ROUTES,
    servicesHold: servicesHold(realm, NO_ROLLOUT),
    images: imagesOf(observed, NO_ROLLOUT),
    rollout: NO_ROLLOUT,
    hostProblem: problem,
    recheckMs: undefined,
  }
}

function endpointOf(realm: Realm, observed: ObservedRealm, site: Site, { isWorldServed }: Observations): Endpoint {
  const [before] = realm.status?.endpoints ?? []
  const gatekeeper = isGuest(realm)
    ? observed.host?.gatekeeper
    : observed.services.find(({ component }) => component === 'gatekeeper')
  // An operator that just started has not asked yet: what the last one saw stands until it has.
  const isServed = isWorldServed ?? before?.state === 'Serving'
  const serves = isServed && (gatekeeper?.ready ?? 0) > 0
  const hasServed = before?.state === 'Serving' || before?.state === 'Unhealthy'
  return {
    slot: 0,
    adapter: worldAdapter(site.urls(observed.host?.realm ?? realm).gatekeeper, realm),
    cell: gatekeeperName(realm),
    state: serves ? 'Serving' : hasServed ? 'Unhealthy' : 'Starting',
  }
}
