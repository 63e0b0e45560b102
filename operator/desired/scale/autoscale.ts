import type { RealmSpec, RealmStatus } from '../../../crds/realm.ts'
import type { Peak } from '../../observed/players.ts'

/** What a realm says about choosing its numbers. */
export type Autoscale = NonNullable<RealmSpec['autoscale']>
/** What was chosen last, as the status of the realm remembers it. */
export type Chosen = NonNullable<RealmStatus['autoscale']>

/** One cell of ours that has a slot. */
export interface CountedCell {
  slot: number
  name: string
  /** Connectors it should have by now. */
  connectors: number
  /** Whether it takes players, and all those connectors do. */
  serves: boolean
  isUp: boolean
  /** Whether somebody else says how many connectors it has. */
  isTaken: boolean
  /** Players of its slot; nothing when nobody knows. */
  players: number | undefined
}

/** What numbers are chosen by. */
export interface Crowd {
  cells: readonly CountedCell[]
  /** Cells the realm should have by now. */
  wanted: number
  /** Players a cell is meant for, where the realm says so. */
  capacity: number | undefined
  /** Cells are replaced or drained: nothing is judged until they are not. */
  isMoving: boolean
  peak: Peak | undefined
  /** Nobody could be asked for longer than such things take. */
  isUncounted: boolean
  /** Whether what was chosen last has had time to come about, goodbyes among it. */
  isSettled: boolean
  /** Whether it was said last that there may not be more. */
  wasAtMaximum: boolean
}

/** A number chosen anew, and why. */
export interface Choice {
  what: 'cells' | 'connectors'
  reason: 'MorePlayers' | 'FewerPlayers' | 'Bounds'
  message: string
}

/** Numbers for the time being. */
export interface Numbers {
  cells: number
  /** By slot. */
  connectors: ReadonlyMap<number, number>
  choices: readonly Choice[]
  /** What keeps the numbers from being others; `Unclear` while that cannot be told. */
  limit: 'AtMaximum' | 'PlayersUnknown' | 'Unclear' | undefined
}

/** More come with this much to spare, so that a crowd that only wobbles asks once. */
const HEADROOM = 1.1
/** Fewer must do with this share of what they are meant for: the distance between going up and going down. */
const SLACK = 0.8
/** At most so many times as many at once. */
const LARGEST_STEP = 2

/**
 * The numbers for a crowd: connectors up at once when there are too many players, a bounded step each time; down by one when fewer had
 * done all the time; cells when connectors cannot help. Bounds hold whatever else is the case.
 */
export function numbersFor(autoscale: Autoscale, crowd: Crowd): Numbers {
  const { count: cells, choice: ofCells } = cellsFor(autoscale, crowd)
  const connectors = new Map<number, number>()
  const choices: Choice[] = ofCells ? [{ what: 'cells', ...ofCells }] : []
  // The players of a cell that goes come to the others.
  const isSettled = crowd.isSettled && ofCells?.reason !== 'FewerPlayers'
  for (const cell of crowd.cells) {
    const { count, choice } = connectorsFor(autoscale, cell, { ...crowd, isSettled })
    connectors.set(cell.slot, count)
    if (choice) choices.push({ what: 'connectors', ...choice })
  }
  return { cells, connectors, choices, limit: limitOf(autoscale, crowd) }
}

interface Outcome {
  count: number
  choice?: Omit<Choice, 'what'>
}

function connectorsFor({ playersPerConnector: target, connectors: bounds }: Autoscale, cell: CountedCell, crowd: Crowd): Outcome {
  const { name, connectors: count, players, isUp } = cell
  if (cell.isTaken) return { count }
  const bounded = clamp(count, bounds.min, bounds.max)
  if (bounded !== count) return boundsChoice(name, bounded, 'autoscale.connectors', bounds)
  if (crowd.isMoving || players === undefined || !isUp) return { count }
  if (players > count * target && count < bounds.max) {
    const next = Math.min(Math.ceil((players * HEADROOM) / target), count * LARGEST_STEP, bounds.max)
    return {
      count: next,
      choice: { reason: 'MorePlayers', message: `${name}: ${crowdText(players, target, count)}, ${next} from now on` },
    }
  }
  const most = crowd.isSettled ? crowd.peak?.bySlot.get(cell.slot) : undefined
  if (most === undefined || count <= bounds.min || most > (count - 1) * target * SLACK) return { count }
  const message = `${name}: at most ${crowdText(most, target, count - 1)}, ${count - 1} from now on`
  return { count: count - 1, choice: { reason: 'FewerPlayers', message } }
}

function cellsFor(autoscale: Autoscale, crowd: Crowd): Outcome {
  const { cells: bounds } = autoscale
  const { cells, wanted: count, isMoving, isSettled, peak } = crowd
  if (!bounds) return { count }
  const bounded = clamp(count, bounds.min, bounds.max)
  if (bounded !== count) return boundsChoice('the realm', bounded, 'autoscale.cells', bounds)
  if (isMoving || cells.length < count || !isKnown(cells)) return { count }
  const serving = cells.filter(({ serves }) => serves)
  const all = `${serving.length} ${serving.length === 1 ? 'cell' : 'cells'}`
  if (isFull(autoscale, crowd) && count < bounds.max)
    return {
      count: count + 1,
      choice: { reason: 'MorePlayers', message: `${numeral(playersOf(serving))} players fill ${all}, ${count + 1} from now on` },
    }
  const room = (count - 1) * roomOf(autoscale, crowd.capacity)
  if (!isSettled || !peak || count <= bounds.min || peak.total > room * SLACK) return { count }
  const message = `at most ${numeral(peak.total)} players of ${numeral(room)} for ${count - 1} cells, ${count - 1} from now on`
  return { count: count - 1, choice: { reason: 'FewerPlayers', message } }
}

/** Why the realm has not more although there are more players than its numbers are meant for. Said until there are clearly fewer. */
function limitOf(autoscale: Autoscale, crowd: Crowd): Numbers['limit'] {
  const { cells, wanted, isUncounted, isMoving, isSettled } = crowd
  if (isUncounted) return 'PlayersUnknown'
  // A new cell has not been heard of for a moment, and nor has any cell of an operator that just started.
  if (!isKnown(cells)) return isSettled && cells.some(({ players }) => players !== undefined) ? 'PlayersUnknown' : 'Unclear'
  if (isMoving || cells.length < wanted || cells.some(({ isUp }) => !isUp)) return 'Unclear'
  const { cells: bounds } = autoscale
  const isEnough = bounds !== undefined && wanted < bounds.max
  return !isEnough && isFull(autoscale, crowd, crowd.wasAtMaximum ? SLACK : 1) ? 'AtMaximum' : undefined
}

/** Whether connectors help no more: every cell that serves has as many players as it is meant for, or this share of them. */
function isFull(autoscale: Autoscale, { cells, capacity }: Crowd, share = 1): boolean {
  const { playersPerConnector: target, connectors: bounds } = autoscale
  const serving = cells.filter(({ serves }) => serves)
  return (
    serving.length > 0 &&
    serving.every(({ players = 0, connectors, isTaken }) => {
      if (capacity !== undefined && players >= capacity * share) return true
      return (isTaken || connectors >= bounds.max) && players > connectors * target * share
    })
  )
}

/** Players a cell has room for. */
const roomOf = ({ playersPerConnector, connectors: { max } }: Autoscale, capacity = Number.POSITIVE_INFINITY): number =>
  Math.min(capacity, max * playersPerConnector)

const isKnown = (cells: readonly CountedCell[]): boolean => cells.every(({ serves, players }) => !serves || players !== undefined)

const playersOf = (cells: readonly CountedCell[]): number => cells.reduce((sum, { players = 0 }) => sum + players, 0)

const boundsChoice = (who: string, count: number, field: string, { min, max }: { min: number; max: number }): Outcome => ({
  count,
  choice: { reason: 'Bounds', message: `${who}: ${count} from now on, ${field} says ${min} to ${max}` },
})

const crowdText = (players: number, target: number, connectors: number): string =>
  `${numeral(players)} players of ${numeral(connectors * target)} for ${connectors} ${connectors === 1 ? 'connector' : 'connectors'}`

/** A number as people read it: 12 400. */
const numeral = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ' ')

const clamp = (value: number, min: number, max: number): number => Math.min(Math.max(value, min), max)
