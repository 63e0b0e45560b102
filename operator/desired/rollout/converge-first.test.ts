import fc from 'fast-check'
import { expect, test } from 'vitest'
import { conditionOf } from '../../../crds/realm.ts'
import { rollout, type Simulation, settled } from '../simulation.fixtures.ts'

const threeCells = { cells: { replicas: 3, max: 4 } }
const versions = (simulation: Simulation) => [...new Set([...simulation.cells.values()].map(({ spec }) => spec.version))].sort()

/** A change to 2.0.0 that replaced this many of three cells, and went no further. */
function halfWay(replaced: number): Simulation {
  const simulation = settled(threeCells)
  simulation.declare({}, { version: '2.0.0', ...rollout({ canaryCells: replaced }) })
  simulation.rollOut()
  return simulation
}

/** The distinct sets of cells that the realm has until it settles, in their order. */
function courseOf(simulation: Simulation): string[] {
  const seen: string[] = []
  for (let i = 0; i < 600; i++) {
    simulation.pass()
    simulation.joinCandidates()
    const now = simulation.byVersion().join(' ')
    if (now !== seen.at(-1)) seen.push(now)
    expect(versions(simulation).length, now).toBeLessThanOrEqual(2)
    expect(Object.values(simulation.states())).toEqual(['Serving', 'Serving', 'Serving'])
    simulation.wait(1_000)
  }
  return seen
}

test('a third version is not begun while cells of two others exist: the rarer one is replaced first', () => {
  const simulation = halfWay(1)
  simulation.declare({}, { version: '3.0.0', ...rollout() })
  const seen = courseOf(simulation)
  expect(seen.slice(0, 3)).toEqual([
    '0:1.2.3 0:2.0.0 1:1.2.3 2:1.2.3',
    '0:1.2.3 1:1.2.3 2:1.2.3',
    '0:1.2.3 0:3.0.0 1:1.2.3 2:1.2.3',
  ])
  expect(seen.at(-1)).toBe('0:3.0.0 1:3.0.0 2:3.0.0')
})

test('the rarer version may be the older one, so that the fewest players move twice', () => {
  const simulation = halfWay(2)
  simulation.declare({}, { version: '3.0.0', ...rollout() })
  simulation.pass()
  expect(conditionOf(simulation.realm, 'Progressing')).toMatchObject({
    status: 'True',
    reason: 'RollingOut',
    message: '0 of 3 cells are updated; first the operator brings the cells of two earlier changes to one revision',
  })
  const seen = courseOf(simulation)
  expect(seen.slice(0, 2)).toEqual(['0:2.0.0 1:2.0.0 2:1.2.3 2:2.0.0', '0:2.0.0 1:2.0.0 2:2.0.0'])
  expect(seen.at(-1)).toBe('0:3.0.0 1:3.0.0 2:3.0.0')
})

test('cells do not converge on a version that gives players no islands, although most cells have it', () => {
  const simulation = halfWay(2)
  for (const { metadata, spec } of simulation.cells.values()) {
    const isFailing = spec.version === '2.0.0'
    simulation.joinCounts.set(metadata.name, { given: isFailing ? 0 : 100, missed: isFailing ? 100 : 0, waiting: 0 })
  }
  simulation.declare({}, { version: '3.0.0', ...rollout() })
  const seen = courseOf(simulation)
  expect(seen[0]).toBe('0:1.2.3 0:2.0.0 1:2.0.0 2:1.2.3')
  expect(seen.at(-1)).toBe('0:3.0.0 1:3.0.0 2:3.0.0')
})

test('a candidate that never served is just removed, and no player moves twice', () => {
  const simulation = settled(threeCells)
  simulation.podsStart = (version) => version !== '2.0.0'
  simulation.declare({}, { version: '2.0.0' })
  simulation.pass()
  simulation.declare({}, { version: '3.0.0' })
  const seen = courseOf(simulation)
  expect(seen.slice(0, 3)).toEqual([
    '0:1.2.3 0:2.0.0 1:1.2.3 2:1.2.3',
    '0:1.2.3 1:1.2.3 2:1.2.3',
    '0:1.2.3 0:3.0.0 1:1.2.3 2:1.2.3',
  ])
})

test('when cells of neither version serve, all go straight to the declared one', () => {
  const simulation = halfWay(1)
  for (const run of simulation.running.values()) run.works = false
  simulation.pass()
  simulation.declare({}, { version: '3.0.0', ...rollout() })
  simulation.rollOut()
  expect(simulation.byVersion()).toEqual(['0:3.0.0', '1:3.0.0', '2:3.0.0'])
})

test('canaryCells neither stops converging nor counts the cells that converged', () => {
  const simulation = halfWay(1)
  simulation.declare({}, { version: '3.0.0', ...rollout({ canaryCells: 1 }) })
  const seen = courseOf(simulation)
  expect(seen.at(-1)).toBe('0:3.0.0 1:1.2.3 2:1.2.3')
})

test('a cell that is added meanwhile gets the version that cells converge on', () => {
  const simulation = halfWay(1)
  simulation.declare({ replicas: 4 }, { version: '3.0.0', ...rollout({ paused: true }) })
  simulation.settle()
  expect(simulation.byVersion()).toEqual(['0:2.0.0', '1:1.2.3', '2:1.2.3', '3:1.2.3'])
  simulation.declare({}, rollout())
  simulation.rollOut(400)
  expect(versions(simulation)).toEqual(['3.0.0'])
})

test('a change back to either of the two versions needs no converging', () => {
  for (const version of ['1.2.3', '2.0.0']) {
    const simulation = halfWay(1)
    simulation.declare({}, { version, ...rollout() })
    simulation.pass()
    expect(simulation.plan?.rollout.convergesFirst).toBe(false)
    courseOf(simulation)
    expect(versions(simulation)).toEqual([version])
  }
})

test('for any sequence of changes, a realm never has cells of three versions while its cells work', () => {
  const change = fc.record({
    version: fc.constantFrom('1.2.3', '2.0.0', '3.0.0', '4.0.0'),
    replicas: fc.integer({ min: 1, max: 4 }),
    paused: fc.boolean(),
    passes: fc.nat(60),
  })
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 8 }), (changes) => {
      const simulation = settled(threeCells)
      const pass = (passes: number) => {
        for (let i = 0; i < passes; i++) {
          simulation.pass()
          simulation.joinCandidates()
          expect(versions(simulation).length, simulation.byVersion().join(' ')).toBeLessThanOrEqual(2)
          simulation.wait(1_000)
        }
      }
      for (const { version, replicas, paused, passes } of changes) {
        simulation.declare({ replicas }, { version, ...rollout({ paused }) })
        pass(passes)
      }
      simulation.declare({}, rollout())
      pass(400)
      expect(versions(simulation)).toEqual([simulation.realm.spec.version])
    }),
    { numRuns: 25 },
  )
}, 60_000)
