import { expect, test } from 'vitest'
import { conditionOf } from '../../crds/realm.ts'
import { rollout, Simulation, settled } from './simulation.fixtures.ts'

const DAY_MS = 86_400_000

/** Another operator leads from now on, whose clock is right; that of the one before was a day ahead. */
const rightClock = (simulation: Simulation) => simulation.wait(-DAY_MS)

/** Passes, one per second. */
function run(simulation: Simulation, seconds: number): void {
  for (let i = 0; i < seconds; i++) {
    simulation.pass()
    simulation.wait(1_000)
  }
}

test('a cell that was cordoned by a clock a day ahead is drained and removed as soon as any other', () => {
  const simulation = settled({ cells: { replicas: 2, max: 4 } })
  simulation.declare({ replicas: 1 })
  simulation.pass()
  simulation.pass()
  expect(conditionOf(simulation.cell('main-1'), 'Cordoned')?.status).toBe('True')
  rightClock(simulation)
  run(simulation, 200)
  expect(simulation.names()).toEqual(['main-0'])
})

test('the numbers of a realm change again after a decision by a clock a day ahead', () => {
  const autoscale = { playersPerConnector: 100, connectors: { min: 1, max: 4 }, scaleDownAfterSeconds: 60 }
  const simulation = new Simulation({ cells: { replicas: 1, max: 4 }, autoscale })
  simulation.players = new Map([[0, 400]])
  simulation.settle()
  simulation.isPeakNow = true
  rightClock(simulation)
  simulation.players = new Map([[0, 10]])
  run(simulation, 600)
  expect(simulation.cell('main-0').spec.connectors.replicas).toBe(1)
})

test('the deadline of a new cell counts from its first condition where its creation is in the future', () => {
  const simulation = settled({ cells: { replicas: 1, max: 4 } })
  simulation.podsStart = (version) => version !== '2.0.0'
  simulation.declare({}, { version: '2.0.0', ...rollout({ progressDeadlineSeconds: 120 }) })
  simulation.pass()
  simulation.pass()
  rightClock(simulation)
  run(simulation, 60)
  expect(conditionOf(simulation.realm, 'Stalled')).toMatchObject({ status: 'False' })
  run(simulation, 120)
  expect(conditionOf(simulation.realm, 'Stalled')).toMatchObject({ status: 'True', reason: 'ProgressDeadlineExceeded' })
})
