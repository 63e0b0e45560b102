import { expect, test } from 'vitest'
import type { RealmSpec } from '../../../crds/realm.ts'
import { Simulation } from '../simulation.fixtures.ts'

type Autoscale = NonNullable<RealmSpec['autoscale']>

const anAutoscale = (changes: Partial<Autoscale> = {}): Autoscale => ({
  playersPerConnector: 100,
  connectors: { min: 1, max: 4 },
  scaleDownAfterSeconds: 300,
  ...changes,
})
const playersBySlot = (...players: number[]) => new Map(players.map((count, slot) => [slot, count]))
const status = (simulation: Simulation) => simulation.realm.status?.autoscale
const connectors = (simulation: Simulation) => [...simulation.cells.values()].map(({ spec }) => spec.connectors.replicas)

/** A realm that has settled with these players, by slot. */
function aRealmWith(
  players: ReadonlyMap<number, number> | undefined,
  autoscale: Partial<Autoscale> = {},
  replicas = 1,
): Simulation {
  const simulation = new Simulation({ cells: { replicas, max: 4 }, autoscale: anAutoscale(autoscale) })
  simulation.players = players
  simulation.settle()
  return simulation
}

/** Advances time by a minute, with a pass every ten seconds. */
function minute(simulation: Simulation): void {
  for (let i = 0; i < 6; i++) {
    simulation.pass()
    simulation.wait(10_000)
  }
}

test('without autoscale no number changes, and the status has none', () => {
  const simulation = new Simulation({ cells: { replicas: 2, max: 4 } })
  simulation.players = playersBySlot(100_000, 100_000)
  simulation.settle()
  expect([connectors(simulation), status(simulation)]).toEqual([[1, 1], undefined])
})

test('the status has the last decision and its reason, with the numbers of that moment', () => {
  const simulation = aRealmWith(playersBySlot(10))
  expect(status(simulation)).toMatchObject({ cells: 1, connectors: 1, reason: 'Started' })
  simulation.players = playersBySlot(124)
  simulation.settle()
  expect(connectors(simulation)).toEqual([2])
  const decided = status(simulation)
  expect(decided).toMatchObject({
    connectors: 2,
    reason: 'MorePlayers',
    message: 'main-0: 124 players of 100 for 1 connector, 2 from now on',
  })
  for (const players of [131, 109, 120]) {
    simulation.players = playersBySlot(players)
    minute(simulation)
  }
  expect(status(simulation)).toEqual(decided)
})

test('decisions are kept in the objects alone, so that a new operator process goes on from them', () => {
  const simulation = aRealmWith(playersBySlot(1_000), { cells: { min: 1, max: 3 } })
  for (let i = 0; i < 5; i++) {
    simulation.players = playersBySlot(1_000, 1_000, 1_000)
    minute(simulation)
  }
  expect([simulation.names(), connectors(simulation)]).toEqual([
    ['main-0', 'main-1', 'main-2'],
    [4, 4, 4],
  ])
  // The new process has not counted yet.
  simulation.players = undefined
  minute(simulation)
  expect([simulation.names().length, connectors(simulation)]).toEqual([3, [4, 4, 4]])
  expect(status(simulation)).toMatchObject({ cells: 3, connectors: 12, reason: 'AtMaximum' })
  simulation.arePlayersUnknown = true
  minute(simulation)
  expect([simulation.names().length, connectors(simulation)]).toEqual([3, [4, 4, 4]])
  expect(status(simulation)).toMatchObject({ cells: 3, connectors: 12, reason: 'PlayersUnknown' })
  simulation.arePlayersUnknown = false
  minute(simulation)
  expect(status(simulation)).toMatchObject({ reason: 'PlayersUnknown' })
  simulation.players = playersBySlot(300, 300, 300)
  minute(simulation)
  expect(status(simulation)).toMatchObject({ cells: 3, reason: 'Settled' })
})

test('cells and connectors are removed one by one, each after the one before has ended', () => {
  const simulation = aRealmWith(playersBySlot(1_000, 1_000), { cells: { min: 1, max: 2 } }, 2)
  for (let i = 0; i < 3; i++) minute(simulation)
  expect([connectors(simulation), simulation.plan?.desiredCells]).toEqual([[4, 4], 2])
  simulation.players = playersBySlot(20, 20)
  simulation.isPeakNow = true
  const seen: string[] = []
  for (let i = 0; i < 60; i++) {
    const before = seen.at(-1)
    simulation.pass()
    const now = `${simulation.plan?.desiredCells}:${[...simulation.cells.values()].filter(({ spec }) => !spec.desiredState).map(({ spec }) => spec.connectors.replicas)}`
    if (now !== before) seen.push(now)
    simulation.wait(5_000)
  }
  expect(seen).toEqual(['1:4', '1:3', '1:2', '1:1'])
  expect(status(simulation)).toMatchObject({ cells: 1, connectors: 1, reason: 'FewerPlayers' })
})

test('while cells are replaced no number changes; a new cell starts with the number of the cell it replaces', () => {
  const simulation = aRealmWith(playersBySlot(290))
  minute(simulation)
  expect(connectors(simulation)).toEqual([4])
  simulation.declare({}, { version: '2.0.0' })
  simulation.pass()
  simulation.players = playersBySlot(0)
  simulation.isPeakNow = true
  for (let i = 0; i < 100; i++) {
    simulation.pass()
    const replacing = simulation.cells.size > 1
    if (replacing) for (const { spec } of simulation.cells.values()) expect(spec.connectors.replicas).toBe(4)
    for (const { metadata } of simulation.plan?.rollout.cellsToJoin ?? [])
      simulation.syntheticJoins.set(metadata.name, { state: 'joined' })
    simulation.wait(1_000)
    if (!replacing && i > 10) break
  }
  expect([...simulation.cells.values()].map(({ spec }) => [spec.version, spec.connectors.replicas])).toEqual([['2.0.0', 4]])
})

test('a stalled rollout does not keep connectors from being added', () => {
  const simulation = aRealmWith(playersBySlot(90))
  simulation.podsStart = (version) => version !== '2.0.0'
  const { rollout } = simulation.realm.spec
  simulation.declare({}, { version: '2.0.0', rollout: { ...rollout, progressDeadlineSeconds: 60 } })
  for (let i = 0; i < 3; i++) minute(simulation)
  simulation.players = playersBySlot(190)
  minute(simulation)
  expect(simulation.cell('main-0').spec.connectors.replicas).toBe(2)
})

test('with autoscale.cells the number in cells.replicas is ignored, except for 0, which hibernates', () => {
  const simulation = aRealmWith(playersBySlot(10), { cells: { min: 2, max: 3 } })
  expect(simulation.names()).toEqual(['main-0', 'main-1'])
  expect(status(simulation)).toMatchObject({ cells: 2 })
  simulation.declare({ replicas: 4 })
  simulation.settle()
  expect(simulation.names()).toEqual(['main-0', 'main-1'])
  expect(simulation.realm.status).toMatchObject({ replicas: 2, readyReplicas: 2 })
  simulation.declare({ replicas: 0 })
  simulation.settle()
  expect(simulation.names()).toEqual([])
  expect(status(simulation)).toMatchObject({ cells: 0, connectors: 0, reason: 'Hibernated' })
  simulation.declare({ replicas: 1 })
  simulation.settle()
  expect(simulation.names()).toEqual(['main-0', 'main-1'])
})

test('changed bounds apply at once, whatever the number of players', () => {
  const simulation = aRealmWith(undefined, { connectors: { min: 2, max: 4 } })
  expect(connectors(simulation)).toEqual([2])
  simulation.declare({}, { autoscale: anAutoscale({ connectors: { min: 3, max: 4 } }) })
  simulation.settle()
  expect(connectors(simulation)).toEqual([3])
  expect(status(simulation)).toMatchObject({ connectors: 3 })
})

test('without autoscale again, the numbers are those of the spec', () => {
  const simulation = aRealmWith(playersBySlot(350), { cells: { min: 2, max: 3 } })
  simulation.settle()
  const { autoscale: _, ...spec } = simulation.realm.spec
  simulation.realm = { ...simulation.realm, spec }
  simulation.settle()
  expect([simulation.names(), connectors(simulation), status(simulation)]).toEqual([['main-0'], [1], undefined])
})

test('players that stay or vary a little change no object', () => {
  const simulation = aRealmWith(playersBySlot(205, 210), { cells: { min: 1, max: 3 } }, 2)
  minute(simulation)
  const text = () => JSON.stringify([simulation.realm.status, [...simulation.cells.values()]])
  const before = text()
  for (const players of [playersBySlot(205, 210), playersBySlot(220, 190), playersBySlot(190, 229)]) {
    simulation.players = players
    minute(simulation)
    expect(text()).toBe(before)
  }
})
