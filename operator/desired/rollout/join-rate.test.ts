import { expect, test } from 'vitest'
import { conditionOf, type RealmReasons } from '../../../crds/realm.ts'
import type { ObservedJoinCounts } from '../../observed/players.ts'
import { aCell, aRealm } from '../realm.fixtures.ts'
import { rollout, type Simulation, settled } from '../simulation.fixtures.ts'
import { judgeJoinRate } from './join-rate.ts'

const joins = (given: number, missed: number, waiting = 0) => ({ given, missed, waiting })
const cells = [0, 1, 2].map((slot) => aCell(aRealm(), slot))

/** Judges a realm whose first cells are new, by the join counts of each cell. */
function judged(
  updated: ObservedJoinCounts[],
  outdated: ObservedJoinCounts[] = ['unknown'],
  limit = 90,
  stalled?: [RealmReasons['Stalled'], string],
) {
  const realm = aRealm({ rollout: { minJoinRate: limit } })
  if (stalled) {
    const [reason, message] = stalled
    realm.status = { conditions: [{ type: 'Stalled', status: 'True', reason, message, lastTransitionTime: '' }] }
  }
  const all = [...updated, ...outdated]
  const joinCountsOf = (cell: (typeof cells)[number]) => all[cell.spec.slot] ?? 'unknown'
  return judgeJoinRate(realm, cells.slice(0, updated.length), cells.slice(updated.length, all.length), joinCountsOf)
}

test('a rate below rollout.minJoinRate is too low, and the message has the numbers', () => {
  expect(judged([joins(12, 28)])).toEqual({
    state: 'tooLow',
    message: 'main-0: 12 of 40 players who signed in were given an island (30 %, rollout.minJoinRate is 90 %)',
  })
  expect(judged([joins(90, 10)])).toEqual({ state: 'ok' })
  expect(judged([joins(89, 11)]).state).toBe('tooLow')
})

test('fewer than twenty players are not judged, and are undecided when enough more are waiting', () => {
  expect(judged([joins(0, 19)])).toEqual({ state: 'ok' })
  expect(judged([joins(0, 10, 10)])).toEqual({ state: 'undecided' })
  expect(judged([joins(0, 10, 9)])).toEqual({ state: 'ok' })
  expect(judged([joins(0, 20)]).state).toBe('tooLow')
})

test('the players of several new cells with few players each are judged together', () => {
  expect(judged([joins(4, 8), joins(4, 8)], [])).toEqual({
    state: 'tooLow',
    message: 'the new cells: 8 of 24 players who signed in were given an island (33 %, rollout.minJoinRate is 90 %)',
  })
})

test('one new cell with a rate that is too low is enough', () => {
  expect(judged([joins(1_000, 0), joins(10, 30)], []).state).toBe('tooLow')
})

test('a rate is not too low where the old cells do no better', () => {
  expect(judged([joins(20, 20)], [joins(20, 20)])).toEqual({ state: 'ok' })
  expect(judged([joins(20, 20)], [joins(40, 0)]).state).toBe('tooLow')
  expect(judged([joins(20, 20)], [joins(0, 19)]).state).toBe('tooLow')
})

test('a cell that was not asked yet leaves the rate undecided; one that does not answer is left out', () => {
  expect(judged(['unknown'])).toEqual({ state: 'undecided' })
  expect(judged(['unreachable'])).toEqual({ state: 'ok' })
})

test('a rate that was too low counts as too low until half-way to 100 %, with the first message', () => {
  const before: [RealmReasons['Stalled'], string] = ['JoinRateTooLow', 'main-0: 12 of 40']
  expect(judged([joins(94, 6)], [], 90, before)).toEqual({ state: 'tooLow', message: 'main-0: 12 of 40' })
  expect(judged([joins(95, 5)], [], 90, before)).toEqual({ state: 'ok' })
  expect(judged([joins(94, 6)], [], 90, ['JoinFailed', 'something else'])).toEqual({ state: 'ok' })
})

test('a minJoinRate of 0 judges nothing', () => {
  expect(judged([joins(0, 100)], [], 0)).toEqual({ state: 'ok' })
})

/** A change that reached the first of three cells, with the join counts of that cell. */
function begun(given: number, missed: number): { simulation: Simulation; first: string } {
  const simulation = settled({ cells: { replicas: 3, max: 4 } })
  simulation.declare({}, { version: '2.0.0', ...rollout({ canaryCells: 1 }) })
  simulation.rollOut()
  const first = simulation.names().find((name) => name.length > 6) ?? ''
  for (const name of simulation.names()) simulation.joinCounts.set(name, joins(100, 0))
  simulation.joinCounts.set(first, joins(given, missed))
  simulation.declare({}, rollout())
  return { simulation, first }
}
const stalled = ({ realm }: Simulation) => conditionOf(realm, 'Stalled')

test('the rollout stops while too few players of a new cell get an island, and the realm is stalled', () => {
  const { simulation, first } = begun(12, 28)
  simulation.rollOut(60)
  expect(simulation.byVersion()).toEqual(['0:2.0.0', '1:1.2.3', '2:1.2.3'])
  expect(stalled(simulation)).toMatchObject({
    status: 'True',
    reason: 'JoinRateTooLow',
    message: `${first}: 12 of 40 players who signed in were given an island (30 %, rollout.minJoinRate is 90 %)`,
  })
  expect(simulation.states()).toMatchObject({ 'main-1': 'Serving', 'main-2': 'Serving' })
  const { status } = simulation.realm
  simulation.joinCounts.set(first, joins(13, 33))
  simulation.pass()
  expect(simulation.realm.status).toEqual(status)
})

test('the rollout continues when players get islands, and when too few players have joined to judge', () => {
  for (const [given, missed] of [
    [400, 3],
    [0, 2],
  ] as const) {
    const { simulation } = begun(given, missed)
    simulation.rollOut()
    expect(simulation.byVersion()).toEqual(['0:2.0.0', '1:2.0.0', '2:2.0.0'])
  }
})

test('while enough players wait for an island the rollout is underway and waits for them, then goes on', () => {
  const { simulation, first } = begun(0, 0)
  simulation.joinCounts.set(first, joins(0, 0, 30))
  for (let i = 0; i < 30; i++) simulation.pass()
  expect(simulation.byVersion()).toEqual(['0:2.0.0', '1:1.2.3', '2:1.2.3'])
  expect(conditionOf(simulation.realm, 'Progressing')).toMatchObject({ status: 'True', reason: 'RollingOut' })
  expect(simulation.plan?.recheckMs).toBe(5_000)
  simulation.joinCounts.set(first, joins(30, 0))
  simulation.rollOut()
  expect(simulation.byVersion()).toEqual(['0:2.0.0', '1:2.0.0', '2:2.0.0'])
})

test('a rollout that the join rate stopped can be undone, whatever the join rate is', () => {
  const { simulation } = begun(0, 100)
  simulation.rollOut(60)
  simulation.declare({}, { version: '1.2.3' })
  simulation.rollOut()
  expect(simulation.byVersion()).toEqual(['0:1.2.3', '1:1.2.3', '2:1.2.3'])
  expect(stalled(simulation)).toMatchObject({ status: 'False' })
})

test('join counts are observed only while there are cells to replace', () => {
  const simulation = settled({ cells: { replicas: 2, max: 4 } })
  const watched = () => simulation.plan?.rollout.cellsToWatch.length
  expect(watched()).toBe(0)
  simulation.declare({}, { version: '2.0.0', ...rollout({ canaryCells: 1 }) })
  simulation.rollOut()
  expect(watched()).toBe(2)
  simulation.declare({}, rollout({ minJoinRate: 0, canaryCells: 1 }))
  simulation.settle()
  expect(watched()).toBe(0)
  simulation.declare({}, rollout())
  simulation.rollOut()
  expect(watched()).toBe(0)
})
