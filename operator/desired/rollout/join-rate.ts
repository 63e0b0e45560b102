import { type CommsCell, conditionOf, type Realm } from '../../../crds/realm.ts'
import type { Joins, JoinsSeen } from '../../observed/players.ts'

/** Whether players come into the new cells as they should. `undecided`: soon known. */
export type JoinVerdict = { state: 'fine' } | { state: 'undecided' } | { state: 'bad'; message: string }

/** With fewer joins than this nothing is said of a cell. */
const MIN_JOINS = 20

/**
 * Judges the cells that replaced others by the joins of real players: each of them, and all together where each has few. Bad is a
 * share below `rollout.minJoinRate`, unless the cells that are still to be replaced do no better. What was found bad is fine again only
 * half-way to perfect, so that a share at the limit does not start and stop a change all the time.
 */
export function judgeJoins(
  realm: Realm,
  updated: readonly CommsCell[],
  behind: readonly CommsCell[],
  joinsOf: ((cell: CommsCell) => JoinsSeen) | undefined,
): JoinVerdict {
  const limit = realm.spec.rollout.minJoinRate
  if (!joinsOf || limit === 0) return { state: 'fine' }
  const said = conditionOf(realm, 'Stalled')
  const wasBad = said?.status === 'True' && said.reason === 'JoinRateTooLow'
  const needed = wasBad ? (limit + 100) / 2 : limit
  const seen = updated.map((cell) => ({ name: cell.metadata.name, joins: joinsOf(cell) }))
  if (seen.some(({ joins }) => joins === 'unknown')) return { state: 'undecided' }
  const known = seen.flatMap(({ name, joins }) => (typeof joins === 'string' ? [] : [{ name, joins }]))
  const all = { name: 'the new cells', joins: sumOf(known.map(({ joins }) => joins)) }
  const others = sumOf(behind.map(joinsOf).flatMap((joins) => (typeof joins === 'string' ? [] : [joins])))
  const isWorse = (joins: Joins) => countOf(others) < MIN_JOINS || rateOf(joins) < rateOf(others)
  const bad = [...known, all].find(({ joins }) => countOf(joins) >= MIN_JOINS && rateOf(joins) < needed && isWorse(joins))
  // The first numbers stand for as long as it is bad: numbers that go on growing would be news without being new.
  if (bad) return { state: 'bad', message: wasBad ? said.message : messageOf(bad, limit) }
  const { joins } = all
  const isSoonKnown = countOf(joins) < MIN_JOINS && countOf(joins) + joins.waiting >= MIN_JOINS
  return isSoonKnown ? { state: 'undecided' } : { state: 'fine' }
}

const messageOf = ({ name, joins }: { name: string; joins: Joins }, limit: number): string =>
  `${name}: ${joins.given} of ${countOf(joins)} players who signed in were given an island (${Math.floor(rateOf(joins))} %, rollout.minJoinRate is ${limit} %)`

const countOf = ({ given, missed }: Joins): number => given + missed

/** In percent. */
const rateOf = (joins: Joins): number => (joins.given / countOf(joins)) * 100

const sumOf = (all: readonly Joins[]): Joins =>
  all.reduce(
    (sum, { given, missed, waiting }) => ({
      given: sum.given + given,
      missed: sum.missed + missed,
      waiting: sum.waiting + waiting,
    }),
    { given: 0, missed: 0, waiting: 0 },
  )
