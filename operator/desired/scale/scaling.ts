import { type CommsCell, conditionOf, type Realm } from '../../../crds/realm.ts'
import type { Observations } from '../../observed/observations.ts'
import { ageMs, keptStamp, stampOf } from '../../observed/stamp.ts'
import type { ObservedRealm } from '../../observed/workload.ts'
import { isServing, takesPlayers } from '../endpoints.ts'
import {
  type AutoscaleSpec,
  type AutoscaleStatus,
  type CellLoad,
  type DesiredNumbers,
  desiredNumbers,
  type ScaleDecision,
} from './autoscale.ts'
import { isScaled, type RealmCells } from './slots.ts'

/** How many cells and connectors a realm should have. */
export interface Scale {
  /** Cells asked for; 0 = the realm is hibernated. */
  cells: number
  /** Connectors of the cell of a slot; undefined = as the template says. */
  connectorsOf(slot: number): number | undefined
  /** `status.autoscale` of the realm; undefined while the operator does not choose the numbers. */
  status: AutoscaleStatus | undefined
  /** Numbers that this pass changes. */
  decisions: readonly ScaleDecision[]
  /** When to run the next pass even if nothing changes, in milliseconds. */
  recheckMs: number | undefined
}

/** The period of decisions: as often as players are counted. */
const PERIOD_MS = 10_000
/** Time for the pod of a removed connector to end, beyond draining its players. */
const POD_END_MS = 5_000

/** The numbers of a realm: those of its spec, or those that autoscaling chooses, starting from its last decision. */
export function desiredScale(realm: Realm, existing: RealmCells, observed: ObservedRealm, observations: Observations): Scale {
  const { autoscale, cells } = realm.spec
  if (!autoscale)
    return { cells: cells.replicas, connectorsOf: () => undefined, status: undefined, decisions: [], recheckMs: undefined }
  const before = realm.status?.autoscale
  const loads = [...existing.own].map(([slot, ofSlot]) => cellLoadOf(slot, ofSlot, observed, observations))
  const initial = Math.min(Math.max(cells.template.connectors.replicas, autoscale.connectors.min), autoscale.connectors.max)
  if (cells.replicas === 0) {
    const connectorsOf = (slot: number) => loads.find((cell) => cell.slot === slot)?.connectors ?? initial
    const none: DesiredNumbers = { cells: 0, connectors: new Map(), decisions: [], limit: undefined }
    const status = autoscaleStatus(before, none, observations.now, true)
    return { cells: 0, connectorsOf, status, decisions: [], recheckMs: undefined }
  }
  const desiredCells = autoscale.cells ? lastDesiredCells(autoscale.cells, before, existing) : cells.replicas
  const numbers = desiredNumbers(autoscale, {
    cells: loads,
    desiredCells,
    capacity: cells.capacity,
    isChanging: isChanging(realm, existing, desiredCells),
    peak: observations.peak,
    arePlayersUnknown: observations.arePlayersUnknown ?? false,
    isSettled: isSettled(realm, before, observations.now),
    wasAtMaximum: before?.reason === 'AtMaximum',
  })
  return {
    cells: numbers.cells,
    connectorsOf: (slot) => numbers.connectors.get(slot) ?? initial,
    status: autoscaleStatus(before, numbers, observations.now, false),
    decisions: before ? numbers.decisions : [],
    recheckMs: PERIOD_MS,
  }
}

/** The number of cells by the last decision; without one, as many as take players. */
function lastDesiredCells(
  { min }: NonNullable<AutoscaleSpec['cells']>,
  before: AutoscaleStatus | undefined,
  { own }: RealmCells,
): number {
  if (before && before.cells > 0) return before.cells
  return [...own.values()].filter((ofSlot) => ofSlot.some(takesPlayers)).length || min
}

function cellLoadOf(slot: number, ofSlot: readonly CommsCell[], observed: ObservedRealm, { players }: Observations): CellLoad {
  const cell = (ofSlot.find(isServing) ?? ofSlot.find(takesPlayers) ?? ofSlot[0]) as CommsCell
  const { metadata, spec, status } = cell
  const { replicas } = spec.connectors
  return {
    slot,
    name: metadata.name,
    connectors: replicas,
    serves: isServing(cell),
    isUp: status?.observedGeneration === metadata.generation && (status?.readyReplicas ?? 0) >= replicas,
    isScaledByOthers: isScaled(observed, cell),
    players: players?.get(slot),
  }
}

/** Whether cells are being replaced or drained. A rollout that stalled does not keep the realm from scaling: players come all the same. */
function isChanging(realm: Realm, { own }: RealmCells, desiredCells: number): boolean {
  if (conditionOf(realm, 'Stalled')?.status === 'True') return false
  const isReplacing = conditionOf(realm, 'Progressing')?.reason === 'RollingOut'
  return isReplacing || own.size > desiredCells || [...own.values()].some(({ length }) => length > 1)
}

/** Whether everything that the last decision removed has ended by now. */
function isSettled({ spec }: Realm, before: AutoscaleStatus | undefined, now: number): boolean {
  if (!before) return false
  return ageMs(Date.parse(before.changedAt), now) >= spec.cells.template.connectors.drainSeconds * 1000 + POD_END_MS
}

/** The numbers in a message are those of the moment of the decision, so that the status is not written each time a player moves. */
function autoscaleStatus(
  before: AutoscaleStatus | undefined,
  numbers: DesiredNumbers,
  now: number,
  isHibernated: boolean,
): AutoscaleStatus {
  const connectors = [...numbers.connectors.values()].reduce((sum, count) => sum + count, 0)
  const isNew = before === undefined || numbers.decisions.length > 0
  const changedAt = isNew ? stampOf(now) : keptStamp(before.changedAt, now)
  const { reason, message } = isHibernated ? HIBERNATED : whyOf(before, numbers)
  return { cells: numbers.cells, connectors, changedAt, reason, message }
}

type Why = Pick<AutoscaleStatus, 'reason' | 'message'>

function whyOf(before: AutoscaleStatus | undefined, { decisions, limit }: DesiredNumbers): Why {
  const [first] = decisions
  if (first) {
    const message = decisions.map((decision) => decision.message).join('; ')
    return { reason: first.reason, message: message.slice(0, MAX_MESSAGE_LENGTH) }
  }
  if (limit === 'AtMaximum' || limit === 'PlayersUnknown') return { reason: limit, message: LIMITS[limit] }
  if (!before || before.reason === 'Hibernated')
    return { reason: 'Started', message: 'the operator chooses the numbers by the players from now on' }
  const wasLimited = before.reason === 'AtMaximum' || before.reason === 'PlayersUnknown'
  return wasLimited && limit === undefined ? { reason: 'Settled', message: 'the numbers fit the players' } : before
}

const MAX_MESSAGE_LENGTH = 1024
const HIBERNATED: Why = { reason: 'Hibernated', message: 'cells.replicas is 0, and no cell runs' }
const LIMITS = {
  AtMaximum: 'there are more players than the maximum that autoscale allows is meant for',
  PlayersUnknown: 'the operator cannot count the players: the numbers stay as they are',
} as const
