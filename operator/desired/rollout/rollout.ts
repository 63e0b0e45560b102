import { type CommsCell, conditionOf, type Realm } from '../../../crds/realm.ts'
import type { Observations } from '../../observed/observations.ts'
import { ageMs, isFromFuture } from '../../observed/stamp.ts'
import { isServing } from '../endpoints.ts'
import { type JoinRateVerdict, judgeJoinRate } from './join-rate.ts'

/** The cells of one slot, and what becomes of each. */
export interface SlotRollout {
  slot: number
  /** The cell that has the slot; undefined until its first cell is created. */
  active: CommsCell | undefined
  /** The cell that is to get the slot next, once it serves and was joined. */
  candidate: CommsCell | undefined
  /** Cells that are to be drained and removed. */
  draining: readonly CommsCell[]
  /** Whether a cell of the desired revision is to be created. */
  createsCell: boolean
}

/** How far a change has come. */
export interface Rollout {
  /** Active cells of the declared revision. */
  updated: readonly CommsCell[]
  /** Active cells of other revisions. */
  stale: readonly CommsCell[]
  /** Whether the cells of two earlier changes get one revision before this change begins. */
  convergesFirst: boolean
  /** Whether a slot is changing from one cell to another, or it will be known soon whether the next one may. */
  isUnderway: boolean
  /** New cells that are to get a slot next. */
  candidates: readonly CommsCell[]
  /** Those of them which the operator is to join as a player. */
  cellsToJoin: readonly CommsCell[]
  /** Active cells, new and old ones, whose join counts are to be observed; none when no cell is left to replace. */
  cellsToWatch: readonly CommsCell[]
  /** What stops the rollout until a person changes something. */
  halt:
    | { reason: 'JoinFailed' | 'ProgressDeadlineExceeded' | 'NewCellsUnhealthy' | 'JoinRateTooLow'; message: string }
    | undefined
  /** Why the spec lets no further cell be replaced, although nothing is wrong. */
  hold: 'RolloutPaused' | 'AwaitingPromotion' | undefined
  /** A cell whose revision added cells get, because none of the desired revision is proven yet; undefined = the desired one. */
  addsLike: CommsCell | undefined
  /** When a deadline passes, in milliseconds from now. */
  recheckMs: number | undefined
}

/** What else decides how a rollout goes on. */
interface RolloutState {
  /** Whether the revision that cells get for now is not the declared one yet. */
  convergesFirst: boolean
  /** Whether all pods of the services run what was applied. They follow the first cell, and the others wait for them. */
  areServicesUp: boolean
}

/** The period in which join counts are judged again while too few players have finished joining. */
const JOIN_RATE_PERIOD_MS = 5_000

/**
 * Replaces cells slot by slot. A slot has at most two cells, only one slot has two at a time, and the active cell is drained only after the
 * candidate serves and was joined as a player would. When the spec changes half-way the candidate is dropped, never the active cell.
 *
 * @param slots the cells that exist, by each slot in use
 * @param isDesired whether a cell has the revision cells get for now
 */
export function planRollout(
  realm: Realm,
  slots: ReadonlyMap<number, readonly CommsCell[]>,
  isDesired: (cell: CommsCell) => boolean,
  observations: Observations,
  { convergesFirst, areServicesUp }: RolloutState,
): { slotRollouts: SlotRollout[]; rollout: Rollout } {
  const { paused } = realm.spec.rollout
  const slotRollouts = [...slots].map(([slot, cells]) => slotRolloutOf(realm, slot, cells, isDesired, observations))
  const updated = slotRollouts.filter(({ active }) => active && isDesired(active))
  const stale = slotRollouts.filter(({ active }) => active && !isDesired(active))
  const outdated = stale.filter(({ candidate }) => !candidate)
  const isCanary = !convergesFirst && !isReturn(activeOf(updated), activeOf(stale))
  const hold = holdOf(realm, { updated: updated.length, outdated: outdated.length, stale: stale.length }, isCanary)
  const joinCountsOf = outdated.length > 0 ? observations.joinCountsOf : undefined
  const joinRate = judgeJoinRate(realm, activeOf(updated), activeOf(outdated), joinCountsOf)
  const unhealthy = activeOf(updated).filter((cell) => wasServing(realm, cell) && !isServing(cell))
  const isBetweenSlots = slotRollouts.every(({ candidate, draining }) => !candidate && draining.length === 0)
  const isHealthy = unhealthy.length === 0 && joinRate.state === 'ok' && activeOf(updated).every(isServing)
  const mayGoOn = areServicesUp || updated.length === 0 || isReturn(activeOf(updated), activeOf(stale))
  if (isBetweenSlots && !hold && isHealthy && mayGoOn) {
    // First a slot whose cell does not serve: no player can lose a connection there.
    const next = outdated.find(({ active }) => active && !isServing(active)) ?? outdated[0]
    if (next) next.createsCell = true
  }
  const awaitsJoinRate = !hold && joinRate.state === 'undecided'
  const candidates = slotRollouts.flatMap(({ active, candidate }) => (candidate ? [{ active, candidate }] : []))
  const progress = paused ? [] : candidates.map(({ candidate }) => candidateProgress(realm, candidate, observations))
  const halt =
    progress.find(({ halt }) => halt)?.halt ??
    (outdated.length > 0 ? unhealthyHalt(unhealthy) : undefined) ??
    joinRateHalt(joinRate)
  const isProven = convergesFirst || (!hold && !halt && activeOf(updated).some(isServing))
  return {
    slotRollouts,
    rollout: {
      updated: convergesFirst ? [] : activeOf(updated),
      stale: activeOf(stale),
      convergesFirst: convergesFirst && outdated.length > 0,
      isUnderway:
        awaitsJoinRate ||
        slotRollouts.some(({ active, candidate, draining, createsCell }) =>
          paused ? draining.length > 0 : candidate || draining.length > 0 || (createsCell && active),
        ),
      candidates: candidates.map(({ candidate }) => candidate),
      cellsToJoin: candidates.flatMap(({ active, candidate }) =>
        needsSyntheticJoin(realm, active) && isServing(candidate) ? [candidate] : [],
      ),
      cellsToWatch:
        outdated.length > 0 && updated.length > 0 && realm.spec.rollout.minJoinRate > 0
          ? activeOf([...updated, ...outdated])
          : [],
      halt,
      hold,
      addsLike: isProven ? undefined : (activeOf(stale).find(isServing) ?? (paused ? stale[0]?.active : undefined)),
      recheckMs: soonestOf(progress, awaitsJoinRate),
    },
  }
}

const activeOf = (slots: readonly SlotRollout[]): CommsCell[] => slots.flatMap(({ active }) => active ?? [])

function soonestOf(progress: readonly CandidateProgress[], awaitsJoinRate: boolean): number | undefined {
  const delaysMs = [...progress.flatMap(({ recheckMs }) => recheckMs ?? []), ...(awaitsJoinRate ? [JOIN_RATE_PERIOD_MS] : [])]
  return delaysMs.length > 0 ? Math.min(...delaysMs) : undefined
}

function holdOf(
  { spec: { rollout } }: Realm,
  slots: { updated: number; outdated: number; stale: number },
  isCanary: boolean,
): Rollout['hold'] {
  const { paused, canaryCells } = rollout
  if (paused) return slots.stale > 0 ? 'RolloutPaused' : undefined
  const isLimited = isCanary && canaryCells !== undefined && slots.updated >= canaryCells
  return slots.outdated > 0 && isLimited ? 'AwaitingPromotion' : undefined
}

/**
 * Whether cells go back to a revision which others never left: that one is older than the one to replace, has been proven, and needs no
 * canary. Told by the oldest cell of each, because cells are added to both by scaling.
 */
const isReturn = (updated: readonly CommsCell[], outdated: readonly CommsCell[]): boolean =>
  firstCreation(updated) < firstCreation(outdated)

function slotRolloutOf(
  realm: Realm,
  slot: number,
  cells: readonly CommsCell[],
  isDesired: (cell: CommsCell) => boolean,
  observations: Observations,
): SlotRollout {
  const before = activeCellOf(realm, slot, cells, isDesired)
  const next = cells.find((cell) => cell !== before && isDesired(cell))
  const takesOver =
    before &&
    next &&
    !realm.spec.rollout.paused &&
    !isDesired(before) &&
    isServing(next) &&
    (!needsSyntheticJoin(realm, before) || observations.syntheticJoinOf(next).state === 'joined')
  const active = takesOver ? next : before
  const candidate = takesOver || (before && isDesired(before)) ? undefined : next
  return {
    slot,
    active,
    candidate,
    draining: cells.filter((cell) => cell !== active && cell !== candidate),
    createsCell: cells.length === 0,
  }
}

/** The cell that has a slot: the one that the status of the realm names, else one that serves, else a desired one, else the oldest. */
export function activeCellOf(
  realm: Realm,
  slot: number,
  cells: readonly CommsCell[],
  isDesired: (cell: CommsCell) => boolean,
): CommsCell | undefined {
  const published = realm.status?.endpoints?.find((endpoint) => endpoint.slot === slot)?.cell
  const [oldest] = [...cells].sort((a, b) => firstCreation([a]) - firstCreation([b]))
  return cells.find(({ metadata }) => metadata.name === published) ?? cells.find(isServing) ?? cells.find(isDesired) ?? oldest
}

/** When a cell was created, in milliseconds since the epoch. */
const createdAt = ({ metadata }: CommsCell): number => Date.parse(metadata.creationTimestamp ?? '') || 0

/**
 * When the first of some cells was created, for comparison with others. The API server knows whole seconds only: of two cells of one
 * second the one that has the name of its slot was first, because a cell that comes beside it is named after its revision as well.
 */
export const firstCreation = (cells: readonly CommsCell[]): number =>
  Math.min(...cells.map((cell) => createdAt(cell) + (hasNameOfSlot(cell) ? 0 : 1)))

const hasNameOfSlot = ({ metadata, spec }: CommsCell): boolean => metadata.name === `${spec.realmRef.name}-${spec.slot}`

/** From when the deadline of a candidate counts: its creation, or, where the clock of the API server is ahead, its first condition. */
function beganAt(candidate: CommsCell, now: number): number {
  const at = createdAt(candidate)
  if (!isFromFuture(at, now)) return at
  return Math.min(
    now,
    ...(candidate.status?.conditions ?? []).map((condition) => Date.parse(condition.lastTransitionTime) || now),
  )
}

/** A candidate for a slot whose active cell does not serve needs no proof that it is better. */
const needsSyntheticJoin = (realm: Realm, active: CommsCell | undefined): boolean =>
  realm.spec.rollout.joinProbe === 'Required' && active !== undefined && isServing(active)

const wasServing = (realm: Realm, { metadata }: CommsCell): boolean =>
  realm.status?.endpoints?.some(({ cell, state }) => cell === metadata.name && state !== 'Starting') ?? false

interface CandidateProgress {
  halt?: Rollout['halt']
  /** Time left until its deadline. */
  recheckMs?: number
}

function candidateProgress(realm: Realm, candidate: CommsCell, { syntheticJoinOf, now }: Observations): CandidateProgress {
  const { name } = candidate.metadata
  const join = syntheticJoinOf(candidate)
  if (join.state === 'failed' && isServing(candidate))
    return { halt: { reason: 'JoinFailed', message: `the operator could not join ${name} as a player: ${join.message}` } }
  const seconds = realm.spec.rollout.progressDeadlineSeconds
  const leftMs = seconds * 1000 - ageMs(beganAt(candidate, now), now)
  if (leftMs > 0) return { recheckMs: leftMs }
  const message = `${name} did not replace the old cell within ${seconds} s: ${blockerOf(candidate)}`
  return { halt: { reason: 'ProgressDeadlineExceeded', message } }
}

function blockerOf(cell: CommsCell): string {
  const stalled = conditionOf(cell, 'Stalled')
  if (stalled?.status === 'True') return stalled.message
  if (isServing(cell)) return 'the operator has not joined it as a player yet'
  return conditionOf(cell, 'Ready')?.message ?? 'it has no status yet'
}

const joinRateHalt = (joinRate: JoinRateVerdict): Rollout['halt'] =>
  joinRate.state === 'tooLow' ? { reason: 'JoinRateTooLow', message: joinRate.message } : undefined

function unhealthyHalt(unhealthy: readonly CommsCell[]): Rollout['halt'] {
  if (unhealthy.length === 0) return undefined
  const names = unhealthy.map(({ metadata }) => metadata.name).join(', ')
  return {
    reason: 'NewCellsUnhealthy',
    message: `the operator replaces no further cell while a new one does not serve players: ${names}`,
  }
}
