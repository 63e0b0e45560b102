import { expect, test } from 'vitest'
import { conditionOf } from '../../../crds/realm.ts'
import { rollout, type Simulation, settled } from '../simulation.fixtures.ts'

const cellsOf = (replicas: number, max = 4) => ({ cells: { replicas, max } })
const condition = (simulation: Simulation, type: string) => conditionOf(simulation.realm, type)

test('while a rollout is paused only numbers change: added cells are like those that serve', () => {
  const simulation = settled(cellsOf(1))
  const { template } = simulation.realm.spec.cells
  const connectors = { ...template.connectors, replicas: 3, drainSeconds: 99 }
  simulation.declare({ replicas: 2, template: { ...template, connectors } }, { version: '2.0.0', ...rollout({ paused: true }) })
  simulation.settle()
  expect(simulation.byVersion()).toEqual(['0:1.2.3', '1:1.2.3'])
  expect(simulation.cell('main-0').spec.connectors).toEqual({ replicas: 3, drainSeconds: 30 })
  const held = { reason: 'RolloutPaused', message: '0 of 2 cells are updated; set rollout.paused to false to go on' }
  expect(condition(simulation, 'Progressing')).toMatchObject({ status: 'False', ...held })
  simulation.declare({}, rollout({}))
  simulation.rollOut()
  expect(simulation.byVersion()).toEqual(['0:2.0.0', '1:2.0.0'])
  expect([...simulation.cells.values()].map(({ spec }) => spec.connectors.drainSeconds)).toEqual([99, 99])
})

test('a change that would be made in place waits while the rollout is paused, and the status says so', () => {
  const simulation = settled(cellsOf(1))
  const { template } = simulation.realm.spec.cells
  const changed = { template: { ...template, connectors: { ...template.connectors, drainSeconds: 99 } } }
  simulation.declare(changed, rollout({ paused: true }))
  simulation.settle()
  expect(simulation.cell('main-0').spec.connectors.drainSeconds).toBe(30)
  expect(condition(simulation, 'Reconciling')).toMatchObject({ status: 'True', reason: 'RolloutPaused' })
  expect(simulation.realm.status?.updatedReplicas).toBe(0)
})

test('a pause in the middle of a slot leaves both cells as they are, for longer than the deadline', () => {
  const simulation = settled(cellsOf(1))
  simulation.declare({}, { version: '2.0.0' })
  simulation.pass()
  simulation.pass()
  simulation.joinCandidates()
  simulation.declare({}, rollout({ paused: true }))
  simulation.wait(3_600_000)
  simulation.settle()
  expect(simulation.byVersion()).toEqual(['0:1.2.3', '0:2.0.0'])
  expect(simulation.states()).toEqual({ 'main-0': 'Serving' })
  expect(condition(simulation, 'Stalled')).toMatchObject({ status: 'False' })
  expect(condition(simulation, 'Progressing')).toMatchObject({ status: 'False', reason: 'RolloutPaused' })
  simulation.declare({}, rollout({}))
  simulation.rollOut()
  expect(simulation.byVersion()).toEqual(['0:2.0.0'])
})

test('cells that are added beside a canary, or while the new version does not start, get the version that serves', () => {
  for (const podsStart of [() => true, (version: string) => version !== '2.0.0']) {
    const simulation = settled(cellsOf(2))
    simulation.wait(60_000)
    simulation.podsStart = podsStart
    simulation.declare({}, { version: '2.0.0', ...rollout({ canaryCells: 1 }) })
    simulation.rollOut(20)
    simulation.wait(600_000)
    simulation.pass()
    simulation.declare({ replicas: 4 })
    simulation.rollOut(20)
    expect(simulation.byVersion()).toEqual(expect.arrayContaining(['1:1.2.3', '2:1.2.3', '3:1.2.3']))
    expect(Object.values(simulation.states())).toEqual(Array(4).fill('Serving'))
  }
})

test('a rollout waits after its canary cells until canaryCells is raised or removed', () => {
  const simulation = settled(cellsOf(3))
  simulation.declare({}, { version: '2.0.0', ...rollout({ canaryCells: 1 }) })
  simulation.rollOut()
  expect(simulation.byVersion()).toEqual(['0:2.0.0', '1:1.2.3', '2:1.2.3'])
  expect(condition(simulation, 'Progressing')).toMatchObject({ status: 'False', reason: 'AwaitingPromotion' })
  simulation.declare({}, rollout({}))
  simulation.rollOut()
  expect(simulation.byVersion()).toEqual(['0:2.0.0', '1:2.0.0', '2:2.0.0'])
})

test.for([
  ['a minute after the realm was created', 60_000],
  ['within the second in which it was', 0],
] as const)('setting a change back that was made %s undoes its canary at once, whatever canaryCells is', ([, ms]) => {
  const simulation = settled(cellsOf(2))
  simulation.wait(ms)
  simulation.declare({}, { version: '2.0.0', ...rollout({ canaryCells: 1 }) })
  simulation.rollOut()
  expect(simulation.byVersion()).toEqual(['0:2.0.0', '1:1.2.3'])
  simulation.declare({}, { version: '1.2.3' })
  simulation.pass()
  expect(condition(simulation, 'Progressing')).toMatchObject({ status: 'True', reason: 'RollingOut' })
  simulation.rollOut()
  expect(simulation.byVersion()).toEqual(['0:1.2.3', '1:1.2.3'])
  expect(condition(simulation, 'Reconciling')).toMatchObject({ status: 'False', reason: 'Settled' })
})

test('a canary of an earlier version that every cell has left is a canary like any other', () => {
  const simulation = settled(cellsOf(2))
  simulation.wait(60_000)
  simulation.declare({}, { version: '2.0.0', ...rollout({}) })
  simulation.rollOut()
  simulation.declare({}, { version: '1.2.3', ...rollout({ canaryCells: 1 }) })
  simulation.rollOut()
  expect(simulation.byVersion()).toEqual(['0:1.2.3', '1:2.0.0'])
  expect(condition(simulation, 'Progressing')).toMatchObject({ status: 'False', reason: 'AwaitingPromotion' })
})

/** How long services wait for what, pass by pass. */
function holdsOf(simulation: Simulation): (string | undefined)[] {
  const seen: (string | undefined)[] = []
  for (let i = 0; i < 100; i++) {
    const { servicesHold } = simulation.pass()
    if (seen.length === 0 || seen.at(-1) !== servicesHold) seen.push(servicesHold)
    simulation.joinCandidates()
    simulation.wait(1_000)
  }
  return seen
}

test('services wait for the first new cell, and after it no longer', () => {
  const simulation = settled(cellsOf(3))
  expect(simulation.plan?.servicesHold).toBeUndefined()
  simulation.declare({}, { version: '2.0.0' })
  expect(holdsOf(simulation)).toEqual(['AwaitingFirstCell', undefined])
})

test('services wait with canary cells and with a pause, and not for the way back', () => {
  const simulation = settled(cellsOf(2))
  simulation.wait(60_000)
  simulation.declare({}, { version: '2.0.0', ...rollout({ canaryCells: 1 }) })
  expect(holdsOf(simulation)).toEqual(['AwaitingFirstCell', 'AwaitingPromotion'])
  simulation.declare({}, rollout({ paused: true }))
  expect(holdsOf(simulation)).toEqual(['RolloutPaused'])
  simulation.declare({}, { version: '1.2.3', ...rollout({ canaryCells: 1 }) })
  expect(holdsOf(simulation)).toEqual([undefined])
  expect(simulation.byVersion()).toEqual(['0:1.2.3', '1:1.2.3'])
})

test('services wait for ever for a version that does not start', () => {
  const simulation = settled(cellsOf(1))
  simulation.podsStart = (version) => version !== '9.9.9'
  simulation.declare({}, { version: '9.9.9', ...rollout({ progressDeadlineSeconds: 10 }) })
  expect(holdsOf(simulation)).toEqual(['AwaitingFirstCell'])
  expect(condition(simulation, 'Stalled')).toMatchObject({ status: 'True' })
})

test('services of a hibernated realm wait for nothing but a pause', () => {
  const simulation = settled(cellsOf(0))
  simulation.declare({}, { version: '2.0.0' })
  expect(holdsOf(simulation)).toEqual([undefined])
  simulation.declare({}, rollout({ paused: true }))
  expect(holdsOf(simulation)).toEqual(['RolloutPaused'])
})

test('further slots wait for services that are being changed, the way back does not', () => {
  const simulation = settled(cellsOf(2))
  simulation.wait(60_000)
  simulation.declare({}, { version: '2.0.0', ...rollout({ canaryCells: 1 }) })
  simulation.rollOut()
  simulation.areServicesUp = false
  simulation.declare({}, rollout())
  simulation.rollOut(20)
  expect(simulation.byVersion()).toEqual(['0:2.0.0', '1:1.2.3'])
  expect(condition(simulation, 'Progressing')).toMatchObject({ status: 'True', reason: 'ServicesStarting' })
  simulation.declare({}, { version: '1.2.3' })
  simulation.rollOut()
  expect(simulation.byVersion()).toEqual(['0:1.2.3', '1:1.2.3'])
})
