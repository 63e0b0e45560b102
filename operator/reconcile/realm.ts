import type { Clock } from '../../cells/chassis/clock.ts'
import type { ObjectKey } from '../../crds/object.ts'
import type { Realm } from '../../crds/realm.ts'
import type { Cluster } from '../cluster/ports.ts'
import { endpointsOf } from '../desired/endpoints.ts'
import { planRealm, type RealmPlan } from '../desired/plan.ts'
import type { Site } from '../desired/site.ts'
import { realmStatus } from '../desired/status.ts'
import type { Publication } from '../publication/publication.ts'
import { failureOf } from './failure.ts'
import type { Recheck } from './queue.ts'

/** What reconcilers work with. */
export interface ReconcilerParts {
  cluster: Cluster
  site: Site
  publication: Publication
  clock: Clock
}

/** Settles one object; which event woke it is unknown on purpose. The signal ends a pass that may no longer write. */
export type Reconcile = (key: ObjectKey, signal: AbortSignal) => Promise<Recheck>

/** Observe, plan, realize, report: every pass settles the whole realm. */
export const realmReconciler =
  ({ cluster, site, publication, clock }: ReconcilerParts): Reconcile =>
  async (key, signal) => {
    const realm = cluster.realm(key)
    if (!realm || realm.metadata.deletionTimestamp) {
      publication.forget({ metadata: key }) // what the realm owned goes with it
      return 'on-change'
    }
    const observed = cluster.observeRealm(realm)
    const plan = planRealm(realm, observed, site)
    const failed = await failureOf(() => cluster.realizeRealm(realm, plan))
    signal.throwIfAborted()
    const sighting = publication.sighting(withEndpoints(realm, plan, observed.cells))
    const facts = { realm, plan, observed, urls: site.urls(realm), sighting, failure: failed?.failure, now: clock.now() }
    await cluster.reportRealm(realm, realmStatus(facts))
    if (failed) throw failed.thrown // it has been told; now the queue backs off and tries again
    return 'on-change'
  }

// The provider is compared with what we are about to say, not with what we said in the pass before.
const withEndpoints = (realm: Realm, plan: RealmPlan, cells: Parameters<typeof endpointsOf>[2]): Realm => ({
  ...realm,
  status: { ...realm.status, endpoints: endpointsOf(realm, plan.cells, cells) },
})
