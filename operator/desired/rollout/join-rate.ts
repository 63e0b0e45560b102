import { type CommsCell, conditionOf, type Realm } from '../../../crds/realm.ts'
import type { JoinCounts, ObservedJoinCounts } from '../../observed/players.ts'

/** Whether real players get into the new cells. `undecided`: enough players are waiting to know it soon. */
export type JoinRateVerdict = { state: 'ok' } | { state: 'undecided' } | { state: 'tooLow'; message: string }

/** A cell with fewer finished joins than this is not judged by itself. */
const MIN_JOINS = 20

/**
 * Judges the join success rate of the cells that replaced others: of each cell, and of all together for the case that each has few joins.
 * A rate below `rollout.minJoinRate` is too low, unless the cells that are still to be replaced do no better. A rate that was too low is
 * ok again only half-way between that limit and 100 %, so that a rate at the limit does not stop and start a rollout all the time.
 */
export function judgeJoinRate(
  realm: Realm,
  updated: readonly CommsCell[],
  outdated: readonly CommsCell[],
  joinCountsOf: ((cell: CommsCell) => ObservedJoinCounts) | undefined,
): JoinRateVerdict {
  const limit = realm.spec.rollout.minJoinRate
  if (!joinCountsOf || limit === 0) return { state: 'ok' }
  const stalled = conditionOf(realm, 'Stalled')
  const wasTooLow = stalled?.status === 'True' && stalled.reason === 'JoinRateTooLow'
  const required = wasTooLow ? (limit + 100) / 2 : limit
  const observed = updated.map((cell) => ({ name: cell.metadata.name, counts: joinCountsOf(cell) }))
  if (observed.some(({ counts }) => counts === 'unknown')) return { state: 'undecided' }
  const known = observed.flatMap(({ name, counts }) => (typeof counts === 'string' ? [] : [{ name, counts }]))
  const all = { name: 'the new cells', counts: sumOf(known.map(({ counts }) => counts)) }
  const others = sumOf(outdated.map(joinCountsOf).flatMap((counts) => (typeof counts === 'string' ? [] : [counts])))
  const isWorse = (counts: JoinCounts) => finishedIn(others) < MIN_JOINS || percentOf(counts) < percentOf(others)
  const tooLow = [...known, all].find(
    ({ counts }) => finishedIn(counts) >= MIN_JOINS && percentOf(counts) < required && isWorse(counts),
  )
  // The message keeps its first numbers while the rate stays too low: with numbers that grow the status would change with every pass.
  if (tooLow) return { state: 'tooLow', message: wasTooLow ? stalled.message : messageOf(tooLow, limit) }
  const { counts } = all
  const isSoonKnown = finishedIn(counts) < MIN_JOINS && finishedIn(counts) + counts.waiting >= MIN_JOINS
  return isSoonKnown ? { state: 'undecided' } : { state: 'ok' }
}

const messageOf = ({ name, counts }: { name: string; counts: JoinCounts }, limit: number): string =>
  `${name}: ${counts.given} of ${finishedIn(counts)} players who signed in were given an island (${Math.floor(percentOf(counts))} %, rollout.minJoinRate is ${limit} %)`

const finishedIn = ({ given, missed }: JoinCounts): number => given + missed

const percentOf = (counts: JoinCounts): number => (counts.given / finishedIn(counts)) * 100

const sumOf = (all: readonly JoinCounts[]): JoinCounts =>
  all.reduce(
    (sum, { given, missed, waiting }) => ({
      given: sum.given + given,
      missed: sum.missed + missed,
      waiting: sum.waiting + waiting,
    }),
    { given: 0, missed: 0, waiting: 0 },
  )
