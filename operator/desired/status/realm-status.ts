import type { Endpoint } from '../../../crds/realm.ts'
import {
  type CellReasons,
  type CommsCell,
  conditionOf,
  type Realm,
  type RealmReasons,
  type RealmStatus,
} from '../../../crds/realm.ts'
import type { Lease, Sighting } from '../../observed/publication.ts'
import type { Reach } from '../../observed/reachability.ts'
import type { RealmObserved, Workload } from '../../observed/workload.ts'
import { takesPlayers } from '../endpoints.ts'
import { servingSelector } from '../naming.ts'
import type { RealmPlan } from '../plan.ts'
import { isOwn, isScaled } from '../scale/slots.ts'
import type { RealmUrls } from '../urls.ts'
import { type Claim, conditionsOf, type Failure, problemOf } from './conditions.ts'
import { dependenciesClaim } from './dependencies.ts'
import { crowdOf } from './players.ts'
import { publishedClaim } from './published.ts'

/** What one pass knows about a realm. */
export interface RealmFacts {
  realm: Realm
  plan: RealmPlan
  /** What exists once the pass has made its changes. */
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
  // The plan was made from what there was before the pass changed anything.
  const seen = new Map(observed.cells.map((cell) => [cell.metadata.name, cell]))
  const view: View = { ...facts, endpoints, serving, open: open.length, idle: idleParts(plan, observed) }
  const published = publishedClaim({ ...view, serving: open.length })
  const stalled = stalledClaim(view, published)
  return {
    ...(realm.metadata.generation !== undefined && { observedGeneration: realm.metadata.generation }),
    replicas: failure ? Math.min(observed.cells.length, plan.wanted) : plan.wanted,
    readyReplicas: serving,
    updatedReplicas: plan.rollout.updated.filter((cell) => isCurrent(seen.get(cell.metadata.name) ?? cell)).length,
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
        ...progressClaims(progressOf(view, stalled.status === 'True', published.status === 'True')),
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
      ? no('CellsNotReady', 'cells.replicas is 0, and the operator is draining the cells')
      : yes('Hibernated', HIBERNATED)
  if (failure && (serving < plan.wanted || idle.length > 0)) return no('ApplyFailed', failure.message)
  if (serving < plan.wanted) return no('CellsNotReady', `${serving} of ${plan.wanted} cells serve players`)
  if (idle.length > 0) return no('ServicesNotReady', `services without a ready pod: ${idle.join(', ')}`)
  return yes('AllServing', 'all cells serve players, and all services are ready')
}

const HIBERNATED = 'the realm is hibernated: cells.replicas is 0, and no cell runs'

function acceptingClaim({ plan, open }: View): Claim<RealmReasons> {
  const type = 'AcceptingPlayers'
  if (open > 0) return { type, status: 'True', reason: 'CellsServing', message: 'players can connect' }
  return plan.scale.cells === 0
    ? { type, status: 'False', reason: 'Hibernated', message: HIBERNATED }
    : { type, status: 'False', reason: 'NoCellServing', message: 'no cell serves players; see the condition Ready' }
}

/** `underway`: the operator is changing something. `held`: it waits for a person, as the spec asks. */
type Progress =
  | { state: 'underway' | 'held'; reason: Exclude<RealmReasons['Reconciling'], 'Settled' | 'Stalled'>; message: string }
  | { state: 'settled'; reason: 'Settled' | 'Stalled'; message: string }

const progressClaims = ({ state, reason, message }: Progress): Claim<RealmReasons>[] => [
  { type: 'Progressing', status: state === 'underway' ? 'True' : 'False', reason, message },
  { type: 'Reconciling', status: state === 'settled' ? 'False' : 'True', reason, message },
]

function progressOf(view: View, isStalled: boolean, isPublished: boolean): Progress {
  const { plan, observed, endpoints, idle, failure } = view
  const { rollout, wanted } = plan
  const underway = (reason: Extract<Progress, { state: 'underway' | 'held' }>['reason'], message: string): Progress =>
    ({ state: 'underway', reason, message }) as const
  const first = rollout.isDetour ? '; first the operator brings the cells of two earlier changes to one revision' : ''
  const updated = `${rollout.updated.length} of ${wanted} cells are updated${first}`
  if (isStalled) return { state: 'settled', reason: 'Stalled', message: 'the operator cannot go on; see the condition Stalled' }
  if (failure) return underway('Retrying', failure.message)
  if (rollout.isBusy) return underway('RollingOut', updated)
  if (plan.cells.some((cell) => !takesPlayers(cell))) return underway('CellsDraining', 'the operator is draining cells')
  if (isChanging(view) || endpoints.some(({ state }) => state === 'Starting'))
    return underway('CellsStarting', 'cells are being created, changed or removed')
  if (idle.length > 0 || observed.services.some(({ wanted, updated }) => updated < wanted))
    return underway('ServicesStarting', 'services are being created or changed')
  if (view.open > 0 && !isPublished)
    return underway('WaitingForPublication', 'the realm is not published yet; see the condition Published')
  if (rollout.waits === 'Paused')
    return { state: 'held', reason: 'RolloutPaused', message: `${updated}; set rollout.paused to false to update the others` }
  if (rollout.waits === 'CanaryServing')
    return {
      state: 'held',
      reason: 'AwaitingPromotion',
      message: `${updated}; raise or remove rollout.canaryCells to update the others`,
    }
  return { state: 'settled', reason: 'Settled', message: 'the realm is as its spec says' }
}

/** Whether a cell is being created, removed or changed. */
function isChanging({ realm, plan, observed }: View): boolean {
  const names = new Set(plan.cells.map(({ metadata }) => metadata.name))
  const own = observed.cells.filter((cell) => isOwn(realm, cell))
  return (
    own.length !== names.size ||
    own.some((cell) => !names.has(cell.metadata.name) || !isCurrent(cell) || conditionOf(cell, 'Reconciling')?.status === 'True')
  )
}

function stalledClaim(view: View, published: Claim<RealmReasons>): Extract<Claim<RealmReasons>, { type: 'Stalled' }> {
  const { realm, plan, failure, observed } = view
  const stalled = (reason: RealmReasons['Stalled'], message: string) =>
    ({ type: 'Stalled', status: 'True', reason, message }) as const
  if (failure && failure.reason !== 'Retrying') return stalled(failure.reason, failure.message)
  for (const service of observed.services) {
    const problem = problemOf(service)
    if (problem) return stalled(problem.code, `${service.component}: ${problem.message}`)
  }
  const { halt } = plan.rollout
  if (halt) return stalled(halt.reason, halt.message)
  for (const cell of observed.cells) {
    if (!canStall(view, cell)) continue
    const of = conditionOf(cell, 'Stalled')
    if (of?.status === 'True') return stalled(of.reason as CellReasons['Stalled'], `${cell.metadata.name}: ${of.message}`)
  }
  if (published.reason === 'NameTaken' || published.reason === 'ProviderNotConfigured')
    return stalled(published.reason, published.message)
  const asked = plan.scale.cells
  if (plan.wanted < asked) {
    const { max } = realm.spec.cells
    const message = `${plan.wanted} of ${asked} cells have a slot: raise cells.max above ${max}, or remove cells that the operator did not create`
    return stalled('NoSlotFree', message)
  }
  return { type: 'Stalled', status: 'False', reason: 'NotStalled', message: 'nothing keeps the operator from going on' }
}

/**
 * Whether a cell that is stalled stalls its realm: not while it is new and has its deadline ahead, nor when people wrote it themselves, nor
 * while a rollout replaces it, nor when what it reports is about the spec before: a correction under way is not a failure.
 */
function canStall({ realm, plan: { rollout } }: View, cell: CommsCell): boolean {
  const isIn = (cells: readonly CommsCell[]) => cells.some(({ metadata }) => metadata.name === cell.metadata.name)
  if (!isOwn(realm, cell) || isIn(rollout.pending)) return false
  if (cell.status?.observedGeneration !== cell.metadata.generation) return false
  return !rollout.isBusy || isIn(rollout.updated)
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
