import type { Endpoint } from '../../../crds/realm.ts'
import { type CommsCell, conditionOf, type Realm, type RealmReasons, type RealmStatus } from '../../../crds/realm.ts'
import type { Lease, Sighting } from '../../observed/publication.ts'
import type { Reach } from '../../observed/reachability.ts'
import type { RealmObserved, Workload } from '../../observed/workload.ts'
import { takesPlayers } from '../endpoints.ts'
import { servingSelector } from '../naming.ts'
import type { RealmPlan } from '../plan.ts'
import { isOwn, isScaled } from '../scale/slots.ts'
import type { RealmUrls } from '../urls.ts'
import { type Claim, conditionsOf, type Failure } from './conditions.ts'
import { dependenciesClaim } from './dependencies.ts'
import { crowdOf } from './players.ts'
import { publishedClaim } from './published.ts'

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
  /** Players in all cells, when known. */
  players?: number | undefined
  failure: Failure | undefined
  /** Milliseconds since the epoch. */
  now: number
}

/** The facts, and what follows from them at once. */
interface View extends RealmFacts {
  /** Those of our own cells that take players, or should. */
  endpoints: Endpoint[]
  serving: number
  /** All who take players, cells people wrote among them. */
  open: number
  /** Parts that should work and do not. */
  idle: string[]
}

/** What there is to say about a realm: coarse on purpose, so that nothing is written while nothing happens. */
export function realmStatus(facts: RealmFacts): RealmStatus {
  const { realm, plan, observed, urls, players, failure, now } = facts
  const inState = (state: Endpoint['state']) => plan.endpoints.filter((endpoint) => endpoint.state === state)
  const own = new Set(plan.cells.map(({ metadata }) => metadata.name))
  const endpoints = plan.endpoints.filter(({ cell, state }) => own.has(cell) && state !== 'Draining')
  const open = inState('Serving')
  const scaled = new Set(observed.cells.filter((cell) => isScaled(observed, cell)).map(({ metadata }) => metadata.name))
  const serving = endpoints.filter(({ state }) => state === 'Serving').length
  const crowd = crowdOf(plan.endpoints.length === 0 ? 0 : players, realm.status?.players)
  const view: View = { ...facts, endpoints, serving, open: open.length, idle: idleParts(plan, observed) }
  const published = publishedClaim({ ...view, serving: open.length })
  const stalled = stalledClaim(view, published)
  return {
    ...(realm.metadata.generation !== undefined && { observedGeneration: realm.metadata.generation }),
    replicas: failure ? Math.min(observed.cells.length, plan.wanted) : plan.wanted,
    readyReplicas: serving,
    updatedReplicas: plan.rollout.updated.filter(isCurrent).length,
    // An autoscaler gives up where it finds a pod that another one counts as well; connectors somebody scaled are that one's.
    selector: servingSelector(
      realm.metadata.name,
      open.map(({ cell }) => cell).filter((cell) => !scaled.has(cell)),
    ),
    ...(crowd && { players: crowd }),
    ...(plan.scale.chosen && { autoscale: plan.scale.chosen }),
    urls: {
      about: urls.about,
      ...(realm.spec.gatekeeper.replicas > 0 && { gatekeeper: urls.gatekeeper }),
      stats: urls.stats,
    },
    endpoints: [...plan.endpoints],
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

function readyClaim({ realm, plan, observed, serving, idle, failure }: View): Claim<RealmReasons> {
  const no = (reason: RealmReasons['Ready'], message: string) => ({ type: 'Ready', status: 'False', reason, message }) as const
  const yes = (reason: RealmReasons['Ready'], message: string) => ({ type: 'Ready', status: 'True', reason, message }) as const
  if (failure && failure.reason !== 'Retrying') return no('ApplyFailed', failure.message)
  if (plan.scale.cells === 0)
    return observed.cells.some((cell) => isOwn(realm, cell))
      ? no('CellsNotReady', 'the cells are stopping')
      : yes('Hibernated', 'no cell runs, as asked')
  if (failure && (serving < plan.wanted || idle.length > 0)) return no('ApplyFailed', failure.message)
  if (serving < plan.wanted) return no('CellsNotReady', `${serving} of ${plan.wanted} cells serve players`)
  if (idle.length > 0) return no('ServicesNotReady', `not ready: ${idle.join(', ')}`)
  return yes('AllServing', 'all cells and services work')
}

function acceptingClaim({ plan, open }: View): Claim<RealmReasons> {
  const type = 'AcceptingPlayers'
  if (open > 0) return { type, status: 'True', reason: 'CellsServing', message: 'players can come in' }
  return plan.scale.cells === 0
    ? { type, status: 'False', reason: 'Hibernated', message: 'no cell runs, as asked' }
    : { type, status: 'False', reason: 'NoCellServing', message: 'no cell serves players' }
}

function progressingClaim(view: View, stalled: boolean, published: boolean): Claim<RealmReasons> {
  const { plan, observed, endpoints, idle, failure } = view
  const { rollout, wanted } = plan
  const type = 'Progressing'
  const yes = (reason: RealmReasons['Progressing'], message: string) => ({ type, status: 'True', reason, message }) as const
  const no = (reason: RealmReasons['Progressing'], message: string) => ({ type, status: 'False', reason, message }) as const
  const first = rollout.isDetour ? '; those of two earlier changes become alike first' : ''
  const updated = `${rollout.updated.length} of ${wanted} cells are as declared${first}`
  if (stalled) return no('Settled', 'stalled')
  if (failure) return yes('Retrying', failure.message)
  if (rollout.isBusy) return yes('RollingOut', updated)
  if (plan.cells.some((cell) => !takesPlayers(cell))) return yes('CellsDraining', 'cells send their players elsewhere')
  if (isChanging(view) || endpoints.some(({ state }) => state === 'Starting')) return yes('CellsStarting', 'cells are changing')
  if (idle.length > 0 || observed.services.some(({ wanted, updated }) => updated < wanted))
    return yes('ServicesStarting', 'services are changing')
  if (view.open > 0 && !published) return yes('Publishing', 'waiting for the realm provider')
  if (rollout.waits === 'Paused') return no('Paused', `${updated}; rollout.paused holds the rest`)
  if (rollout.waits === 'CanaryServing') return no('CanaryServing', `${updated}; rollout.canaryCells holds the rest`)
  return no('Settled', 'everything is as declared')
}

/** Whether a cell is to come or to go, or is not yet what its spec says now. */
function isChanging({ realm, plan, observed }: View): boolean {
  const names = new Set(plan.cells.map(({ metadata }) => metadata.name))
  const own = observed.cells.filter((cell) => isOwn(realm, cell))
  return own.length !== names.size || own.some((cell) => !names.has(cell.metadata.name) || !isCurrent(cell))
}

function stalledClaim(
  { realm, plan, failure, observed }: View,
  published: Claim<RealmReasons>,
): Extract<Claim<RealmReasons>, { type: 'Stalled' }> {
  const type = 'Stalled'
  if (failure && failure.reason !== 'Retrying') return { type, status: 'True', reason: 'Refused', message: failure.message }
  for (const { component, problem } of observed.services)
    if (problem) return { type, status: 'True', reason: problem.code, message: `${component}: ${problem.message}` }
  const { halt } = plan.rollout
  if (halt) return { type, status: 'True', ...halt }
  for (const cell of observed.cells) {
    // A newcomer has until its deadline; what people wrote themselves is theirs to look after.
    if (!isOwn(realm, cell) || plan.rollout.pending.includes(cell)) continue
    const stalled = conditionOf(cell, 'Stalled')
    if (stalled?.status !== 'True') continue
    const reason = stalled.reason === 'PodsFailing' || stalled.reason === 'SecretMissing' ? stalled.reason : 'Refused'
    return { type, status: 'True', reason, message: `${cell.metadata.name}: ${stalled.message}` }
  }
  if (published.reason === 'NameTaken' || published.reason === 'ProviderUnknown')
    return { type, status: 'True', reason: 'Refused', message: published.message }
  const asked = plan.scale.cells
  if (plan.wanted < asked) {
    const { max } = realm.spec.cells
    const message = `${plan.wanted} of ${asked} cells have a slot: raise cells.max above ${max}, or remove cells written by hand`
    return { type, status: 'True', reason: 'NoSlotFree', message }
  }
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

/** Whether a cell runs what its spec says now. */
const isCurrent = ({ metadata, spec, status }: CommsCell): boolean =>
  status?.observedGeneration === metadata.generation &&
  (spec.desiredState === 'Drained' ? status?.state === 'Drained' : (status?.updatedReplicas ?? 0) >= spec.connectors.replicas)
