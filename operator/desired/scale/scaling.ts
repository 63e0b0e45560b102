import { type CommsCell, conditionOf, type Realm } from '../../../crds/realm.ts'
import type { Outlook } from '../../observed/observations.ts'
import type { RealmObserved } from '../../observed/workload.ts'
import { isServing, takesPlayers } from '../endpoints.ts'
import { type Autoscale, type Choice, type Chosen, type CountedCell, type Numbers, numbersFor } from './autoscale.ts'
import { isScaled, type RealmCells } from './slots.ts'

/** How many there should be of what, whoever says so. */
export interface Scale {
  /** Cells asked for; 0 = the realm hibernates. */
  cells: number
  /** Connectors of the cell of a slot; nothing = as the template says. */
  connectorsOf(slot: number): number | undefined
  /** What is to be remembered of it; nothing while the operator does not choose. */
  chosen: Chosen | undefined
  choices: readonly Choice[]
  /** When to look again even if nothing changes, in milliseconds. */
  recheckMs: number | undefined
}

/** From one look at the players to the next: as often as they are counted. */
const PERIOD_MS = 10_000
/** Of a connector that goes: for its pod to end, beyond sending its players over. */
const ENDING_MS = 5_000

/** The numbers of a realm: those of its spec, or those chosen by its players, going on from what was chosen last. */
export function scaleOf(realm: Realm, existing: RealmCells, observed: RealmObserved, outlook: Outlook): Scale {
  const { autoscale, cells } = realm.spec
  if (!autoscale)
    return { cells: cells.replicas, connectorsOf: () => undefined, chosen: undefined, choices: [], recheckMs: undefined }
  const before = realm.status?.autoscale
  const own = [...existing.own].map(([slot, there]) => countedCell(slot, there, observed, outlook))
  const start = Math.min(Math.max(cells.template.connectors.replicas, autoscale.connectors.min), autoscale.connectors.max)
  if (cells.replicas === 0) {
    const connectorsOf = (slot: number) => own.find((cell) => cell.slot === slot)?.connectors ?? start
    const chosen = remembered(before, { cells: 0, connectors: new Map(), choices: [], limit: undefined }, outlook.now, true)
    return { cells: 0, connectorsOf, chosen, choices: [], recheckMs: undefined }
  }
  const wanted = autoscale.cells ? wantedCells(autoscale.cells, before, existing) : cells.replicas
  const numbers = numbersFor(autoscale, {
    cells: own,
    wanted,
    capacity: cells.capacity,
    isMoving: isMoving(realm, existing, wanted),
    peak: outlook.peak,
    isUncounted: outlook.isUncounted ?? false,
    isSettled: isSettled(realm, before, outlook.now),
    wasAtMaximum: before?.reason === 'AtMaximum',
  })
  return {
    cells: numbers.cells,
    connectorsOf: (slot) => numbers.connectors.get(slot) ?? start,
    chosen: remembered(before, numbers, outlook.now, false),
    choices: before ? numbers.choices : [],
    recheckMs: PERIOD_MS,
  }
}

/** Cells there should be by what was chosen last; where nothing was, as many as take players. */
function wantedCells({ min }: NonNullable<Autoscale['cells']>, before: Chosen | undefined, { own }: RealmCells): number {
  if (before && before.cells > 0) return before.cells
  return [...own.values()].filter((there) => there.some(takesPlayers)).length || min
}

function countedCell(slot: number, there: readonly CommsCell[], observed: RealmObserved, { players }: Outlook): CountedCell {
  const cell = (there.find(isServing) ?? there.find(takesPlayers) ?? there[0]) as CommsCell
  const { metadata, spec, status } = cell
  const { replicas } = spec.connectors
  return {
    slot,
    name: metadata.name,
    connectors: replicas,
    serves: isServing(cell),
    isUp: status?.observedGeneration === metadata.generation && (status?.readyReplicas ?? 0) >= replicas,
    isTaken: isScaled(observed, cell),
    players: players?.get(slot),
  }
}

/** Whether cells are being replaced or drained. A change that came to a halt holds nothing up: players come all the same. */
function isMoving(realm: Realm, { own }: RealmCells, wanted: number): boolean {
  if (conditionOf(realm, 'Stalled')?.status === 'True') return false
  const isReplacing = conditionOf(realm, 'Progressing')?.reason === 'RollingOut'
  return isReplacing || own.size > wanted || [...own.values()].some(({ length }) => length > 1)
}

/** Whether whoever left by what was chosen last is gone by now. */
function isSettled({ spec }: Realm, before: Chosen | undefined, now: number): boolean {
  if (!before) return false
  return now - Date.parse(before.changedAt) >= spec.cells.template.connectors.drainSeconds * 1000 + ENDING_MS
}

/** What the status says of it. The numbers in a message are those of the moment it is about: a crowd that moves writes nothing. */
function remembered(
  before: Chosen | undefined,
  { cells, connectors, choices, limit }: Numbers,
  now: number,
  sleeps: boolean,
): Chosen {
  const total = [...connectors.values()].reduce((sum, count) => sum + count, 0)
  const [first] = choices
  const isNew = before === undefined || first !== undefined
  const why = ((): Pick<Chosen, 'reason' | 'message'> => {
    if (sleeps) return { reason: 'Hibernated', message: 'no cell runs, as asked' }
    if (first)
      return {
        reason: first.reason,
        message: choices
          .map(({ message }) => message)
          .join('; ')
          .slice(0, MAX_MESSAGE_LENGTH),
      }
    if (limit === 'AtMaximum' || limit === 'PlayersUnknown') return { reason: limit, message: LIMITS[limit] }
    if (!before || before.reason === 'Hibernated')
      return { reason: 'Started', message: 'the numbers follow the players from here on' }
    const isOver = before.reason === 'AtMaximum' || before.reason === 'PlayersUnknown'
    return isOver && limit === undefined ? { reason: 'Settled', message: 'the numbers fit the players' } : before
  })()
  const changedAt = isNew ? new Date(now).toISOString().replace(/\.\d+Z$/, 'Z') : before.changedAt
  return { cells, connectors: total, changedAt, reason: why.reason, message: why.message }
}

const MAX_MESSAGE_LENGTH = 1024
const LIMITS = {
  AtMaximum: 'there are more players than the most that autoscale allows are meant for',
  PlayersUnknown: 'nobody knows how many players there are: the numbers stay',
} as const
