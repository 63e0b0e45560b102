import { expect, test } from 'vitest'
import { API_VERSION, type CommsCell, conditionOf } from '../../../crds/realm.ts'
import { Simulation } from '../simulation.fixtures.ts'

const cellsOf = (replicas: number, max = 4) => ({ cells: { replicas, max } })
const inRealm = (simulation: Simulation, type: string) => conditionOf(simulation.realm, type)

/** A realm that has settled. */
function settled(spec: ConstructorParameters<typeof Simulation>[0]): Simulation {
  const simulation = new Simulation(spec)
  simulation.settle()
  return simulation
}

test('scaling out adds cells at the lowest free slots, and each gets its slot once it serves', () => {
  const simulation = settled(cellsOf(1))
  simulation.declare({ replicas: 3 })
  simulation.pass()
  expect(simulation.routes()).toEqual(['main-0', 'main-0', 'main-0', 'main-0'])
  simulation.settle()
  expect(simulation.names()).toEqual(['main-0', 'main-1', 'main-2'])
  expect(simulation.routes()).toEqual(['main-0', 'main-1', 'main-2', 'main-0'])
})

test('scaling in removes the cell with the fewest players: it leaves the publication and its slot, then is drained, then removed', () => {
  const simulation = settled(cellsOf(3))
  simulation.players = new Map([
    ...[
      [0, 50],
      [1, 3],
      [2, 80],
    ],
  ] as [number, number][])
  simulation.declare({ replicas: 2 })
  simulation.pass()
  expect(simulation.states()).toEqual({ 'main-0': 'Serving', 'main-1': 'Draining', 'main-2': 'Serving' })
  expect(simulation.routes()).not.toContain('main-1')
  expect(simulation.cell('main-1').spec.desiredState).toBe('Draining')
  simulation.pass()
  expect(simulation.running.get('main-1')).toMatchObject({ pods: 1, goneAt: undefined })
  simulation.wait(4_000)
  simulation.pass()
  simulation.pass()
  expect(simulation.cell('main-1').spec.desiredState).toBe('Drained')
  expect(simulation.running.get('main-1')?.goneAt).toBeDefined()
  expect(inRealm(simulation, 'Progressing')).toMatchObject({ status: 'True', reason: 'CellsDraining' })
  expect(inRealm(simulation, 'Ready')).toMatchObject({ status: 'True' })
  simulation.settle()
  expect(simulation.names()).toEqual(['main-0', 'main-2'])
  expect(simulation.realm.status).toMatchObject({ replicas: 2, readyReplicas: 2, endpoints: [{ slot: 0 }, { slot: 2 }] })
  expect(inRealm(simulation, 'Progressing')).toMatchObject({ status: 'False', reason: 'Settled' })
})

test('a cell is not drained while a remote provider may still send players to it, for at most half a minute', () => {
  for (const isConfirmed of [true, false]) {
    const simulation = settled(cellsOf(2))
    simulation.remotelyRouted.add('main-1')
    simulation.declare({ replicas: 1 })
    const states = new Set<string | undefined>()
    const wait = (ms: number) => {
      for (let waited = 0; waited < ms; waited += 1_000) {
        simulation.pass()
        states.add(simulation.cell('main-1').spec.desiredState)
        simulation.wait(1_000)
      }
    }
    wait(20_000)
    expect([...states]).toEqual(['Draining'])
    if (isConfirmed) simulation.remotelyRouted.clear()
    wait(isConfirmed ? 1_000 : 14_000)
    expect([...states]).toEqual(['Draining', 'Drained'])
  }
})

test('without player counts the highest slot is removed; cells that never served are removed before', () => {
  const simulation = settled(cellsOf(3))
  simulation.declare({ replicas: 2 })
  simulation.settle()
  expect(simulation.names()).toEqual(['main-0', 'main-1'])
  simulation.podsStart = () => false
  simulation.declare({ replicas: 4 })
  simulation.pass()
  simulation.pass()
  simulation.players = new Map([
    [0, 0],
    [1, 9],
  ])
  simulation.declare({ replicas: 2 })
  simulation.wait(5_000)
  simulation.settle()
  expect(simulation.plan?.endpoints.filter(({ state }) => state === 'Serving').map(({ cell }) => cell)).toEqual([
    'main-0',
    'main-1',
  ])
})

test('a cell that is being removed stays the one, even when others get fewer players meanwhile', () => {
  const simulation = settled(cellsOf(2))
  simulation.players = new Map([
    [0, 5],
    [1, 2],
  ])
  simulation.declare({ replicas: 1 })
  simulation.pass()
  simulation.players = new Map([
    [0, 0],
    [1, 2],
  ])
  simulation.settle()
  expect(simulation.names()).toEqual(['main-0'])
})

test('a draining cell serves again when the realm is scaled out again', () => {
  const simulation = settled(cellsOf(2))
  simulation.declare({ replicas: 1 })
  for (let i = 0; i < 4; i++) {
    simulation.pass()
    simulation.wait(2_000)
  }
  expect(simulation.cell('main-1').spec.desiredState).toBe('Drained')
  simulation.declare({ replicas: 2 })
  simulation.settle()
  expect(simulation.cell('main-1').spec.desiredState).toBeUndefined()
  expect(simulation.states()).toEqual({ 'main-0': 'Serving', 'main-1': 'Serving' })
})

test('hibernation drains every cell, and the realm can be scaled out again', () => {
  const simulation = settled(cellsOf(2))
  simulation.declare({ replicas: 0 })
  simulation.pass()
  expect(simulation.states()).toEqual({ 'main-0': 'Draining', 'main-1': 'Draining' })
  expect(inRealm(simulation, 'Ready')).toMatchObject({ status: 'False', reason: 'CellsNotReady' })
  expect(inRealm(simulation, 'Published')).toMatchObject({ status: 'False', reason: 'NothingToPublish' })
  simulation.settle()
  expect(simulation.names()).toEqual([])
  expect(simulation.routes()).toEqual([])
  expect(inRealm(simulation, 'Ready')).toMatchObject({ status: 'True', reason: 'Hibernated' })
  expect(simulation.realm.status).toMatchObject({
    replicas: 0,
    selector: expect.stringContaining('!comms.decentraland.org/cell'),
  })
  simulation.declare({ replicas: 1 })
  simulation.settle()
  expect(inRealm(simulation, 'AcceptingPlayers')).toMatchObject({ status: 'True' })
})

test('a cell that never becomes empty is removed after its deadline', () => {
  const simulation = settled(cellsOf(2))
  simulation.declare({ replicas: 1 })
  simulation.pass()
  simulation.wait(4_000)
  simulation.pass()
  simulation.pass()
  const stuck = simulation.running.get('main-1')
  if (stuck) stuck.goneAt = Number.POSITIVE_INFINITY
  simulation.wait(30_000)
  simulation.pass()
  expect(simulation.names()).toContain('main-1')
  simulation.wait(61_000)
  simulation.pass()
  expect(simulation.names()).toEqual(['main-0'])
})

test('the selector of a realm selects the connectors of cells that serve, and no others', () => {
  const simulation = settled(cellsOf(3))
  simulation.declare({ replicas: 2 })
  simulation.pass()
  expect(simulation.realm.status?.selector).toBe(
    'comms.decentraland.org/realm=main,app.kubernetes.io/component=connector,comms.decentraland.org/cell in (main-0,main-1)',
  )
})

test('a cell that a user cordons leaves the publication and its slot, keeps its players, and can be taken back', () => {
  const simulation = settled(cellsOf(2))
  simulation.setDesiredState('main-1', 'Draining')
  simulation.pass()
  expect(simulation.states()).toEqual({ 'main-0': 'Serving', 'main-1': 'Draining' })
  expect(simulation.routes()).toEqual(['main-0', 'main-0', 'main-0', 'main-0'])
  simulation.wait(3_600_000)
  simulation.settle()
  expect(simulation.cell('main-1')).toMatchObject({
    spec: { desiredState: 'Draining' },
    status: { state: 'Draining', readyReplicas: 1 },
  })
  expect(inRealm(simulation, 'Ready')).toMatchObject({ status: 'False', message: '1 of 2 cells serve players' })
  simulation.setDesiredState('main-1', 'Serving')
  simulation.settle()
  expect(simulation.states()).toEqual({ 'main-0': 'Serving', 'main-1': 'Serving' })
})

test('a cell that a user drains runs nothing and stays; scaling in removes it first', () => {
  const simulation = settled(cellsOf(2))
  simulation.players = new Map([
    [0, 0],
    [1, 7],
  ])
  simulation.setDesiredState('main-0', 'Drained')
  simulation.settle()
  expect(simulation.cell('main-0')).toMatchObject({ status: { state: 'Drained', readyReplicas: 0 } })
  simulation.declare({ replicas: 1 })
  simulation.settle()
  expect(simulation.names()).toEqual(['main-1'])
})

const userCell = (slot: number): CommsCell => ({
  apiVersion: API_VERSION,
  kind: 'CommsCell',
  metadata: { name: 'mine', namespace: 'metaverse', uid: 'mine', generation: 1, creationTimestamp: '2026-11-21T07:00:00Z' },
  spec: { ...settled(cellsOf(1)).cell('main-0').spec, slot, url: 'wss://mine.example.org/cells/1' },
})

test('a cell that a user created serves at its slot, beside as many of the operator as the spec asks for', () => {
  const simulation = settled(cellsOf(1))
  simulation.cells.set('mine', userCell(1))
  simulation.settle()
  expect(simulation.states()).toEqual({ 'main-0': 'Serving', mine: 'Serving' })
  expect(simulation.realm.status?.endpoints?.[1]).toMatchObject({
    slot: 1,
    adapter: expect.stringContaining('wss://mine.example.org/cells/1/ws'),
  })
  expect(simulation.routes()).toEqual(['main-0', 'mine', 'main-0', 'mine'])
  expect(simulation.realm.status).toMatchObject({ replicas: 1, readyReplicas: 1 })
  simulation.declare({ replicas: 2 })
  simulation.settle()
  expect(simulation.names()).toEqual(['main-0', 'main-2', 'mine'])
  simulation.declare({ replicas: 0 })
  simulation.settle()
  expect(simulation.names()).toEqual(['mine'])
})

test('a cell that a user created for a slot of the operator gets it once it serves', () => {
  const simulation = settled(cellsOf(2))
  simulation.cells.set('mine', userCell(1))
  simulation.running.set('mine', { works: false, pods: 1, goneAt: undefined })
  simulation.pass()
  simulation.pass()
  expect(simulation.routes().slice(0, 2)).toEqual(['main-0', 'main-1'])
  simulation.running.set('mine', { works: true, pods: 1, goneAt: undefined })
  simulation.settle()
  expect(simulation.names()).toEqual(['main-0', 'main-2', 'mine'])
  expect(simulation.routes().slice(0, 3)).toEqual(['main-0', 'mine', 'main-2'])
})

test('a realm is stalled when cells that users created leave it too few slots', () => {
  const simulation = settled(cellsOf(2, 2))
  simulation.cells.set('mine', userCell(1))
  simulation.settle()
  expect(simulation.names()).toEqual(['main-0', 'mine'])
  expect(inRealm(simulation, 'Stalled')).toMatchObject({ status: 'True', reason: 'NoSlotFree' })
})
