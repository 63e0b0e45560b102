import { type CellReasons, type CommsCell, conditionOf, type Realm, type RealmReasons } from '../../../crds/realm.ts'
import { isWorldRealm } from '../../../crds/world.ts'
import { OUT_OF_MEMORY, type Workload } from '../../observed/workload.ts'
import { takesPlayers } from '../endpoints.ts'
import { mediaProblem } from '../livekit-media.ts'
import { awaitsAddress } from '../load-balancer.ts'
import { isOwn } from '../scale/slots.ts'
import { hostsTakenMessage } from './address-taken.ts'
import { type ConditionDraft, passingProblemOf, problemOf } from './conditions.ts'
import { isCellUpdated, pendingAddress, type RealmView } from './realm-view.ts'
import { notServedMessage } from './world-conditions.ts'

type ProgressReason = Exclude<RealmReasons['Reconciling'], 'Settled' | 'Stalled'>

/** `underway`: the operator is changing something. `held`: it waits for a person, as the spec asks. `settled`: it has nothing to do. */
type Progress =
  | { state: 'underway' | 'held'; reason: ProgressReason; message: string }
  | { state: 'settled'; reason: 'Settled' | 'Stalled'; message: string }

/** The conditions `Progressing`, `Reconciling` and `Stalled` of a realm: never more than one of the last two is True. */
export function progressConditions(view: RealmView, published: ConditionDraft<RealmReasons>): ConditionDraft<RealmReasons>[] {
  const stalled = stalledCondition(view, published)
  const { state, reason, message }: Progress =
    stalled.status === 'True'
      ? { state: 'settled', reason: 'Stalled', message: 'the operator cannot go on; see the condition Stalled' }
      : progressOf(view, published.status === 'True')
  return [
    { type: 'Progressing', status: state === 'underway' ? 'True' : 'False', reason, message },
    { type: 'Reconciling', status: state === 'settled' ? 'False' : 'True', reason, message },
    stalled,
  ]
}

function progressOf(view: RealmView, isPublished: boolean): Progress {
  const { plan, observed, endpoints, notReady, failure, held: services = [] } = view
  const { rollout, desiredCells } = plan
  const underway = (reason: ProgressReason, message: string): Progress => ({ state: 'underway', reason, message })
  const held = (reason: ProgressReason, message: string): Progress => ({ state: 'held', reason, message })
  const converging = rollout.convergesFirst ? '; first the operator brings the cells of two earlier changes to one revision' : ''
  const waiting = services.length > 0 ? `, and these services are not yet: ${services.join(', ')}` : ''
  const updated = `${rollout.updated.length} of ${desiredCells} cells are updated${waiting}${converging}`
  if (failure) return underway('Retrying', failure.message)
  const pending = pendingAddress(view)
  if (pending) return underway('AddressPending', pending)
  const waitsFor = waitsForOf(view)
  if (rollout.isUnderway) return underway('RollingOut', `${updated}${waitsFor}`)
  if (plan.cells.some((cell) => !takesPlayers(cell))) return underway('CellsDraining', 'the operator is draining cells')
  if (isWorldRealm(view.realm) && plan.scale.cells > 0 && view.serving === 0)
    return underway('ServicesStarting', `${notServedMessage(view.realm)}${waitsFor}`)
  if (areCellsChanging(view) || endpoints.some(({ state }) => state === 'Starting'))
    return underway('CellsStarting', `cells are being created, changed or removed${waitsFor}`)
  if (
    plan.media.state === 'Waiting' ||
    notReady.length > 0 ||
    observed.services.some(({ desired, updated: done }) => done < desired)
  )
    return underway('ServicesStarting', `services are being created or changed${waitsFor}`)
  if (view.open.length > 0 && !isPublished)
    return underway('WaitingForPublication', 'the realm is not published yet; see the condition Published')
  if (rollout.hold === 'RolloutPaused' || (services.length > 0 && plan.servicesHold === 'RolloutPaused'))
    return held('RolloutPaused', `${updated}; set rollout.paused to false to go on`)
  if (rollout.hold === 'AwaitingPromotion')
    return held(rollout.hold, `${updated}; raise or remove rollout.canaryCells to update the others`)
  if (services.length > 0) return underway('ServicesStarting', updated)
  return { state: 'settled', reason: 'Settled', message: 'the realm is as its spec says' }
}

/** What keeps pods from starting, or LiveKit from its address, and may pass by itself. */
function waitsForOf({ realm, plan, observed, now }: RealmView): string {
  const ofServices = observed.services.flatMap((service) => {
    const problem = passingProblemOf(service, now)
    return problem ? [`${service.component}: ${problem.message}`] : []
  })
  const ofCells = observed.cells.flatMap((cell) => {
    const condition = conditionOf(cell, 'Reconciling')
    return condition?.reason === 'PodsWaiting' ? [`${cell.metadata.name}: ${condition.message}`] : []
  })
  const [first] = [...ofServices, ...ofCells]
  const ofMedia = mediaProblem(realm, plan.media)
  return `${first ? `; pods wait: ${first}` : ''}${ofMedia ? `; ${ofMedia}` : ''}`
}

/** Whether a cell of the operator is being created, removed or changed. */
function areCellsChanging({ realm, plan, observed }: RealmView): boolean {
  const names = new Set(plan.cells.map(({ metadata }) => metadata.name))
  const own = observed.cells.filter((cell) => isOwn(realm, cell))
  const isChanging = (cell: CommsCell) =>
    !names.has(cell.metadata.name) || !isCellUpdated(cell) || conditionOf(cell, 'Reconciling')?.status === 'True'
  return own.length !== names.size || own.some(isChanging)
}

function stalledCondition(view: RealmView, published: ConditionDraft<RealmReasons>): ConditionDraft<RealmReasons> {
  const { realm, plan, failure, observed, now } = view
  const stalled = (reason: RealmReasons['Stalled'], message: string) =>
    ({ type: 'Stalled', status: 'True', reason, message }) as const
  if (failure && failure.reason !== 'Retrying') return stalled(failure.reason, failure.message)
  if (plan.hostProblem) return stalled('HostNotUsable', plan.hostProblem)
  const ofServices = observed.services.flatMap((service) => {
    const problem = problemOf(service, now)
    const message = `${service.component}: ${problem?.message}`
    return problem ? [{ reason: problem.code, message: message + memoryAdvice(realm, service, problem.message) }] : []
  })
  const ofCells = observed.cells.flatMap((cell) => {
    const { status, reason, message } = conditionOf(cell, 'Stalled') ?? {}
    const isStalled = status === 'True' && canStallRealm(view, cell)
    return isStalled ? [{ reason: reason as CellReasons['Stalled'], message: `${cell.metadata.name}: ${message}` }] : []
  })
  /** All of them, so that a correction of the first one does not only bring up the next. */
  const allProblems = [...ofServices, ...ofCells].map(({ message }) => message).join('; ')
  if (ofServices[0]) return stalled(ofServices[0].reason, allProblems)
  const { halt } = plan.rollout
  if (halt) return stalled(halt.reason, halt.message)
  if (ofCells[0]) return stalled(ofCells[0].reason, allProblems)
  if (published.reason === 'NameTaken' || published.reason === 'ProviderNotConfigured' || published.reason === 'AddressTaken')
    return stalled(published.reason, published.message)
  const { gatekeeperHostsTaken = [] } = observed
  if (gatekeeperHostsTaken.length > 0) return stalled('AddressTaken', hostsTakenMessage(realm, gatekeeperHostsTaken))
  const { desiredCells, scale } = plan
  if (desiredCells < scale.cells && !isWorldRealm(realm) && !awaitsAddress(realm)) {
    const remedy = `raise cells.max above ${realm.spec.cells.max}, or remove cells that the operator did not create`
    return stalled('NoSlotFree', `${desiredCells} of ${scale.cells} cells have a slot: ${remedy}`)
  }
  return { type: 'Stalled', status: 'False', reason: 'NotStalled', message: 'nothing keeps the operator from going on' }
}

/** Without a limit of their own, its pods get that of a LimitRange of the namespace, which a new database exceeds. */
const memoryAdvice = ({ spec }: Realm, { component }: Workload, message: string): string =>
  component === 'gatekeeper' && spec.gatekeeper.database.type === 'Embedded' && message.endsWith(OUT_OF_MEMORY)
    ? '; a gatekeeper with an Embedded database needs 300 MiB: set spec.gatekeeper.resources.limits.memory'
    : ''

/**
 * Whether a stalled cell stalls its realm. Not a cell that a user created, nor one that a rollout is replacing, nor one whose condition is
 * about an earlier spec: a correction that is under way is not a failure.
 */
function canStallRealm({ realm, plan: { rollout } }: RealmView, cell: CommsCell): boolean {
  const isIn = (cells: readonly CommsCell[]) => cells.some(({ metadata }) => metadata.name === cell.metadata.name)
  if (!isOwn(realm, cell)) return false
  if (cell.status?.observedGeneration !== cell.metadata.generation) return false
  return !rollout.isUnderway || isIn(rollout.updated) || isIn(rollout.candidates)
}
