import { expect, test } from 'vitest'
import { conditionOf } from '../../../crds/realm.ts'
import { rollout, type Simulation, settled } from '../simulation.fixtures.ts'

const cellsOf = (replicas: number, max = 4) => ({ cells: { replicas, max } })
const condition = (simulation: Simulation, type: string) => conditionOf(simulation.realm, type)

test('a new version gets a new cell, which is joined before it gets the slot; the old cell is drained and removed', () => {
  const simulation = settled(cellsOf(1))
  simulation.declare({}, { version: '2.0.0' })
  simulation.pass()
  simulation.pass()
  const [, name = ''] = simulation.names()
  expect(name).toMatch(/^main-0-[a-z0-9]{6}$/)
  expect(simulation.plan?.rollout.cellsToJoin.map(({ metadata }) => metadata.name)).toEqual([name])
  expect([simulation.routes(), simulation.states()]).toEqual([Array(4).fill('main-0'), { 'main-0': 'Serving' }])
  expect(condition(simulation, 'Progressing')).toMatchObject({
    status: 'True',
    reason: 'RollingOut',
    message: '0 of 1 cells are updated',
  })
  simulation.wait(60_000)
  simulation.pass()
  expect(simulation.routes()).toEqual(Array(4).fill('main-0'))
  simulation.joinCandidates()
  simulation.pass()
  expect([simulation.routes(), simulation.states()]).toEqual([Array(4).fill(name), { [name]: 'Serving' }])
  expect(simulation.cell('main-0').spec.desiredState).toBe('Draining')
  expect(condition(simulation, 'Ready')).toMatchObject({ status: 'True' })
  simulation.settle()
  expect(simulation.names()).toEqual([name])
  expect(simulation.realm.status).toMatchObject({ replicas: 1, updatedReplicas: 1 })
  expect(condition(simulation, 'Progressing')).toMatchObject({ status: 'False', reason: 'Settled' })
})

test('cells are replaced one after the other, and never do fewer serve than the spec asks for', () => {
  const simulation = settled(cellsOf(3))
  simulation.declare({}, { version: '2.0.0' })
  for (let i = 0; i < 200; i++) {
    simulation.pass()
    expect(Object.values(simulation.states())).toEqual(['Serving', 'Serving', 'Serving'])
    expect(simulation.cells.size).toBeLessThanOrEqual(4)
    simulation.joinCandidates()
    simulation.wait(1_000)
  }
  expect(simulation.byVersion()).toEqual(['0:2.0.0', '1:2.0.0', '2:2.0.0'])
})

test('fields that only connectors use change in place, in all cells at once', () => {
  const simulation = settled(cellsOf(2))
  const { template } = simulation.realm.spec.cells
  simulation.declare({ template: { ...template, connectors: { ...template.connectors, replicas: 3, drainSeconds: 99 } } })
  simulation.settle()
  expect(simulation.names()).toEqual(['main-0', 'main-1'])
  expect([...simulation.cells.values()].map(({ spec }) => spec.connectors)).toMatchObject(
    Array(2).fill({ replicas: 3, drainSeconds: 99 }),
  )
})

test('a change of the template, of the LiveKit or of the pods replaces cells', () => {
  const { template } = settled(cellsOf(1)).realm.spec.cells
  const changes: Parameters<Simulation['declare']>[] = [
    [{ template: { ...template, archipelago: { ...template.archipelago, islandSize: 7 } } }],
    [{}, { livekit: { type: 'External', url: 'wss://other.example.org', credentials: { secretName: 'livekit' } } }],
    [{}, { pods: { nodeSelector: { disk: 'fast' } } }],
  ]
  for (const change of changes) {
    const simulation = settled(cellsOf(1))
    simulation.declare(...change)
    simulation.rollOut()
    expect(simulation.names()).toEqual([expect.stringMatching(/^main-0-[a-z0-9]{6}$/)])
  }
})

test('an edited cell is corrected, not replaced', () => {
  const simulation = settled(cellsOf(1))
  const { archipelago } = simulation.cell('main-0').spec
  simulation.edit('main-0', { version: 'edited', archipelago: { ...archipelago, islandSize: 1 } })
  simulation.settle()
  expect(simulation.names()).toEqual(['main-0'])
  expect(simulation.cell('main-0').spec).toMatchObject({ version: '1.2.3', archipelago: { islandSize: 100 } })
})

test('a field that a newer API fills in everywhere replaces no cell', () => {
  const simulation = settled(cellsOf(1))
  const more = { islandColour: 'green' } as object
  const { template } = simulation.realm.spec.cells
  const { archipelago } = simulation.cell('main-0').spec
  simulation.edit('main-0', { archipelago: { ...archipelago, ...more } })
  simulation.declare({ template: { ...template, archipelago: { ...template.archipelago, ...more } } })
  simulation.settle()
  expect(simulation.names()).toEqual(['main-0'])
})

test('a new cell that cannot be joined stops the rollout and stalls the realm, while the old cell serves', () => {
  const simulation = settled(cellsOf(2))
  simulation.declare({}, { version: '2.0.0' })
  simulation.pass()
  simulation.pass()
  const name = simulation.names().find((other) => other.length > 6) ?? ''
  simulation.syntheticJoins.set(name, { state: 'failed', message: 'no island within 15 s' })
  simulation.wait(60_000)
  simulation.settle()
  expect(condition(simulation, 'Stalled')).toMatchObject({
    status: 'True',
    reason: 'JoinFailed',
    message: `the operator could not join ${name} as a player: no island within 15 s`,
  })
  expect(simulation.states()).toEqual({ 'main-0': 'Serving', 'main-1': 'Serving' })
  expect(condition(simulation, 'Ready')).toMatchObject({ status: 'True' })
})

test('setting a change back undoes it: the candidate is removed, and the old cell serves all the time', () => {
  const simulation = settled(cellsOf(1))
  simulation.declare({}, { version: '2.0.0' })
  simulation.pass()
  simulation.pass()
  simulation.declare({}, { version: '1.2.3' })
  simulation.settle()
  expect(simulation.names()).toEqual(['main-0'])
  expect(simulation.running.get('main-0')).toMatchObject({ pods: 1, goneAt: undefined })
})

test('setting a change back late gives the slot back to the old cell, if that still exists', () => {
  const simulation = settled(cellsOf(1))
  simulation.declare({}, { version: '2.0.0' })
  simulation.pass()
  simulation.pass()
  simulation.joinCandidates()
  simulation.pass()
  simulation.pass()
  expect(simulation.cell('main-0').spec.desiredState).toBe('Draining')
  simulation.declare({}, { version: '1.2.3' })
  simulation.rollOut()
  expect(simulation.names()).toEqual(['main-0'])
  expect(simulation.states()).toEqual({ 'main-0': 'Serving' })
})

test('a further change half-way removes the candidate first: a slot never has three cells', () => {
  const simulation = settled(cellsOf(1))
  simulation.podsStart = (version) => version !== '2.0.0'
  simulation.declare({}, { version: '2.0.0' })
  simulation.pass()
  simulation.pass()
  simulation.declare({}, { version: '3.0.0' })
  for (let i = 0; i < 100; i++) {
    simulation.pass()
    expect(simulation.cells.size).toBeLessThanOrEqual(2)
    expect(Object.values(simulation.states())).toEqual(['Serving'])
    simulation.joinCandidates()
    simulation.wait(1_000)
  }
  expect(simulation.byVersion()).toEqual(['0:3.0.0'])
})

test('a cell that does not serve is replaced without a synthetic join, and before cells that serve', () => {
  const simulation = settled(cellsOf(2))
  simulation.running.set('main-1', { works: false, pods: 1, goneAt: undefined })
  simulation.pass()
  simulation.declare({}, { version: '2.0.0' })
  for (let i = 0; i < 3; i++) simulation.pass()
  expect(simulation.byVersion()).toEqual(['0:1.2.3', '1:1.2.3', '1:2.0.0'])
  expect(simulation.states()).toMatchObject({ 'main-0': 'Serving' })
  expect(simulation.routes()[1]).toMatch(/^main-1-/)
})

test('a new cell that stops serving stops the rollout', () => {
  const simulation = settled(cellsOf(2))
  simulation.declare({}, { version: '2.0.0', ...rollout({ canaryCells: 1 }) })
  simulation.rollOut()
  const [canary = ''] = simulation.names()
  simulation.running.set(canary, { works: false, pods: 1, goneAt: undefined })
  simulation.pass()
  simulation.declare({}, rollout({}))
  for (let i = 0; i < 3; i++) simulation.pass()
  expect(simulation.byVersion()).toEqual(['0:2.0.0', '1:1.2.3'])
  expect(condition(simulation, 'Stalled')).toMatchObject({
    reason: 'NewCellsUnhealthy',
    message: expect.stringContaining(canary),
  })
})

test('an outage of the broker in the middle of a rollout stops it only while the outage lasts, and removes no cell', () => {
  const simulation = settled(cellsOf(3))
  simulation.declare({}, { version: '2.0.0', ...rollout({ canaryCells: 1 }) })
  simulation.rollOut()
  const setWorks = (works: boolean) => {
    for (const [name, pods] of simulation.running) simulation.running.set(name, { ...pods, works })
  }
  setWorks(false)
  simulation.pass()
  simulation.declare({}, rollout({}))
  for (let i = 0; i < 5; i++) simulation.pass()
  expect(simulation.byVersion()).toEqual(['0:2.0.0', '1:1.2.3', '2:1.2.3'])
  expect(simulation.realm.status?.endpoints?.map(({ state }) => state)).toEqual(['Unhealthy', 'Unhealthy', 'Unhealthy'])
  setWorks(true)
  simulation.rollOut()
  expect(simulation.byVersion()).toEqual(['0:2.0.0', '1:2.0.0', '2:2.0.0'])
})

test('a new cell that misses its deadline stalls the realm, with what blocks the cell', () => {
  const simulation = settled(cellsOf(1))
  simulation.podsStart = (version) => version !== '2.0.0'
  simulation.declare({}, { version: '2.0.0', ...rollout({ progressDeadlineSeconds: 120 }) })
  simulation.pass()
  simulation.pass()
  expect(simulation.plan?.recheckMs).toBeLessThanOrEqual(120_000)
  expect(condition(simulation, 'Stalled')).toMatchObject({ status: 'False' })
  simulation.wait(120_000)
  simulation.settle()
  expect(condition(simulation, 'Stalled')).toMatchObject({
    status: 'True',
    reason: 'ProgressDeadlineExceeded',
    message: expect.stringMatching(/^main-0-\w+ did not replace the old cell within 120 s: no connector pod is ready$/),
  })
  expect(condition(simulation, 'Ready')).toMatchObject({ status: 'True' })
})

test('with joinProbe None a cell gets its slot once its pods are ready', () => {
  const simulation = settled(cellsOf(1))
  simulation.declare({}, { version: '2.0.0', ...rollout({ joinProbe: 'None' }) })
  simulation.settle()
  expect(simulation.byVersion()).toEqual(['0:2.0.0'])
})
