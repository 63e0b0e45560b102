import { type CommsCell, conditionOf, type Realm, type RealmReasons, type RealmStatus } from '../../crds/realm.ts'
import type { RealmObserved, Workload } from '../cluster/ports.ts'
import type { Reach } from '../dependencies/dependencies.ts'
import type { Lease } from '../publication/elsewhere.ts'
import type { Sighting } from '../publication/publication.ts'
import { type Claim, conditionsOf, type Failure } from './conditions.ts'
import { dependenciesClaim } from './dependencies.ts'
import { type Endpoint, endpointsOf } from './endpoints.ts'
import { COMPONENT_LABEL, REALM_LABEL, selectorText } from './naming.ts'
import type { RealmPlan } from './plan.ts'
import { publishedClaim } from './published.ts'
import type { RealmUrls } from './urls.ts'

/** What one pass knows about a realm. */
export interface RealmFacts {
  realm: Realm
  plan: RealmPlan
  observed: RealmObserved
  urls: RealmUrls
  /** What was seen at the realm provider. */
  sighting: Sighting
  /** How its name stands at realm providers elsewhere. */
  leases?: readonly Lease[]
  /** How what it depends on was found; nothing where nobody looks. */
  reached?: readonly Reach[]
  failure: Failure | undefined
  /** Milliseconds since the epoch. */
  now: number
}

/** The facts, and what follows from them at once. */
interface View extends RealmFacts {
  endpoints: Endpoint[]
  serving: number
  /** Parts that should work and do not. */
  idle: string[]
}

/** What there is to say about a realm: coarse on purpose, so that nothing is written while nothing happens. */
export function realmStatus(facts: RealmFacts): RealmStatus {
  const { realm, plan, observed, urls, failure, now } = facts
  const endpoints = endpointsOf(realm, plan.cells, observed.cells)
  const serving = endpoints.filter(({ state }) => state === 'Serving').length
  const view: View = { ...facts, endpoints, serving, idle: idleParts(plan, observed) }
  const published = publishedClaim(view)
  const stalled = stalledClaim(view, published)
  return {
    ...(realm.metadata.generation !== undefined && { observedGeneration: realm.metadata.generation }),
    replicas: failure ? observed.cells.length : plan.cells.length,
    readyReplicas: serving,
    updatedReplicas: observed.cells.filter((cell) => isCurrent(cell, plan)).length,
    selector: selectorText({ [REALM_LABEL]: realm.metadata.name, [COMPONENT_LABEL]: 'connector' }),
    urls: {
      about: urls.about,
      ...(realm.spec.gatekeeper.replicas > 0 && { gatekeeper: urls.gatekeeper }),
      stats: urls.stats,
    },
    endpoints,
    conditions: conditionsOf(
      realm,
      [
        readyClaim(view),
        published,
        acceptingClaim(view),
        ...(facts.reached ? [dependenciesClaim(realm, observed, facts.reached)] : []),
        progressingClaim(view, stalled.status === 'True', published.status === 'True'),
        stalled,
      ],
      now,
    ),
  }
}

function readyClaim({ realm, observed, endpoints, serving, idle, failure }: View): Claim<RealmReasons> {
  const no = (reason: RealmReasons['Ready'], message: string) => ({ type: 'Ready', status: 'False', reason, message }) as const
  const yes = (reason: RealmReasons['Ready'], message: string) => ({ type: 'Ready', status: 'True', reason, message }) as const
  if (failure && failure.reason !== 'Retrying') return no('ApplyFailed', failure.message)
  if (realm.spec.cells.replicas === 0)
    return observed.cells.length === 0
      ? yes('Hibernated', 'no cell runs, as asked')
      : no('CellsNotReady', 'the cells are stopping')
  if (failure && (serving < endpoints.length || idle.length > 0)) return no('ApplyFailed', failure.message)
  if (serving < endpoints.length) return no('CellsNotReady', `${serving} of ${endpoints.length} cells serve players`)
  if (idle.length > 0) return no('ServicesNotReady', `not ready: ${idle.join(', ')}`)
  return yes('AllServing', 'all cells and services work')
}

function acceptingClaim({ realm, serving }: View): Claim<RealmReasons> {
  const type = 'AcceptingPlayers'
  if (serving > 0) return { type, status: 'True', reason: 'CellsServing', message: 'players can come in' }
  return realm.spec.cells.replicas === 0
    ? { type, status: 'False', reason: 'Hibernated', message: 'no cell runs, as asked' }
    : { type, status: 'False', reason: 'NoCellServing', message: 'no cell serves players' }
}

function progressingClaim(
  { plan, observed, endpoints, serving, idle, failure }: View,
  stalled: boolean,
  published: boolean,
): Claim<RealmReasons> {
  const type = 'Progressing'
  const yes = (reason: RealmReasons['Progressing'], message: string) => ({ type, status: 'True', reason, message }) as const
  if (stalled) return { type, status: 'False', reason: 'Settled', message: 'stalled' }
  if (failure) return yes('Retrying', failure.message)
  const current = observed.cells.filter((cell) => isCurrent(cell, plan)).length
  if (
    observed.cells.length !== endpoints.length ||
    current < endpoints.length ||
    endpoints.some(({ state }) => state === 'Starting')
  )
    return yes('CellsStarting', 'cells are changing')
  if (idle.length > 0 || observed.services.some(({ wanted, updated }) => updated < wanted))
    return yes('ServicesStarting', 'services are changing')
  if (serving > 0 && !published) return yes('Publishing', 'waiting for the realm provider')
  return { type, status: 'False', reason: 'Settled', message: 'everything is as declared' }
}

function stalledClaim(
  { failure, observed }: View,
  published: Claim<RealmReasons>,
): Extract<Claim<RealmReasons>, { type: 'Stalled' }> {
  const type = 'Stalled'
  if (failure && failure.reason !== 'Retrying') return { type, status: 'True', reason: 'Refused', message: failure.message }
  for (const { component, problem } of observed.services)
    if (problem) return { type, status: 'True', reason: problem.code, message: `${component}: ${problem.message}` }
  for (const cell of observed.cells) {
    const stalled = conditionOf(cell, 'Stalled')
    if (stalled?.status !== 'True') continue
    const reason = stalled.reason === 'PodsFailing' || stalled.reason === 'SecretMissing' ? stalled.reason : 'Refused'
    return { type, status: 'True', reason, message: `${cell.metadata.name}: ${stalled.message}` }
  }
  if (published.reason === 'NameTaken' || published.reason === 'ProviderUnknown')
    return { type, status: 'True', reason: 'Refused', message: published.message }
  return { type, status: 'False', reason: 'Moving', message: 'nothing is in the way' }
}

function idleParts(plan: RealmPlan, { services }: RealmObserved): string[] {
  const wanted = new Set<string>([
    ...plan.services.filter(({ replicas }) => replicas > 0).map(({ component }) => component),
    ...services.filter((workload: Workload) => workload.wanted > 0).map(({ component }) => component),
  ])
  for (const { component, ready } of services) if (ready > 0) wanted.delete(component)
  return [...wanted].sort()
}

/** Whether a cell that should exist runs what its spec says now. */
const isCurrent = ({ metadata, spec, status }: CommsCell, plan: RealmPlan): boolean =>
  plan.cells.some((wanted) => wanted.metadata.name === metadata.name) &&
  status?.observedGeneration === metadata.generation &&
  (status?.updatedReplicas ?? 0) >= spec.connectors.replicas
