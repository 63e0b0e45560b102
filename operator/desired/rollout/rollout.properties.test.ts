import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { conditionOf } from '../../../crds/realm.ts'
import { rollout, Simulation } from '../simulation.fixtures.ts'

const cellsOf = (replicas: number, max = 4) => ({ cells: { replicas, max } })

describe('for any sequence of changes and failures', () => {
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
  const anEvent: fc.Arbitrary<Event> = fc.oneof(
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

  function apply(simulation: Simulation, event: Event): void {
    const someCell = (of: number) => simulation.names()[of % Math.max(simulation.cells.size, 1)]
    switch (event.is) {
      case 'replicas':
        simulation.declare({ replicas: event.replicas })
        break
      case 'version':
        simulation.declare({}, { version: event.version })
        break
      case 'pause':
        simulation.declare({}, rollout({ paused: event.paused }))
        break
      case 'time':
        simulation.wait(event.ms)
        break
      case 'pods': {
        const run = simulation.running.get(someCell(event.of) ?? '')
        if (run) run.works = event.works
        break
      }
      case 'deleted': {
        const name = someCell(event.of)
        if (name) simulation.cells.delete(name)
        break
      }
      case 'cordon': {
        const name = someCell(event.of)
        if (name) simulation.setDesiredState(name, event.to)
        break
      }
      case 'pass':
        simulation.pass()
        simulation.joinCandidates()
    }
  }

  function check(simulation: Simulation): void {
    const { plan, cells } = simulation
    if (!plan) return
    const own = plan.cells.map(({ metadata }) => metadata.name)
    const bySlot = Map.groupBy(cells.values(), ({ spec }) => spec.slot)
    for (const [slot, ofSlot] of bySlot) expect(ofSlot.length, `cells of slot ${slot}`).toBeLessThanOrEqual(2)
    // Every slot has a route while any cell exists, and each route names a cell that exists.
    if (own.length > 0) expect(plan.routes.map(({ slot }) => slot)).toEqual([0, 1, 2, 3])
    for (const { cell } of plan.routes) expect(own).toContain(cell)
    // No slot is routed to a draining cell while another could take its players.
    const draining = new Set(plan.endpoints.filter(({ state }) => state === 'Draining').map(({ cell }) => cell))
    if (plan.endpoints.some(({ state }) => state !== 'Draining'))
      for (const { cell } of plan.routes) expect(draining).not.toContain(cell)
    // A draining cell of a slot that the realm keeps is not the active one.
    for (const cell of plan.cells.filter(({ spec }) => spec.desiredState !== undefined)) {
      const active = plan.endpoints.find(({ slot }) => slot === cell.spec.slot)
      if (active && active.state !== 'Draining') expect(active.cell).not.toBe(cell.metadata.name)
    }
  }

  test('no slot has three cells, every slot has a route, and the active cell of a slot is never drained', () => {
    fc.assert(
      fc.property(fc.array(anEvent, { maxLength: 60 }), (events) => {
        const simulation = new Simulation(cellsOf(2))
        for (const event of events) {
          apply(simulation, event)
          if (event.is === 'pass') check(simulation)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('once nothing more is declared and pods work, the realm becomes what its spec says and settles', () => {
    fc.assert(
      fc.property(fc.array(anEvent, { maxLength: 40 }), (events) => {
        const simulation = new Simulation(cellsOf(2))
        for (const event of events) apply(simulation, event)
        for (const name of simulation.names()) simulation.setDesiredState(name, 'Serving')
        for (const run of simulation.running.values()) run.works = true
        simulation.declare({}, rollout({ paused: false }))
        simulation.rollOut(250)
        const { version, cells } = simulation.realm.spec
        const existing = [...simulation.cells.values()]
        expect(existing.map(({ spec }) => spec.version)).toEqual(Array(cells.replicas).fill(version))
        expect(simulation.realm.status).toMatchObject({
          replicas: cells.replicas,
          readyReplicas: cells.replicas,
          updatedReplicas: cells.replicas,
        })
        expect(conditionOf(simulation.realm, 'Progressing')).toMatchObject({ status: 'False', reason: 'Settled' })
      }),
      { numRuns: 60 },
    )
  }, 120_000)
})
