import type { CommsCell, Endpoint, Realm } from '../../../crds/realm.ts'
import { isWorldRealm } from '../../../crds/world.ts'
import type { RealmCertificate } from '../../observed/certificate.ts'
import type { PublicationStatus, RemotePublicationStatus } from '../../observed/publication-status.ts'
import type { Reachability } from '../../observed/reachability.ts'
import type { RelayState } from '../../observed/relay-state.ts'
import type { RouteName } from '../../observed/route.ts'
import type { ObservedWebhooks } from '../../observed/webhooks.ts'
import type { Component, ObservedRealm } from '../../observed/workload.ts'
import { awaitsAddress, balancerProblem } from '../load-balancer.ts'
import type { ChosenRelay } from '../movement.ts'
import type { RealmPlan } from '../plan.ts'
import type { RealmUrls } from '../urls.ts'
import type { Failure } from './conditions.ts'

/** What the status of a realm is computed from. */
export interface RealmStatusInput {
  realm: Realm
  plan: RealmPlan
  /** What exists once the pass has made its changes. */
  observed: ObservedRealm
  /** Services that keep the pods they have for now although the spec says something else. */
  held?: readonly Component[]
  urls: RealmUrls
  /** URL of the realm's LiveKit as players reach it; absent without one. */
  livekitUrl?: string | undefined
  /** Of a world: those of the Realm whose gatekeeper it uses. */
  hostUrls?: RealmUrls | undefined
  /** At the realm provider of this cluster. */
  publication: PublicationStatus
  /** At realm providers of other clusters. */
  remotePublications?: readonly RemotePublicationStatus[]
  /** Of the servers the realm uses; absent where the operator does not check them. */
  reachability?: readonly Reachability[]
  /** Whether LiveKit sends webhooks; undefined where the operator does not ask. */
  webhooks?: ObservedWebhooks | undefined
  /** Whether the services run in pods, whose files end with them. */
  isInCluster?: boolean
  /** The certificate at its public address; undefined where it has none, or the operator does not check. */
  certificate?: RealmCertificate | undefined
  /** The Ingresses or the HTTPRoutes that the realm should have. */
  desiredRoutes?: readonly RouteName[]
  /** The movement relay of the realm; absent where it has none. */
  relay?: ChosenRelay | undefined
  /** Of that relay; absent where the operator does not check it. */
  relayState?: RelayState | undefined
  /** Players in all cells, when known. */
  players?: number | undefined
  failure: Failure | undefined
  /** Milliseconds since the epoch. */
  now: number
}

/** The input with the numbers that several conditions need. */
export interface RealmView extends RealmStatusInput {
  /** Endpoints of cells of the operator that serve players, or should. */
  endpoints: Endpoint[]
  /** How many of those serve players. */
  serving: number
  /** All endpoints that serve players, those of cells that users created among them. */
  open: Endpoint[]
  /** Services that should run and have no ready pod. */
  notReady: string[]
}

/** Adds those numbers. */
export function viewOf(input: RealmStatusInput): RealmView {
  const { realm, plan, observed } = input
  const own = new Set(plan.cells.map(({ metadata }) => metadata.name))
  const isOwn = ({ cell }: Endpoint) => isWorldRealm(realm) || own.has(cell)
  const endpoints = plan.endpoints.filter((endpoint) => isOwn(endpoint) && endpoint.state !== 'Draining')
  return {
    ...input,
    endpoints,
    serving: endpoints.filter(({ state }) => state === 'Serving').length,
    open: plan.endpoints.filter(({ state }) => state === 'Serving'),
    notReady: notReadyServices(plan, observed),
  }
}

function notReadyServices(plan: RealmPlan, { services }: ObservedRealm): string[] {
  const expected = new Set<string>([
    ...plan.services.filter(({ replicas }) => replicas > 0).map(({ component }) => component),
    ...services.filter(({ desired }) => desired > 0).map(({ component }) => component),
    // It starts once it has an address.
    ...(plan.media.state === 'Waiting' ? ['livekit'] : []),
  ])
  for (const { component, ready } of services) if (ready > 0) expected.delete(component)
  return [...expected].sort()
}

/** Why a realm has no URLs yet, and the remedy. A world that uses the gatekeeper of another Realm waits with that one. */
export function pendingAddress({
  realm,
  observed,
  isInCluster = true,
}: Pick<RealmStatusInput, 'realm' | 'observed' | 'isInCluster'>): string | undefined {
  const reachedAt = observed.host?.realm ?? realm
  return isInCluster && awaitsAddress(reachedAt) ? balancerProblem(reachedAt, { state: 'Waiting' }) : undefined
}

/** Whether a cell runs what its spec says now. */
export const isCellUpdated = ({ metadata, spec, status }: CommsCell): boolean =>
  status?.observedGeneration === metadata.generation &&
  (spec.desiredState === 'Drained' ? status?.state === 'Drained' : (status?.updatedReplicas ?? 0) >= spec.connectors.replicas)
