import { type CommsCell, conditionOf, type Realm } from '../../../crds/realm.ts'
import type { Outlook } from '../../observed/observations.ts'
import { isServing } from '../endpoints.ts'
import { type JoinVerdict, judgeJoins } from './join-rate.ts'

/** The cells of one slot, and what becomes of each. */
export interface Turn {
  slot: number
  /** Whoever has the slot; nobody while its first cell is still to be made. */
  holder: CommsCell | undefined
  /** Whoever is to have it next, as soon as it has proved itself. */
  next: CommsCell | undefined
  /** Those on their way out. */
  leaving: readonly CommsCell[]
  /** Whether a cell of the wanted making is to be made. */
  makes: boolean
}

/** How a change comes along. */
export interface Rollout {
  /** Those who have their slot and are as wanted. */
  updated: readonly CommsCell[]
  /** Whether the cells of two earlier changes become alike before this one begins. */
  isDetour: boolean
  /** Whether a slot is changing hands, or it is about to be known whether the next may. */
  isBusy: boolean
  /** New cells that are to have a slot next. */
  pending: readonly CommsCell[]
  /** Those of them that are to be joined as a player would. */
  joining: readonly CommsCell[]
  /** Cells with a slot whose players are watched, new ones and old ones, while there are more to replace. */
  watched: readonly CommsCell[]
  /** What holds it up until somebody changes something. */
  halt:
    | { reason: 'JoinFailed' | 'ProgressDeadlineExceeded' | 'NewCellsUnhealthy' | 'JoinRateTooLow'; message: string }
    | undefined
  /** Why no further cell is replaced although nothing is wrong. */
  waits: 'Paused' | 'CanaryServing' | undefined
  /** When a deadline passes, in milliseconds from now. */
  recheckMs: number | undefined
}

/**
 * Replaces cells by others, slot by slot: a slot has two cells at most, only one slot does, and nobody leaves before whoever comes next
 * serves and was joined as a player would. A change of mind half-way drops the newcomer, never the cell that has the slot.
 *
 * @param isWanted whether a cell is as it is to be for now
 * @param isDetour whether that is not yet what is declared
 */
export function planRollout(
  realm: Realm,
  slots: ReadonlyMap<number, readonly CommsCell[]>,
  isWanted: (cell: CommsCell) => boolean,
  outlook: Outlook,
  isDetour = false,
): { turns: Turn[]; rollout: Rollout } {
  const turns = [...slots].map(([slot, cells]) => turnOf(realm, slot, cells, isWanted, outlook))
  const isUpdated = ({ holder, makes }: Turn) => (holder ? isWanted(holder) : makes)
  const updated = turns.filter(isUpdated)
  const sick = updated.filter(({ holder }) => holder && wasServing(realm, holder) && !isServing(holder))
  const behind = turns.filter(({ holder, next }) => holder && !isWanted(holder) && !next)
  const isBusy = turns.some(({ next, leaving }) => next || leaving.length > 0)
  const waits = behind.length > 0 ? holdOf(realm, updated, isDetour) : undefined
  const holders = (some: readonly Turn[]) => some.flatMap(({ holder }) => holder ?? [])
  const joins = judgeJoins(realm, holders(updated), holders(behind), behind.length > 0 ? outlook.joinsOf : undefined)
  const isAwaited = !waits && joins.state === 'undecided'
  const isWell = sick.length === 0 && joins.state === 'fine' && updated.every(({ holder }) => !holder || isServing(holder))
  if (!isBusy && !waits && isWell) {
    // A slot that serves nobody has nothing to lose.
    const first = behind.find(({ holder }) => holder && !isServing(holder)) ?? behind[0]
    if (first) first.makes = true
  }
  const pending = turns.flatMap(({ holder, next }) => (next ? [{ holder, next }] : []))
  const joining = pending.filter(({ holder, next }) => needsJoin(realm, holder) && isServing(next)).map(({ next }) => next)
  const blocked = pending.map(({ next }) => blockOf(realm, next, outlook)).find(({ halt }) => halt)
  const waiting = [
    ...pending.flatMap(({ next }) => blockOf(realm, next, outlook).recheckMs ?? []),
    ...(isAwaited ? [JOINS_MS] : []),
  ]
  return {
    turns,
    rollout: {
      updated: isDetour ? [] : holders(updated),
      isDetour: isDetour && behind.length > 0,
      isBusy: isAwaited || turns.some(({ holder, next, leaving, makes }) => next || leaving.length > 0 || (makes && holder)),
      pending: pending.map(({ next }) => next),
      joining,
      watched:
        behind.length > 0 && updated.length > 0 && realm.spec.rollout.minJoinRate > 0 ? holders([...updated, ...behind]) : [],
      halt: blocked?.halt ?? (behind.length > 0 ? sickness(sick) : undefined) ?? lowRate(joins),
      waits,
      recheckMs: waiting.length > 0 ? Math.min(...waiting) : undefined,
    },
  }
}

function holdOf({ spec: { rollout } }: Realm, updated: readonly Turn[], isDetour: boolean): Rollout['waits'] {
  if (rollout.paused) return 'Paused'
  const { canaryCells } = rollout
  return !isDetour && canaryCells !== undefined && updated.length >= canaryCells ? 'CanaryServing' : undefined
}

/** From one look at the joins of players to the next, while too few of them are decided. */
const JOINS_MS = 5_000

function turnOf(
  realm: Realm,
  slot: number,
  cells: readonly CommsCell[],
  isWanted: (cell: CommsCell) => boolean,
  outlook: Outlook,
): Turn {
  const before = holderOf(realm, slot, cells, isWanted)
  const next = cells.find((cell) => cell !== before && isWanted(cell))
  const takesOver =
    before &&
    next &&
    !isWanted(before) &&
    isServing(next) &&
    (!needsJoin(realm, before) || outlook.joinOf(next).state === 'joined')
  const holder = takesOver ? next : before
  const waitsFor = takesOver || (before && isWanted(before)) ? undefined : next
  return {
    slot,
    holder,
    next: waitsFor,
    leaving: cells.filter((cell) => cell !== holder && cell !== waitsFor),
    makes: cells.length === 0,
  }
}

/** Who has a slot: whoever we said so of last, else whoever serves, else whoever is wanted, else the oldest. */
export function holderOf(
  realm: Realm,
  slot: number,
  cells: readonly CommsCell[],
  isWanted: (cell: CommsCell) => boolean,
): CommsCell | undefined {
  const said = realm.status?.endpoints?.find((endpoint) => endpoint.slot === slot)?.cell
  const [oldest] = [...cells].sort((a, b) => ageOf(a) - ageOf(b))
  return cells.find(({ metadata }) => metadata.name === said) ?? cells.find(isServing) ?? cells.find(isWanted) ?? oldest
}

/** When a cell was made, in milliseconds since the epoch. */
export const ageOf = ({ metadata }: CommsCell): number => Date.parse(metadata.creationTimestamp ?? '') || 0

/** Whoever replaces nobody that serves has nothing to prove. */
const needsJoin = (realm: Realm, holder: CommsCell | undefined): boolean =>
  realm.spec.rollout.joinProbe === 'Required' && holder !== undefined && isServing(holder)

const wasServing = (realm: Realm, { metadata }: CommsCell): boolean =>
  realm.status?.endpoints?.some(({ cell, state }) => cell === metadata.name && state !== 'Starting') ?? false

function blockOf(realm: Realm, next: CommsCell, { joinOf, now }: Outlook): { halt?: Rollout['halt']; recheckMs?: number } {
  const { name } = next.metadata
  const join = joinOf(next)
  if (join.state === 'failed' && isServing(next))
    return { halt: { reason: 'JoinFailed', message: `the operator could not join ${name} as a player: ${join.message}` } }
  const seconds = realm.spec.rollout.progressDeadlineSeconds
  const leftMs = ageOf(next) + seconds * 1000 - now
  if (leftMs > 0) return { recheckMs: leftMs }
  return {
    halt: {
      reason: 'ProgressDeadlineExceeded',
      message: `${name} did not replace the old cell within ${seconds} s: ${blockerOf(next)}`,
    },
  }
}

function blockerOf(cell: CommsCell): string {
  const stalled = conditionOf(cell, 'Stalled')
  if (stalled?.status === 'True') return stalled.message
  if (isServing(cell)) return 'the operator has not joined it as a player yet'
  return conditionOf(cell, 'Ready')?.message ?? 'it has no status yet'
}

const lowRate = (joins: JoinVerdict): Rollout['halt'] =>
  joins.state === 'bad' ? { reason: 'JoinRateTooLow', message: joins.message } : undefined

const sickness = (sick: readonly Turn[]): Rollout['halt'] =>
  sick.length === 0
    ? undefined
    : {
        reason: 'NewCellsUnhealthy',
        message: `the operator replaces no further cell while a new one does not serve players: ${sick.map(({ holder }) => holder?.metadata.name).join(', ')}`,
      }
