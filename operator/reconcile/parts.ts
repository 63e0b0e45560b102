import type { Clock } from '../../cells/chassis/clock.ts'
import type { ObjectKey } from '../../crds/object.ts'
import type { Site } from '../desired/site.ts'
import type { Installations } from '../leader/installations.ts'
import type { RealmCertificate } from '../observed/certificate.ts'
import type { ObservedJoinCounts } from '../observed/players.ts'
import type { PublicationStatus } from '../observed/publication-status.ts'
import type { Reachability } from '../observed/reachability.ts'
import type { RelayState } from '../observed/relay-state.ts'
import type { SyntheticJoin } from '../observed/synthetic-join.ts'
import type { ObservedWebhooks } from '../observed/webhooks.ts'
import type { CellObserver, Observer, RealmObserver } from '../observers/observer.ts'
import type { CountedPlayers } from '../observers/players/player-counts.ts'
import type { RemotePublication } from '../observers/publication/remote-publication.ts'
import type { Cluster } from './cluster.ts'
import type { Recheck } from './queue.ts'
import type { ScaleMetrics } from './scale-metrics.ts'

/** The ports of the reconcilers. Only the publication by the own realm provider must be observed. */
export interface ReconcilerParts {
  cluster: Cluster
  site: Site
  publication: RealmObserver<PublicationStatus>
  /** Without it, realms are published in this cluster only. */
  remotePublication?: RemotePublication | undefined
  /** Without it, dependencies count as reachable. */
  dependencies?: RealmObserver<readonly Reachability[]> | undefined
  /** Without it, no gatekeeper is asked whether LiveKit sends it webhooks. */
  webhooks?: RealmObserver<ObservedWebhooks> | undefined
  /** Without it, movement relays are not checked. */
  relays?: RealmObserver<RelayState> | undefined
  /** Without it, certificates are not checked. */
  certificates?: RealmObserver<RealmCertificate> | undefined
  /** Without it, cells are chosen by their number and nothing scales by players. */
  playerCounts?: RealmObserver<CountedPlayers> | undefined
  /** Without it, a new cell counts as joined once its pods are ready. */
  syntheticJoins?: CellObserver<SyntheticJoin> | undefined
  /** Without it, rollouts do not depend on the joins of real players. */
  joinSuccess?: CellObserver<ObservedJoinCounts> | undefined
  /** Without it, no other installation of the operator watches these realms. */
  installations?: Pick<Installations, 'self' | 'managerOf' | 'forget'> | undefined
  scaling?: ScaleMetrics | undefined
  clock: Clock
}

/** All observers there are: a deletion and a change are the same for each of them. */
export const observersOf = (parts: Partial<ReconcilerParts>): Observer[] => {
  const { publication, remotePublication, dependencies, webhooks, relays, certificates } = parts
  const { playerCounts, syntheticJoins, joinSuccess } = parts
  const outside = [publication, remotePublication, dependencies, webhooks, relays, certificates]
  const all = [...outside, playerCounts, syntheticJoins, joinSuccess]
  return all.filter((observer) => observer !== undefined)
}

/**
 * One pass over one object; the event that caused it is not passed on, on purpose. The signal ends a pass that may no longer
 * write.
 */
export type Reconcile = (key: ObjectKey, signal: AbortSignal) => Promise<Recheck>
