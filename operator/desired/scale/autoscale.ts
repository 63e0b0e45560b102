import type { RealmSpec, RealmStatus } from '../../../crds/realm.ts'
import type { PlayerPeak } from '../../observed/players.ts'

/** The autoscaling settings of a realm. */
export type AutoscaleSpec = NonNullable<RealmSpec['autoscale']>
/** The last decision, as the status of the realm keeps it. */
export type AutoscaleStatus = NonNullable<RealmStatus['autoscale']>

/** The load of one cell of the operator that has a slot. */
export interface CellLoad {
  slot: number
  name: string
  /** Connectors its spec asks for. */
  connectors: number
  /** Whether it takes players and works. */
  serves: boolean
  /** Whether all its connectors are ready. */
  isUp: boolean
  /** Whether another client sets its number of connectors. */
  isScaledByOthers: boolean
  /** Players of its slot; undefined when unknown. */
  players: number | undefined
}

/** The load of a realm. */
export interface RealmLoad {
  cells: readonly CellLoad[]
  /** Cells the realm should have by the last decision. */
  desiredCells: number
  /** Players for whom a cell has capacity, if the realm declares it. */
  capacity: number | undefined
  /** Cells are being replaced or drained: nothing is decided meanwhile. */
  isChanging: boolean
  peak: PlayerPeak | undefined
  /** The numbers of players have been missing for too long. */
  arePlayersUnknown: boolean
  /** Whether the last decision has had time to take effect, draining included. */
  isSettled: boolean
  /** Whether the last status said that the maximum was reached. */
  wasAtMaximum: boolean
}

/** A number that changes, and why. */
export interface ScaleDecision {
  what: 'cells' | 'connectors'
  reason: 'MorePlayers' | 'FewerPlayers' | 'Bounds'
  message: string
}

/** The numbers of one pass. */
export interface DesiredNumbers {
  cells: number
  /** By slot. */
  connectors: ReadonlyMap<number, number>
  decisions: readonly ScaleDecision[]
  /** What keeps the numbers from changing; `Undecided` while that cannot be known. */
  limit: 'AtMaximum' | 'PlayersUnknown' | 'Undecided' | undefined
}

/**
 * Connectors are added for this many times the players there are, so that small fluctuations do not add connectors again and
 * again.
 */
const HEADROOM = 1.1
/**
 * Connectors and cells are removed only when the rest would be at most this full. The gap to 1 keeps a decision from being
 * reversed at once.
 */
const SCALE_DOWN_UTILIZATION = 0.8
/** Connectors grow to at most this many times their number in one decision. */
const MAX_GROWTH = 2

/**
 * The numbers for a load. Connectors are added at once when a cell has too many players, at most twice as many; one is removed when one fewer
 * had been enough for the whole period; cells change when connectors cannot help. The bounds of the spec hold in every case.
 */
export function desiredNumbers(autoscale: AutoscaleSpec, load: RealmLoad): DesiredNumbers {
  const { count: cells, decision: ofCells } = cellsFor(autoscale, load)
  const connectors = new Map<number, number>()
  const decisions: ScaleDecision[] = ofCells ? [{ what: 'cells', ...ofCells }] : []
  // The players of a removed cell connect to the others.
  const isSettled = load.isSettled && ofCells?.reason !== 'FewerPlayers'
  for (const cell of load.cells) {
    const { count, decision } = connectorsFor(autoscale, cell, { ...load, isSettled })
    connectors.set(cell.slot, count)
    if (decision) decisions.push({ what: 'connectors', ...decision })
  }
  return { cells, connectors, decisions, limit: limitOf(autoscale, load) }
}

interface Outcome {
  count: number
  decision?: Omit<ScaleDecision, 'what'>
}

function connectorsFor(autoscale: AutoscaleSpec, cell: CellLoad, load: RealmLoad): Outcome {
  const { playersPerConnector: target, connectors: bounds } = autoscale
  const { name, connectors: count, players, isUp } = cell
  if (cell.isScaledByOthers) return { count }
  const bounded = clamp(count, bounds.min, bounds.max)
  if (bounded !== count) return boundsDecision(name, bounded, 'autoscale.connectors', bounds)
  if (load.isChanging || players === undefined || !isUp) return { count }
  if (players > count * target && count < bounds.max) {
    const next = Math.min(Math.ceil((players * HEADROOM) / target), count * MAX_GROWTH, bounds.max)
    return {
      count: next,
      decision: { reason: 'MorePlayers', message: `${name}: ${loadText(players, target, count)}, ${next} from now on` },
    }
  }
  const peak = load.isSettled ? load.peak?.bySlot.get(cell.slot) : undefined
  if (peak === undefined || count <= bounds.min || peak > (count - 1) * target * SCALE_DOWN_UTILIZATION) return { count }
  const message = `${name}: at most ${loadText(peak, target, count - 1)}, ${count - 1} from now on`
  return { count: count - 1, decision: { reason: 'FewerPlayers', message } }
}

function cellsFor(autoscale: AutoscaleSpec, load: RealmLoad): Outcome {
  const { cells: bounds } = autoscale
  const { cells, desiredCells: count, isChanging, isSettled, peak } = load
  if (!bounds) return { count }
  const bounded = clamp(count, bounds.min, bounds.max)
  if (bounded !== count) return boundsDecision('the realm', bounded, 'autoscale.cells', bounds)
  if (isChanging || cells.length < count || !areCountsKnown(cells)) return { count }
  const serving = cells.filter(({ serves }) => serves)
  const all = `${serving.length} ${serving.length === 1 ? 'cell' : 'cells'}`
  if (isFull(autoscale, load) && count < bounds.max)
    return {
      count: count + 1,
      decision: {
        reason: 'MorePlayers',
        message: `${grouped(playersOf(serving))} players fill ${all}, ${count + 1} from now on`,
      },
    }
  const capacity = (count - 1) * capacityOf(autoscale, load.capacity)
  if (!isSettled || !peak || count <= bounds.min || peak.total > capacity * SCALE_DOWN_UTILIZATION) return { count }
  const message = `at most ${grouped(peak.total)} players of ${grouped(capacity)} for ${count - 1} cells, ${count - 1} from now on`
  return { count: count - 1, decision: { reason: 'FewerPlayers', message } }
}

/**
 * Why the realm has no more although there are more players than its numbers are meant for. It stands until there are clearly
 * fewer.
 */
function limitOf(autoscale: AutoscaleSpec, load: RealmLoad): DesiredNumbers['limit'] {
  const { cells, desiredCells, arePlayersUnknown, isChanging, isSettled } = load
  if (arePlayersUnknown) return 'PlayersUnknown'
  // The count of a new cell arrives a moment later than the cell, and so do all counts after a start of the operator.
  if (!areCountsKnown(cells))
    return isSettled && cells.some(({ players }) => players !== undefined) ? 'PlayersUnknown' : 'Undecided'
  if (isChanging || cells.length < desiredCells || cells.some(({ isUp }) => !isUp)) return 'Undecided'
  const { cells: bounds } = autoscale
  const mayGrow = bounds !== undefined && desiredCells < bounds.max
  return !mayGrow && isFull(autoscale, load, load.wasAtMaximum ? SCALE_DOWN_UTILIZATION : 1) ? 'AtMaximum' : undefined
}

/** Whether more connectors cannot help: every cell that serves has all the players it is meant for, or this share of them. */
function isFull(autoscale: AutoscaleSpec, { cells, capacity }: RealmLoad, share = 1): boolean {
  const { playersPerConnector: target, connectors: bounds } = autoscale
  const serving = cells.filter(({ serves }) => serves)
  return (
    serving.length > 0 &&
    serving.every(({ players = 0, connectors, isScaledByOthers }) => {
      if (capacity !== undefined && players >= capacity * share) return true
      return (isScaledByOthers || connectors >= bounds.max) && players > connectors * target * share
    })
  )
}

/** Players for whom a cell has capacity. */
const capacityOf = ({ playersPerConnector, connectors: { max } }: AutoscaleSpec, capacity = Number.POSITIVE_INFINITY): number =>
  Math.min(capacity, max * playersPerConnector)

const areCountsKnown = (cells: readonly CellLoad[]): boolean =>
  cells.every(({ serves, players }) => !serves || players !== undefined)

const playersOf = (cells: readonly CellLoad[]): number => cells.reduce((sum, { players = 0 }) => sum + players, 0)

const boundsDecision = (who: string, count: number, field: string, { min, max }: { min: number; max: number }): Outcome => ({
  count,
  decision: { reason: 'Bounds', message: `${who}: ${count} from now on, ${field} says ${min} to ${max}` },
})

const loadText = (players: number, target: number, connectors: number): string =>
  `${grouped(players)} players of ${grouped(connectors * target)} for ${connectors} ${connectors === 1 ? 'connector' : 'connectors'}`

/** A number with its digits in groups: 12 400. */
const grouped = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ' ')

const clamp = (value: number, min: number, max: number): number => Math.min(Math.max(value, min), max)
