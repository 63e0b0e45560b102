import type { ObjectKey } from '../../crds/object.ts'
import type { Realm } from '../../crds/realm.ts'
import { isWorldRealm } from '../../crds/world.ts'
import { routeObjects } from '../desired/manifests/objects.ts'
import { relayOf } from '../desired/movement.ts'
import { planRealm, type RealmPlan } from '../desired/plan.ts'
import { patienceLeftMs } from '../desired/status/conditions.ts'
import { missingFields, outdatedCrdStatus } from '../desired/status/outdated-crd.ts'
import { realmStatus } from '../desired/status/realm-status.ts'
import type { RealmStatusInput } from '../desired/status/realm-view.ts'
import { routePatienceLeftMs } from '../desired/status/route-condition.ts'
import type { RealmUrls } from '../desired/urls.ts'
import { planWorld } from '../desired/world-plan.ts'
import type { Observations } from '../observed/observations.ts'
import type { Component, ObservedRealm } from '../observed/workload.ts'
import type { CountedPlayers } from '../observers/players/player-counts.ts'
import { CRD_RECHECK, failureOf, isEndOfNamespace, TERMINATING } from './failure.ts'
import { observersOf, type Reconcile, type ReconcilerParts } from './parts.ts'
import type { Recheck } from './queue.ts'

/** An installation that is gone changes no object. */
const LEFT_RECHECK_MS = 30_000

/** Observe, plan, realize, report: every pass settles the whole realm. */
export const realmReconciler =
  (parts: ReconcilerParts): Reconcile =>
  async (key, signal) => {
    const { cluster, site, syntheticJoins, joinSuccess, scaling, installations } = parts
    const realm = cluster.realm(key)
    if (realm && (await installations?.managerOf(realm))) return leave(parts, key)
    if (!realm || realm.metadata.deletionTimestamp) return end(parts, key)
    const missing = missingFields('Realm', realm)
    if (missing.length > 0) {
      await cluster.reportRealm(realm, outdatedCrdStatus('Realm', realm, missing, parts.clock.now()))
      return CRD_RECHECK
    }
    const observed = cluster.observeRealm(realm)
    const observations = observe(parts, realm)
    const plan = (isWorldRealm(realm) ? planWorld : planRealm)(realm, observed, site, observations)
    syntheticJoins?.watch(key, plan.rollout.cellsToJoin)
    joinSuccess?.watch(key, plan.rollout.cellsToWatch)
    let held: readonly Component[] = []
    const failed = await failureOf(async () => {
      held = await cluster.realizeRealm(realm, plan)
    })
    signal.throwIfAborted()
    if (isEndOfNamespace(failed)) return TERMINATING
    const { players } = observations
    // Read again: the status describes what the pass left behind, so that a changed cell counts as changing from the first
    // moment.
    const changed = cluster.observeRealm(realm)
    const facts = {
      ...publish(parts, realm, plan),
      observed: changed,
      hostUrls: hostUrlsOf(parts, changed),
      held,
      players: sumOf(players),
      failure: failed?.failure,
    }
    await cluster.reportRealm(realm, { ...realmStatus(facts), ...(installations && { operator: installations.self }) })
    for (const { what, reason } of plan.scale.decisions) scaling?.inc({ what, reason })
    if (failed?.failure.reason === 'CrdOutdated') return CRD_RECHECK
    if (failed) throw failed.thrown // the status reports it; now the queue backs off and tries again
    const now = parts.clock.now()
    const delaysMs = [plan.recheckMs, patienceLeftMs(changed.services, now), routePatienceLeftMs(changed.routes, now)].filter(
      (ms) => ms !== undefined,
    )
    return delaysMs.length === 0 ? 'on-change' : { afterMs: Math.min(...delaysMs) }
  }

const hostUrlsOf = ({ site }: ReconcilerParts, { host }: ObservedRealm): RealmUrls | undefined => host && site.urls(host.realm)

/** Another installation manages the realm; whether it still does is looked up now and then. */
function leave(parts: ReconcilerParts, key: ObjectKey): Recheck {
  for (const observer of observersOf(parts)) observer.forget(key)
  return { afterMs: LEFT_RECHECK_MS }
}

/** Kubernetes collects what the realm owned. Its names at remote providers are given back in the background: no deletion waits for them. */
function end(parts: ReconcilerParts, key: ObjectKey): Recheck {
  parts.installations?.forget(key)
  parts.remotePublication?.withdraw(key)
  for (const observer of observersOf({ ...parts, remotePublication: undefined })) observer.forget(key)
  return 'on-change'
}

/** What the observers found out so far. */
function observe(
  { playerCounts, syntheticJoins, joinSuccess, remotePublication, clock }: ReconcilerParts,
  realm: Realm,
): Observations {
  playerCounts?.watch(realm)
  const counted = playerCounts?.get(realm.metadata)
  return {
    players: counted?.bySlot,
    peak: counted?.peak,
    arePlayersUnknown: counted?.isUnknown ?? playerCounts === undefined,
    syntheticJoinOf: (cell) => (syntheticJoins ? (syntheticJoins.get(cell) ?? { state: 'untried' }) : { state: 'joined' }),
    joinCountsOf: joinSuccess && ((cell) => joinSuccess.get(cell) ?? 'unknown'),
    isWorldServed: playerCounts ? isServed(counted) : true,
    mayBeRoutedTo: (cell) => remotePublication?.mayRouteTo(realm, cell.metadata.name) ?? false,
    now: clock.now(),
  }
}

/** Whether the gatekeeper of a world answered with its players; undefined = it was not asked yet. */
const isServed = (counted: CountedPlayers | undefined): boolean | undefined =>
  counted?.bySlot ? counted.bySlot.has(0) : counted?.isUnknown ? false : undefined

/** Has the planned endpoints published, and gathers what the status reports about that. */
function publish(
  parts: ReconcilerParts,
  realm: Realm,
  plan: RealmPlan,
): Omit<RealmStatusInput, 'observed' | 'hostUrls' | 'held' | 'players' | 'failure'> {
  const { site, publication, remotePublication, dependencies, webhooks, relays, certificates, clock } = parts
  const urls = site.urls(realm)
  const planned = withEndpoints(realm, plan, urls)
  publication.watch(planned)
  remotePublication?.watch(planned)
  dependencies?.watch(realm)
  webhooks?.watch(realm)
  relays?.watch(realm)
  certificates?.watch(realm)
  return {
    realm,
    plan,
    urls,
    livekitUrl: site.livekit(realm)?.url,
    isInCluster: site.distributed,
    relay: relayOf(realm, site.movement),
    certificate: certificates?.get(realm.metadata),
    desiredRoutes: routeObjects(realm, plan).map(({ kind, metadata: { name } }) => ({ kind, name })),
    ...(relays && { relayState: relays.get(realm.metadata) }),
    publication: publication.get(realm.metadata) ?? { state: 'unknown', aboutUrl: '' },
    ...(remotePublication && { remotePublications: remotePublication.get(realm.metadata) ?? [] }),
    ...(dependencies && { reachability: dependencies.get(realm.metadata) ?? [] }),
    webhooks: webhooks?.get(realm.metadata),
    now: clock.now(),
  }
}

const sumOf = (players: ReadonlyMap<number, number> | undefined): number | undefined =>
  players && [...players.values()].reduce((sum, count) => sum + count, 0)

// What the provider serves is compared with the endpoints of this pass, not with those in the status of the pass before.
const withEndpoints = (realm: Realm, plan: RealmPlan, { stats }: RealmUrls): Realm => ({
  ...realm,
  status: { ...realm.status, endpoints: [...plan.endpoints], urls: { stats } },
})
