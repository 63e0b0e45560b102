import type { RealmReasons, RealmStatus } from '../../../crds/realm.ts'
import { isWorldRealm } from '../../../crds/world.ts'
import { livekitStatus } from '../livekit-media.ts'
import { balancerStatus } from '../load-balancer.ts'
import { movementStatus } from '../movement.ts'
import { servingSelector } from '../naming.ts'
import { isOwn, isScaled } from '../scale/slots.ts'
import { gatekeeperHostUrl } from '../urls.ts'
import { addressTakenMessage } from './address-taken.ts'
import { approximatePlayers } from './approximate-players.ts'
import { balancerCondition } from './balancer-condition.ts'
import { certificateCondition } from './certificate-condition.ts'
import { type ConditionDraft, conditionsOf } from './conditions.ts'
import { dataCondition } from './data-condition.ts'
import { dependenciesCondition } from './dependencies-condition.ts'
import { explorersCondition } from './explorers-condition.ts'
import { movementCondition } from './movement-condition.ts'
import { publishedCondition } from './published-condition.ts'
import { progressConditions } from './realm-progress.ts'
import { isCellUpdated, pendingAddress, type RealmStatusInput, type RealmView, viewOf } from './realm-view.ts'
import { routeCondition } from './route-condition.ts'
import { worldAcceptingCondition, worldReadyCondition } from './world-conditions.ts'

/** The status of a realm. It holds rough numbers on purpose: while nothing happens, nothing is written. */
export function realmStatus(input: RealmStatusInput): RealmStatus {
  const { realm, plan, observed, urls, players, failure, now, reachability, relay, relayState, isInCluster, certificate } = input
  const webhooks = { state: input.webhooks, url: `${urls.gatekeeper}/livekit-webhook` }
  // At a host that another realm has, players would find the LiveKit of that one.
  const livekit = plan.isExposed ? livekitStatus(realm, plan.media, input.livekitUrl) : undefined
  const view = viewOf(input)
  const ofWorld = isWorldRealm(realm)
  const published = publishedCondition({ ...input, serving: view.open.length, addressTakenBy: observed.addressTakenBy })
  const approximate = approximatePlayers(plan.endpoints.length === 0 ? 0 : players, realm.status?.players)
  // The plan was made from the cells as they were before the pass changed any.
  const cellNow = new Map(observed.cells.map((cell) => [cell.metadata.name, cell]))
  const about = (plan.isExposed && urls.aboutAtHost) || urls.about
  return {
    ...(realm.metadata.generation !== undefined && { observedGeneration: realm.metadata.generation }),
    replicas: failure ? Math.min(observed.cells.length, plan.desiredCells) : plan.desiredCells,
    readyReplicas: ofWorld ? 0 : view.serving,
    updatedReplicas: plan.rollout.updated.filter((cell) => isCellUpdated(cellNow.get(cell.metadata.name) ?? cell)).length,
    selector: selectorOf(view),
    ...(approximate && { players: approximate }),
    ...(plan.scale.status && { autoscale: plan.scale.status }),
    urls: {
      about,
      // Not the URLs below a public address that another realm has: they lead to that realm.
      ...(plan.isExposed && {
        ...(realm.spec.gatekeeper.replicas > 0 && { gatekeeper: gatekeeperUrl(input) }),
        ...(!ofWorld && { stats: urls.stats }),
      }),
      ...(plan.gatekeeperHosts.length > 0 && {
        gatekeeperHosts: plan.gatekeeperHosts.map((host) => gatekeeperHostUrl(realm, host)),
      }),
    },
    ...balancerStatus(plan.balancer),
    ...(livekit && { livekit }),
    ...(relay && { movement: movementStatus(relay.address, about) }),
    // The API server records nothing of an empty list, so that it would be written again in every pass.
    ...(plan.endpoints.length > 0 && { endpoints: [...plan.endpoints] }),
    conditions: conditionsOf(
      realm,
      [
        ofWorld ? worldReadyCondition(view) : readyCondition(view),
        published,
        ofWorld ? worldAcceptingCondition(view) : acceptingPlayersCondition(view),
        ...(reachability ? [dependenciesCondition(realm, observed, { reachability, webhooks, media: plan.media })] : []),
        movementCondition(realm, relay, relayState),
        ...(certificate && plan.isExposed ? [certificateCondition(realm, certificate)] : []),
        ...routeConditions(input),
        ...(isInCluster ? [dataCondition(realm)] : []),
        explorersCondition(realm, input.hostUrls ?? urls, { host: observed.host?.realm, isInCluster: isInCluster !== false }),
        ...progressConditions(view, published),
      ],
      now,
    ),
  }
}

function routeConditions({
  realm,
  plan,
  observed: { routes },
  desiredRoutes = [],
  now,
}: RealmStatusInput): ConditionDraft<RealmReasons>[] {
  if (plan.balancer.state !== 'None') return [balancerCondition(realm, plan.balancer)]
  const condition = routes && routeCondition(realm, desiredRoutes, routes, now)
  return condition ? [condition] : []
}

/** Of a world, that of the gatekeeper that serves it. */
const gatekeeperUrl = ({ urls, hostUrls }: RealmStatusInput): string => (hostUrls ?? urls).gatekeeper

/** An autoscaler gives up where it finds a pod that another one counts too: connectors that another client scales are left to that one. */
function selectorOf({ realm, observed, open }: RealmView): string {
  const scaled = new Set(observed.cells.filter((cell) => isScaled(observed, cell)).map(({ metadata }) => metadata.name))
  return servingSelector(
    realm.metadata.name,
    open.map(({ cell }) => cell).filter((cell) => !scaled.has(cell)),
  )
}

function readyCondition(view: RealmView): ConditionDraft<RealmReasons> {
  const { realm, plan, observed, serving, notReady, failure } = view
  const no = (reason: RealmReasons['Ready'], message: string) => ({ type: 'Ready', status: 'False', reason, message }) as const
  const yes = (reason: RealmReasons['Ready'], message: string) => ({ type: 'Ready', status: 'True', reason, message }) as const
  const { desiredCells } = plan
  if (failure && failure.reason !== 'Retrying') return no('ApplyFailed', failure.message)
  if (plan.scale.cells === 0)
    return observed.cells.some((cell) => isOwn(realm, cell))
      ? no('CellsNotReady', 'cells.replicas is 0, and the operator is draining the cells')
      : yes('Hibernated', HIBERNATED)
  if (observed.addressTakenBy) return no('AddressTaken', addressTakenMessage(realm, observed.addressTakenBy))
  const pending = pendingAddress(view)
  if (pending) return no('AddressPending', pending)
  if (failure && (serving < desiredCells || notReady.length > 0)) return no('ApplyFailed', failure.message)
  if (serving < desiredCells) return no('CellsNotReady', `${serving} of ${desiredCells} cells serve players`)
  if (notReady.length > 0) return no('ServicesNotReady', `services without a ready pod: ${notReady.join(', ')}`)
  return yes('AllServing', 'all cells serve players, and all services are ready')
}

const HIBERNATED = 'the realm is hibernated: cells.replicas is 0, and no cell runs'

function acceptingPlayersCondition({ plan, open }: RealmView): ConditionDraft<RealmReasons> {
  const type = 'AcceptingPlayers'
  if (open.length > 0) return { type, status: 'True', reason: 'CellsServing', message: 'players can connect' }
  return plan.scale.cells === 0
    ? { type, status: 'False', reason: 'Hibernated', message: HIBERNATED }
    : { type, status: 'False', reason: 'NoCellServing', message: 'no cell serves players; see the condition Ready' }
}
