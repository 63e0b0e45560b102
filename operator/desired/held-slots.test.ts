import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { CommsCell } from '../../crds/realm.ts'
import { slotRoutes } from './endpoints.ts'
import { heldSlots, withHeldSlots } from './held-slots.ts'
import { aServingCell } from './realm.fixtures.ts'
import { type Simulation, settled } from './simulation.fixtures.ts'

/** A player keeps the URL of a slot for ever, and is in one cell. */
interface Player {
  url: number
  cell: string
}

/** A realm with players who come back by their URL when their cell ends. */
class Crowd {
  readonly simulation: Simulation
  readonly players: Player[] = []

  constructor(replicas: number, max: number) {
    this.simulation = settled({ cells: { replicas, max } })
  }

  join(slot: number, count: number): void {
    const published = this.simulation.realm.status?.endpoints?.filter(({ state }) => state === 'Serving') ?? []
    const url = published[slot % published.length]?.slot
    if (url === undefined) return
    for (let i = 0; i < count; i++) this.players.push({ url, cell: this.#routeOf(url) })
  }

  /** Scales, or changes the version, and waits until nothing changes any more. */
  declare(...change: Parameters<Simulation['declare']>): void {
    const { simulation } = this
    simulation.declare(...change)
    let quiet = 0
    for (let i = 0; i < 600 && quiet < 3; i++) {
      const before = `${simulation.byVersion()} ${simulation.routes()}`
      this.#count()
      simulation.pass()
      simulation.joinCandidates()
      this.#reconnect()
      simulation.wait(2_000)
      const { rollout, cells } = simulation.plan ?? {}
      const isStill = !rollout?.isUnderway && cells?.every(({ spec }) => !spec.desiredState)
      quiet = isStill && before === `${simulation.byVersion()} ${simulation.routes()}` ? quiet + 1 : 0
    }
    expect(quiet, 'the realm settles').toBe(3)
  }

  /** Islands belong to the cells of one slot. */
  slots = (): number[] => this.players.map(({ cell }) => this.#cells.get(cell)?.spec.slot ?? -1)

  get #cells(): ReadonlyMap<string, CommsCell> {
    return this.simulation.cells
  }

  #routeOf = (url: number): string => this.simulation.routes()[url] ?? ''

  #count(): void {
    const counts = Map.groupBy(this.slots(), (slot) => slot)
    const slots = [...this.#cells.values()].map(({ spec }) => spec.slot)
    this.simulation.players = new Map(slots.map((slot) => [slot, counts.get(slot)?.length ?? 0]))
  }

  #reconnect(): void {
    for (const player of this.players) {
      const cell = this.#cells.get(player.cell)
      if (!cell || cell.spec.desiredState === 'Drained') player.cell = this.#routeOf(player.url)
    }
  }
}

test.each([3, 4])('after 3, 1 and 2 cells of %i slots, another version moves no player to other islands', (max) => {
  const crowd = new Crowd(3, max)
  for (const slot of [0, 1, 2]) crowd.join(slot, 20)
  crowd.declare({ replicas: 1 })
  expect(new Set(crowd.slots()).size).toBe(1)
  crowd.declare({ replicas: 2 })
  crowd.join(1, 5)
  const before = crowd.slots()
  crowd.declare({}, { version: '2.0.0' })
  expect(crowd.slots()).toEqual(before)
  crowd.declare({}, { version: '3.0.0' })
  expect(crowd.slots()).toEqual(before)
})

test('a new cell gets a slot whose URL no player of another cell holds, where there is one', () => {
  const crowd = new Crowd(3, 4)
  for (const slot of [0, 1, 2]) crowd.join(slot, 3 - slot)
  crowd.declare({ replicas: 1 })
  crowd.declare({ replicas: 2 })
  expect(crowd.simulation.names()).toEqual(['main-0', 'main-3'])
  expect(crowd.simulation.routes()).toEqual(['main-0', 'main-0', 'main-0', 'main-3'])
})

test('a cell without players holds no URL of another slot', () => {
  const crowd = new Crowd(2, 4)
  for (const slot of [0, 1]) crowd.join(slot, 2 - slot)
  crowd.declare({ replicas: 1 })
  expect(heldSlots(crowd.simulation.cell('main-0'))).toEqual([1])
  crowd.players.length = 0
  crowd.declare({ replicas: 1 })
  crowd.declare({ replicas: 2 })
  expect(crowd.simulation.names()).toEqual(['main-0', 'main-1'])
  expect(heldSlots(crowd.simulation.cell('main-0'))).toEqual([])
})

test('after any order of scaling and changes, another version moves no player to other islands', () => {
  const aStep = fc.oneof(
    fc.record({ is: fc.constant('scale' as const), replicas: fc.integer({ min: 1, max: 3 }) }),
    fc.record({ is: fc.constant('join' as const), slot: fc.nat(3), count: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ is: fc.constant('version' as const) }),
  )
  fc.assert(
    fc.property(fc.array(aStep, { maxLength: 10 }), fc.constantFrom(3, 4), (steps, max) => {
      const crowd = new Crowd(3, max)
      for (const slot of [0, 1, 2]) crowd.join(slot, 2)
      let version = 0
      for (const step of [...steps, { is: 'version' as const }]) {
        if (step.is === 'scale') crowd.declare({ replicas: step.replicas })
        if (step.is === 'join') crowd.join(step.slot, step.count)
        if (step.is !== 'version') continue
        const before = crowd.slots()
        crowd.declare({}, { version: `2.0.${++version}` })
        expect(crowd.slots()).toEqual(before)
      }
    }),
    { numRuns: 40 },
  )
}, 120_000)

test('what another client wrote into the record is ignored', () => {
  const cell = aServingCell()
  const written = (text: string) => heldSlots({ ...cell, metadata: { ...cell.metadata, annotations: { [KEY]: text } } })
  expect(heldSlots(withHeldSlots(cell, [3, 1, 0, 1]))).toEqual([1, 3])
  expect(withHeldSlots(withHeldSlots(cell, [3]), [])).toEqual(cell)
  expect([written(''), written('x,-1,1e1,2,,999'), written('1;2')]).toEqual([[], [2], []])
})
const KEY = 'comms.decentraland.org/held-slots'

test('while a cell is drained its successor answers for the slots its players hold, before their own cells do', () => {
  const endpoint = (slot: number, cell: string) => ({ slot, cell, adapter: '', state: 'Serving' as const })
  const endpoints = [endpoint(0, 'main-0-new'), endpoint(1, 'main-1')]
  const routes = (successors: [number, string][], holders: [number, string[]][] = []) =>
    slotRoutes(4, endpoints, { successors: new Map(successors), holders: new Map(holders) }).map(({ cell }) => cell)
  expect(routes([])).toEqual(['main-0-new', 'main-1', 'main-0-new', 'main-1'])
  expect(routes([[1, 'main-0-new']])).toEqual(['main-0-new', 'main-0-new', 'main-0-new', 'main-1'])
  expect(routes([[1, 'main-9']])).toEqual(['main-0-new', 'main-1', 'main-0-new', 'main-1'])
  expect(routes([], [[3, ['main-0-new']]])).toEqual(['main-0-new', 'main-1', 'main-0-new', 'main-0-new'])
})
