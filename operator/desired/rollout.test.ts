import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { conditionOf, type RealmSpec } from '../../crds/realm.ts'
import { Simulation } from './simulation.fixtures.ts'

const cellsOf = (replicas: number, max = 4) => ({ cells: { replicas, max } })
const byVersion = (simulation: Simulation) =>
  [...simulation.cells.values()].map(({ spec }) => `${spec.slot}:${spec.version}`).sort()
const condition = (simulation: Simulation, type: string) => conditionOf(simulation.realm, type)
const rollout = (changes: Partial<RealmSpec['rollout']>): Pick<RealmSpec, 'rollout'> => ({
  rollout: { paused: false, joinProbe: 'Required', progressDeadlineSeconds: 600, ...changes },
})

/** A realm at rest. */
function settled(spec: ConstructorParameters<typeof Simulation>[0]): Simulation {
  const simulation = new Simulation(spec)
  simulation.settle()
  return simulation
}

/** Whoever is to be joined is joined. */
function joinAll(simulation: Simulation): void {
  for (const { metadata } of simulation.plan?.rollout.joining ?? []) simulation.joins.set(metadata.name, { state: 'joined' })
}

/** Passes until the realm rests, with a probe that joins whatever it is asked to. */
function rollOn(simulation: Simulation, atMost = 200): void {
  for (let i = 0; i < atMost; i++) {
    simulation.pass()
    joinAll(simulation)
    simulation.wait(1_000)
  }
  simulation.settle()
}

test('another version comes as a new cell, joined before it takes the slot over; the old one drains and goes', () => {
  const simulation = settled(cellsOf(1))
  simulation.declare({}, { version: '2.0.0' })
  simulation.pass()
  simulation.pass()
  const [, name = ''] = simulation.names()
  expect(name).toMatch(/^main-0-[a-z0-9]{6}$/)
  expect(simulation.plan?.rollout.joining.map(({ metadata }) => metadata.name)).toEqual([name])
  expect([simulation.routes(), simulation.states()]).toEqual([Array(4).fill('main-0'), { 'main-0': 'Serving' }])
  expect(condition(simulation, 'Progressing')).toMatchObject({
    status: 'True',
    reason: 'RollingOut',
    message: '0 of 1 cells are as declared',
  })
  simulation.wait(60_000)
  simulation.pass()
  expect(simulation.routes()).toEqual(Array(4).fill('main-0'))
  joinAll(simulation)
  simulation.pass()
  expect([simulation.routes(), simulation.states()]).toEqual([Array(4).fill(name), { [name]: 'Serving' }])
  expect(simulation.cell('main-0').spec.desiredState).toBe('Draining')
  expect(condition(simulation, 'Ready')).toMatchObject({ status: 'True' })
  simulation.settle()
  expect(simulation.names()).toEqual([name])
  expect(simulation.realm.status).toMatchObject({ replicas: 1, updatedReplicas: 1 })
  expect(condition(simulation, 'Progressing')).toMatchObject({ status: 'False', reason: 'Settled' })
})

test('cells change one after the other, and never do fewer serve than were asked for', () => {
  const simulation = settled(cellsOf(3))
  simulation.declare({}, { version: '2.0.0' })
  for (let i = 0; i < 200; i++) {
    simulation.pass()
    expect(Object.values(simulation.states())).toEqual(['Serving', 'Serving', 'Serving'])
    expect(simulation.cells.size).toBeLessThanOrEqual(4)
    joinAll(simulation)
    simulation.wait(1_000)
  }
  expect(byVersion(simulation)).toEqual(['0:2.0.0', '1:2.0.0', '2:2.0.0'])
})

test('what only connectors are told changes in place, in every cell at once', () => {
  const simulation = settled(cellsOf(2))
  const { template } = simulation.realm.spec.cells
  simulation.declare({ template: { ...template, connectors: { ...template.connectors, replicas: 3, drainSeconds: 99 } } })
  simulation.settle()
  expect(simulation.names()).toEqual(['main-0', 'main-1'])
  expect([...simulation.cells.values()].map(({ spec }) => spec.connectors)).toMatchObject(
    Array(2).fill({ replicas: 3, drainSeconds: 99 }),
  )
})

test('another template, another LiveKit and other pods make other cells', () => {
  const { template } = settled(cellsOf(1)).realm.spec.cells
  const changes: Parameters<Simulation['declare']>[] = [
    [{ template: { ...template, archipelago: { ...template.archipelago, islandSize: 7 } } }],
    [{}, { livekit: { type: 'External', url: 'wss://other.example.org', credentials: { secretName: 'livekit' } } }],
    [{}, { pods: { nodeSelector: { disk: 'fast' } } }],
  ]
  for (const change of changes) {
    const simulation = settled(cellsOf(1))
    simulation.declare(...change)
    rollOn(simulation)
    expect(simulation.names()).toEqual([expect.stringMatching(/^main-0-[a-z0-9]{6}$/)])
  }
})

test('an edited cell is put right, not replaced', () => {
  const simulation = settled(cellsOf(1))
  const { archipelago } = simulation.cell('main-0').spec
  simulation.edit('main-0', { version: 'evil', archipelago: { ...archipelago, islandSize: 1 } })
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

test('a new cell that cannot be joined halts the change and says so, while the old one serves', () => {
  const simulation = settled(cellsOf(2))
  simulation.declare({}, { version: '2.0.0' })
  simulation.pass()
  simulation.pass()
  const name = simulation.names().find((other) => other.length > 6) ?? ''
  simulation.joins.set(name, { state: 'failed', message: 'no island within 15 s' })
  simulation.wait(60_000)
  simulation.settle()
  expect(condition(simulation, 'Stalled')).toMatchObject({
    status: 'True',
    reason: 'JoinFailed',
    message: `${name} could not be joined: no island within 15 s`,
  })
  expect(simulation.states()).toEqual({ 'main-0': 'Serving', 'main-1': 'Serving' })
  expect(condition(simulation, 'Ready')).toMatchObject({ status: 'True' })
})

test('a change that is set back is undone: the newcomer goes, the old cell never stopped serving', () => {
  const simulation = settled(cellsOf(1))
  simulation.declare({}, { version: '2.0.0' })
  simulation.pass()
  simulation.pass()
  simulation.declare({}, { version: '1.2.3' })
  simulation.settle()
  expect(simulation.names()).toEqual(['main-0'])
  expect(simulation.running.get('main-0')).toMatchObject({ pods: 1, goneAt: undefined })
})

test('a change that is set back late takes the old cell back, if it is still there', () => {
  const simulation = settled(cellsOf(1))
  simulation.declare({}, { version: '2.0.0' })
  simulation.pass()
  simulation.pass()
  joinAll(simulation)
  simulation.pass()
  simulation.pass()
  expect(simulation.cell('main-0').spec.desiredState).toBe('Draining')
  simulation.declare({}, { version: '1.2.3' })
  rollOn(simulation)
  expect(simulation.names()).toEqual(['main-0'])
  expect(simulation.states()).toEqual({ 'main-0': 'Serving' })
})

test('a change of mind half-way drops the newcomer first: a slot never has three cells', () => {
  const simulation = settled(cellsOf(1))
  simulation.comesUp = (version) => version !== '2.0.0'
  simulation.declare({}, { version: '2.0.0' })
  simulation.pass()
  simulation.pass()
  simulation.declare({}, { version: '3.0.0' })
  for (let i = 0; i < 100; i++) {
    simulation.pass()
    expect(simulation.cells.size).toBeLessThanOrEqual(2)
    expect(Object.values(simulation.states())).toEqual(['Serving'])
    joinAll(simulation)
    simulation.wait(1_000)
  }
  expect(byVersion(simulation)).toEqual(['0:3.0.0'])
})

test('a cell that serves nobody is replaced without proof, and before those that do', () => {
  const simulation = settled(cellsOf(2))
  simulation.running.set('main-1', { works: false, pods: 1, goneAt: undefined })
  simulation.pass()
  simulation.declare({}, { version: '2.0.0' })
  for (let i = 0; i < 3; i++) simulation.pass()
  expect(byVersion(simulation)).toEqual(['0:1.2.3', '1:1.2.3', '1:2.0.0'])
  expect(simulation.states()).toMatchObject({ 'main-0': 'Serving' })
  expect(simulation.routes()[1]).toMatch(/^main-1-/)
})

test('while paused nothing is replaced; scaling goes on', () => {
  const simulation = settled(cellsOf(1))
  simulation.declare({ replicas: 2 }, { version: '2.0.0', ...rollout({ paused: true }) })
  simulation.settle()
  expect(byVersion(simulation)).toEqual(['0:1.2.3', '1:2.0.0'])
  expect(condition(simulation, 'Progressing')).toMatchObject({
    status: 'False',
    reason: 'Paused',
    message: expect.stringMatching(/^1 of 2/),
  })
  simulation.declare({}, rollout({}))
  rollOn(simulation)
  expect(byVersion(simulation)).toEqual(['0:2.0.0', '1:2.0.0'])
})

test('after its canary cells a change waits until it is told to go on', () => {
  const simulation = settled(cellsOf(3))
  simulation.declare({}, { version: '2.0.0', ...rollout({ canaryCells: 1 }) })
  rollOn(simulation)
  expect(byVersion(simulation)).toEqual(['0:2.0.0', '1:1.2.3', '2:1.2.3'])
  expect(condition(simulation, 'Progressing')).toMatchObject({ status: 'False', reason: 'CanaryServing' })
  simulation.declare({}, rollout({}))
  rollOn(simulation)
  expect(byVersion(simulation)).toEqual(['0:2.0.0', '1:2.0.0', '2:2.0.0'])
})

test('a new cell that stops serving keeps the change from reaching the next', () => {
  const simulation = settled(cellsOf(2))
  simulation.declare({}, { version: '2.0.0', ...rollout({ canaryCells: 1 }) })
  rollOn(simulation)
  const [canary = ''] = simulation.names()
  simulation.running.set(canary, { works: false, pods: 1, goneAt: undefined })
  simulation.pass()
  simulation.declare({}, rollout({}))
  for (let i = 0; i < 3; i++) simulation.pass()
  expect(byVersion(simulation)).toEqual(['0:2.0.0', '1:1.2.3'])
  expect(condition(simulation, 'Stalled')).toMatchObject({
    reason: 'NewCellsUnhealthy',
    message: expect.stringContaining(canary),
  })
})

test('a new cell that is not up in time stalls the realm, which says what is in its way', () => {
  const simulation = settled(cellsOf(1))
  simulation.comesUp = (version) => version !== '2.0.0'
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
    message: expect.stringMatching(/^main-0-\w+ is not up after 120 s: no connector takes players yet$/),
  })
  expect(condition(simulation, 'Ready')).toMatchObject({ status: 'True' })
})

test('without a probe the readiness of the pods is proof enough', () => {
  const simulation = settled(cellsOf(1))
  simulation.declare({}, { version: '2.0.0', ...rollout({ joinProbe: 'None' }) })
  simulation.settle()
  expect(byVersion(simulation)).toEqual(['0:2.0.0'])
})

describe('whatever people declare and whatever breaks', () => {
  type Event =
    | { is: 'replicas'; replicas: number }
    | { is: 'version'; version: string }
    | { is: 'pause'; paused: boolean }
    | { is: 'pods'; of: number; works: boolean }
    | { is: 'deleted'; of: number }
    | { is: 'cordon'; of: number; to: 'Serving' | 'Draining' | 'Drained' }
    | { is: 'pass' }
    | { is: 'time'; ms: number }
  const versions = fc.constantFrom('1.2.3', '2.0.0', '3.0.0')
  const event: fc.Arbitrary<Event> = fc.oneof(
    { weight: 2, arbitrary: fc.record({ is: fc.constant('replicas' as const), replicas: fc.integer({ min: 0, max: 4 }) }) },
    { weight: 2, arbitrary: fc.record({ is: fc.constant('version' as const), version: versions }) },
    { weight: 1, arbitrary: fc.record({ is: fc.constant('pause' as const), paused: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ is: fc.constant('pods' as const), of: fc.nat(7), works: fc.boolean() }) },
    { weight: 1, arbitrary: fc.record({ is: fc.constant('deleted' as const), of: fc.nat(7) }) },
    {
      weight: 1,
      arbitrary: fc.record({
        is: fc.constant('cordon' as const),
        of: fc.nat(7),
        to: fc.constantFrom('Serving' as const, 'Draining' as const, 'Drained' as const),
      }),
    },
    { weight: 8, arbitrary: fc.constant({ is: 'pass' as const }) },
    { weight: 4, arbitrary: fc.record({ is: fc.constant('time' as const), ms: fc.nat(20_000) }) },
  )

  function happen(simulation: Simulation, what: Event): void {
    const someCell = (of: number) => simulation.names()[of % Math.max(simulation.cells.size, 1)]
    switch (what.is) {
      case 'replicas':
        simulation.declare({ replicas: what.replicas })
        break
      case 'version':
        simulation.declare({}, { version: what.version })
        break
      case 'pause':
        simulation.declare({}, rollout({ paused: what.paused }))
        break
      case 'time':
        simulation.wait(what.ms)
        break
      case 'pods': {
        const run = simulation.running.get(someCell(what.of) ?? '')
        if (run) run.works = what.works
        break
      }
      case 'deleted': {
        const name = someCell(what.of)
        if (name) simulation.cells.delete(name)
        break
      }
      case 'cordon': {
        const name = someCell(what.of)
        if (name) simulation.tell(name, what.to)
        break
      }
      case 'pass':
        simulation.pass()
        joinAll(simulation)
    }
  }

  function check(simulation: Simulation): void {
    const { plan, cells } = simulation
    if (!plan) return
    const own = plan.cells.map(({ metadata }) => metadata.name)
    const bySlot = Map.groupBy(cells.values(), ({ spec }) => spec.slot)
    for (const [slot, there] of bySlot) expect(there.length, `cells of slot ${slot}`).toBeLessThanOrEqual(2)
    // No slot leads nowhere while a cell lives, and none leads to a cell that is not there.
    if (own.length > 0) expect(plan.slots.map(({ slot }) => slot)).toEqual([0, 1, 2, 3])
    for (const { cell } of plan.slots) expect(own).toContain(cell)
    // Nobody is led to a cell on its way out while another could take them.
    const leaving = new Set(plan.endpoints.filter(({ state }) => state === 'Draining').map(({ cell }) => cell))
    if (plan.endpoints.some(({ state }) => state !== 'Draining'))
      for (const { cell } of plan.slots) expect(leaving).not.toContain(cell)
    // Whoever is drained in a slot the realm keeps leaves another behind who has the slot.
    for (const cell of plan.cells.filter(({ spec }) => spec.desiredState !== undefined)) {
      const holder = plan.endpoints.find(({ slot }) => slot === cell.spec.slot)
      if (holder && holder.state !== 'Draining') expect(holder.cell).not.toBe(cell.metadata.name)
    }
  }

  test('no slot has three cells, none leads nowhere, and nobody leaves who has the slot', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 60 }), (events) => {
        const simulation = new Simulation(cellsOf(2))
        for (const what of events) {
          happen(simulation, what)
          if (what.is === 'pass') check(simulation)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('once people rest and pods work, the realm becomes what was declared, and nothing changes any more', () => {
    fc.assert(
      fc.property(fc.array(event, { maxLength: 40 }), (events) => {
        const simulation = new Simulation(cellsOf(2))
        for (const what of events) happen(simulation, what)
        for (const name of simulation.names()) simulation.tell(name, 'Serving')
        for (const run of simulation.running.values()) run.works = true
        simulation.declare({}, rollout({ paused: false }))
        rollOn(simulation, 250)
        const { version, cells } = simulation.realm.spec
        const there = [...simulation.cells.values()]
        expect(there.map(({ spec }) => spec.version)).toEqual(Array(cells.replicas).fill(version))
        expect(simulation.realm.status).toMatchObject({
          replicas: cells.replicas,
          readyReplicas: cells.replicas,
          updatedReplicas: cells.replicas,
        })
        expect(condition(simulation, 'Progressing')).toMatchObject({ status: 'False', reason: 'Settled' })
      }),
      { numRuns: 60 },
    )
  })
})
