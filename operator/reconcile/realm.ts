import type { CommsCell, Realm } from '../../crds/realm.ts'
import { planRealm, type RealmPlan } from '../desired/plan.ts'
import { realmStatus } from '../desired/status/realm-status.ts'
import type { RealmStatusInput } from '../desired/status/realm-view.ts'
import type { RealmUrls } from '../desired/urls.ts'
import type { SyntheticJoin } from '../observed/synthetic-join.ts'
import { failureOf } from './failure.ts'
import { ensureFinalizer, finalize } from './finalizer.ts'
import type { Reconcile, ReconcilerParts } from './parts.ts'

/** Observe, plan, realize, report: every pass settles the whole realm. */
export const realmReconciler =
  (parts: ReconcilerParts): Reconcile =>
  async (key, signal) => {
    const {
      cluster,
      site,
      publication,
      remotePublication,
      dependencies,
      playerCounts,
      syntheticJoins,
      joinSuccess,
      scaling,
      clock,
    } = parts
    const realm = cluster.realm(key)
    if (!realm || realm.metadata.deletionTimestamp) {
      publication.forget({ metadata: key }) // what the realm owned goes with it
      dependencies?.forget(key)
      playerCounts?.forget(key)
      syntheticJoins?.attend(key, [])
      joinSuccess?.attend(key, [])
      if (realm) return finalize(parts, realm)
      remotePublication?.forget(key)
      return 'on-change'
    }
    const observed = cluster.observeRealm(realm)
    playerCounts?.attend(realm)
    const players = playerCounts?.players(key)
    const mayBeRoutedTo = (cell: CommsCell) => remotePublication?.mayLeadTo(realm, cell.metadata.name) ?? false
    const seen = {
      players,
      peak: playerCounts?.peak(key),
      arePlayersUnknown: playerCounts?.isLost(key) ?? true,
      syntheticJoinOf: syntheticJoins?.joinOf ?? trusted,
      joinCountsOf: joinSuccess?.joinsOf,
      mayBeRoutedTo,
    }
    const plan = planRealm(realm, observed, site, { ...seen, now: clock.now() })
    syntheticJoins?.attend(key, plan.rollout.cellsToJoin)
    joinSuccess?.attend(key, plan.rollout.cellsToWatch)
    const failed = await failureOf(async () => {
      await ensureFinalizer(cluster, realm)
      await cluster.realizeRealm(realm, plan)
    })
    signal.throwIfAborted()
    const urls = site.urls(realm)
    const told = withEndpoints(realm, plan, urls)
    const facts: RealmStatusInput = {
      realm,
      plan,
      // Read again: the status speaks of what the pass left behind, so that a changed cell counts as changing from the first moment.
      observed: cluster.observeRealm(realm),
      urls,
      publication: publication.sighting(told),
      ...(remotePublication && { remotePublications: remotePublication.publish(told) }),
      ...(dependencies && { reachability: dependencies.reach(realm) }),
      players: sumOf(players),
      failure: failed?.failure,
      now: clock.now(),
    }
    await cluster.reportRealm(realm, realmStatus(facts))
    for (const { what, reason } of plan.scale.decisions) scaling?.inc({ what, reason })
    if (failed) throw failed.thrown // it has been told; now the queue backs off and tries again
    return plan.recheckMs === undefined ? 'on-change' : { afterMs: plan.recheckMs }
  }

const trusted = (): SyntheticJoin => ({ state: 'joined' })

const sumOf = (players: ReadonlyMap<number, number> | undefined): number | undefined =>
  players && [...players.values()].reduce((sum, count) => sum + count, 0)

// The provider is compared with what we are about to say, not with what we said in the pass before.
const withEndpoints = (realm: Realm, plan: RealmPlan, { stats }: RealmUrls): Realm => ({
  ...realm,
  status: { ...realm.status, endpoints: [...plan.endpoints], urls: { stats } },
})
