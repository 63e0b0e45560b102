import fc from 'fast-check'
import { expect, test } from 'vitest'
import { conditionOf } from '../../../crds/realm.ts'
import { rollout, Simulation } from '../simulation.fixtures.ts'

const SLOTS = 4
const bounds = (most: number) =>
  fc
    .tuple(fc.integer({ min: 1, max: most }), fc.integer({ min: 1, max: most }))
    .map(([a, b]) => ({ min: Math.min(a, b), max: Math.max(a, b) }))
const autoscales = fc.record({
  playersPerConnector: fc.integer({ min: 20, max: 200 }),
  connectors: bounds(5),
  cells: bounds(SLOTS),
  scaleDownAfterSeconds: fc.constant(0),
})
const events = fc.oneof(
  { weight: 4, arbitrary: fc.record({ is: fc.constant('players' as const), players: fc.nat(3_000) }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('countsLost' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ is: fc.constant('version' as const), version: fc.constantFrom('1.2.3', '2.0.0', '3.0.0') }),
  },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('replicas' as const), replicas: fc.nat(SLOTS) }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant('autoscale' as const), autoscale: autoscales }) },
  { weight: 8, arbitrary: fc.record({ is: fc.constant('passes' as const), passes: fc.nat(20) }) },
)

/** A realm whose players are spread evenly over the cells that serve. */
class PopulatedRealm {
  readonly simulation: Simulation
  players: number | undefined = 0

  constructor(autoscale: NonNullable<Simulation['realm']['spec']['autoscale']>) {
    this.simulation = new Simulation({ cells: { replicas: 1, max: SLOTS }, autoscale })
    this.simulation.isPeakNow = true
  }

  pass(): void {
    const { simulation, players } = this
    const serving = simulation.realm.status?.endpoints?.filter(({ state }) => state === 'Serving').map(({ slot }) => slot) ?? []
    simulation.arePlayersUnknown = players === undefined
    simulation.players =
      players === undefined ? undefined : new Map(serving.map((slot) => [slot, Math.ceil(players / serving.length)]))
    simulation.pass()
    simulation.joinCandidates()
    simulation.wait(5_000)
  }

  check(): void {
    const { realm, cells } = this.simulation
    const { autoscale, status } = { autoscale: realm.spec.autoscale, status: realm.status?.autoscale }
    if (!autoscale?.cells || !status) return
    const fewest = realm.spec.cells.replicas === 0 ? 0 : autoscale.cells.min
    expect(status.cells).toBeGreaterThanOrEqual(fewest)
    expect(status.cells).toBeLessThanOrEqual(autoscale.cells.max)
    // Cells of a realm that is being hibernated keep their numbers.
    if (fewest === 0) return
    for (const { spec } of cells.values()) {
      expect(spec.connectors.replicas).toBeGreaterThanOrEqual(autoscale.connectors.min)
      expect(spec.connectors.replicas).toBeLessThanOrEqual(autoscale.connectors.max)
    }
  }

  text = (): string => JSON.stringify([this.simulation.realm.status, [...this.simulation.cells.values()]])
}

test('for any sequence of players, versions and specs the bounds hold; and when it ends the realm settles, with room for all players', () => {
  fc.assert(
    fc.property(autoscales, fc.array(events, { maxLength: 30 }), (autoscale, sequence) => {
      const world = new PopulatedRealm(autoscale)
      for (const event of sequence) {
        if (event.is === 'players') world.players = event.players
        else if (event.is === 'countsLost') world.players = undefined
        else if (event.is === 'version') world.simulation.declare({}, { version: event.version })
        else if (event.is === 'replicas') world.simulation.declare({ replicas: event.replicas })
        else if (event.is === 'autoscale') world.simulation.declare({}, { autoscale: event.autoscale })
        else
          for (let i = 0; i < event.passes; i++) {
            world.pass()
            world.check()
          }
      }
      world.players ??= 500
      world.simulation.declare({ replicas: 1 }, rollout())
      for (let i = 0; i < 600; i++) world.pass()
      const before = world.text()
      for (let i = 0; i < 50; i++) world.pass()
      expect(world.text()).toBe(before)
      world.check()
      const { realm, cells } = world.simulation
      expect(cells.size).toBe(realm.status?.autoscale?.cells)
      expect(conditionOf(realm, 'Progressing')).toMatchObject({ status: 'False', reason: 'Settled' })
      const { playersPerConnector, connectors, cells: cellBounds } = realm.spec.autoscale ?? autoscale
      const share = Math.ceil(world.players / cells.size)
      const isOverloaded = [...cells.values()].some(({ spec }) => share > spec.connectors.replicas * playersPerConnector)
      if (isOverloaded) {
        expect([...cells.values()].map(({ spec }) => spec.connectors.replicas)).toEqual(Array(cells.size).fill(connectors.max))
        expect(cells.size).toBe(cellBounds?.max)
        expect(realm.status?.autoscale?.reason).toBe('AtMaximum')
      }
    }),
    { numRuns: 30 },
  )
}, 120_000)
