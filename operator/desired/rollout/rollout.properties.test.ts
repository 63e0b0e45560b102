import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { conditionOf } from '../../../crds/realm.ts'
import { rollout, Simulation } from '../simulation.fixtures.ts'

const cellsOf = (replicas: number, max = 4) => ({ cells: { replicas, max } })

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
        if (name) simulation.setDesiredState(name, what.to)
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
    for (const [slot, there] of bySlot) expect(there.length, `cells of slot ${slot}`).toBeLessThanOrEqual(2)
    // No slot leads nowhere while a cell lives, and none leads to a cell that is not there.
    if (own.length > 0) expect(plan.routes.map(({ slot }) => slot)).toEqual([0, 1, 2, 3])
    for (const { cell } of plan.routes) expect(own).toContain(cell)
    // Nobody is led to a cell on its way out while another could take them.
    const leaving = new Set(plan.endpoints.filter(({ state }) => state === 'Draining').map(({ cell }) => cell))
    if (plan.endpoints.some(({ state }) => state !== 'Draining'))
      for (const { cell } of plan.routes) expect(leaving).not.toContain(cell)
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
        for (const name of simulation.names()) simulation.setDesiredState(name, 'Serving')
        for (const run of simulation.running.values()) run.works = true
        simulation.declare({}, rollout({ paused: false }))
        simulation.rollOut(250)
        const { version, cells } = simulation.realm.spec
        const there = [...simulation.cells.values()]
        expect(there.map(({ spec }) => spec.version)).toEqual(Array(cells.replicas).fill(version))
        expect(simulation.realm.status).toMatchObject({
          replicas: cells.replicas,
          readyReplicas: cells.replicas,
          updatedReplicas: cells.replicas,
        })
        expect(conditionOf(simulation.realm, 'Progressing')).toMatchObject({ status: 'False', reason: 'Settled' })
      }),
      { numRuns: 60 },
    )
  })
})
