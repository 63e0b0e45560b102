import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type AutoscaleSpec, type CellLoad, type DesiredNumbers, desiredNumbers, type RealmLoad } from './autoscale.ts'

const anAutoscale = (changes: Partial<AutoscaleSpec> = {}): AutoscaleSpec => ({
  playersPerConnector: 500,
  connectors: { min: 1, max: 10 },
  scaleDownAfterSeconds: 300,
  ...changes,
})
const aCell = (changes: Partial<CellLoad> = {}): CellLoad => ({
  ...{ slot: 0, name: 'main-0', connectors: 2, serves: true, isUp: true, isScaledByOthers: false, players: 0 },
  ...changes,
})
const aCrowd = (changes: Partial<RealmLoad> = {}): RealmLoad => ({
  cells: [aCell()],
  desiredCells: changes.cells?.length ?? 1,
  capacity: undefined,
  isChanging: false,
  peak: undefined,
  arePlayersUnknown: false,
  isSettled: true,
  wasAtMaximum: false,
  ...changes,
})
const peakOf = (...players: number[]) => ({
  bySlot: new Map(players.map((count, slot) => [slot, count])),
  total: players.reduce((sum, count) => sum + count, 0),
})
const connectors = ({ connectors: counts }: DesiredNumbers) => counts.get(0)

describe('connectors', () => {
  test('more players than they are meant for are more connectors at once, and the message has the numbers', () => {
    const numbers = desiredNumbers(anAutoscale(), aCrowd({ cells: [aCell({ players: 1_240 })] }))
    expect(connectors(numbers)).toBe(3)
    expect(numbers.decisions).toEqual([
      {
        what: 'connectors',
        reason: 'MorePlayers',
        message: 'main-0: 1 240 players of 1 000 for 2 connectors, 3 from now on',
      },
    ])
  })

  test('at most twice as many come at once, and no more before those are there', () => {
    const crowded = (cell: Partial<CellLoad>) =>
      desiredNumbers(anAutoscale(), aCrowd({ cells: [aCell({ players: 9_000, ...cell })] }))
    expect(connectors(crowded({}))).toBe(4)
    expect(connectors(crowded({ connectors: 4, isUp: false }))).toBe(4)
    expect(connectors(crowded({ connectors: 4 }))).toBe(8)
    expect(connectors(crowded({ connectors: 8 }))).toBe(10)
  })

  test('one goes after fewer had done all the time, with a fifth to spare', () => {
    const calm = (most: number, rest: Partial<RealmLoad> = {}) =>
      connectors(
        desiredNumbers(anAutoscale(), aCrowd({ cells: [aCell({ connectors: 3, players: 10 })], peak: peakOf(most), ...rest })),
      )
    expect(calm(801)).toBe(3)
    expect(calm(800)).toBe(2)
    expect(calm(0)).toBe(2)
    expect(calm(0, { isSettled: false })).toBe(3)
    expect(calm(0, { peak: undefined })).toBe(3)
  })

  test('nothing is judged while cells are replaced or drained, nor what nobody counts', () => {
    const cells = [aCell({ players: 5_000 })]
    expect(desiredNumbers(anAutoscale(), aCrowd({ cells, isChanging: true })).decisions).toEqual([])
    const unknown = (rest: Partial<RealmLoad>) =>
      desiredNumbers(anAutoscale(), aCrowd({ cells: [aCell({ players: undefined })], peak: peakOf(0), ...rest }))
    expect(unknown({})).toMatchObject({ connectors: new Map([[0, 2]]), decisions: [], limit: 'Undecided' })
    expect(unknown({ arePlayersUnknown: true })).toMatchObject({
      connectors: new Map([[0, 2]]),
      decisions: [],
      limit: 'PlayersUnknown',
    })
    const halfKnown = [aCell({ players: 7 }), aCell({ slot: 1, players: undefined })]
    expect(unknown({ cells: halfKnown })).toMatchObject({ limit: 'PlayersUnknown' })
    expect(unknown({ cells: halfKnown, isSettled: false })).toMatchObject({ limit: 'Undecided' })
  })

  test('what somebody else scales is left alone, bounds or no bounds', () => {
    const cells = [aCell({ isScaledByOthers: true, connectors: 50, players: 100_000 })]
    expect(desiredNumbers(anAutoscale(), aCrowd({ cells }))).toMatchObject({ decisions: [], connectors: new Map([[0, 50]]) })
  })
})

describe('cells', () => {
  const autoscale = anAutoscale({ connectors: { min: 1, max: 2 }, cells: { min: 1, max: 3 } })
  const cellsWith = (...players: (number | undefined)[]) =>
    players.map((count, slot) => aCell({ slot, name: `main-${slot}`, players: count }))

  test('one more comes when every cell has all its connectors and too many players', () => {
    expect(desiredNumbers(autoscale, aCrowd({ cells: cellsWith(1_200, 900) })).cells).toBe(2)
    expect(desiredNumbers(autoscale, aCrowd({ cells: cellsWith(1_200, 1_300) }))).toMatchObject({
      cells: 3,
      decisions: [{ what: 'cells', reason: 'MorePlayers', message: '2 500 players fill 2 cells, 3 from now on' }],
    })
  })

  test('connectors come first', () => {
    const numbers = desiredNumbers(autoscale, aCrowd({ cells: [aCell({ connectors: 1, players: 1_500 })] }))
    expect([connectors(numbers), numbers.cells]).toEqual([2, 1])
  })

  test('cells.capacity that is used up makes a cell as well, however few connectors there are', () => {
    const cells = [aCell({ connectors: 1, players: 300 })]
    expect(desiredNumbers(autoscale, aCrowd({ cells, capacity: 300 }))).toMatchObject({ cells: 2 })
    expect(desiredNumbers(autoscale, aCrowd({ cells, capacity: 301 }))).toMatchObject({ cells: 1 })
  })

  test('one goes when all players would have had room in the others all the time', () => {
    const calm = (rest: Partial<RealmLoad>) => desiredNumbers(autoscale, aCrowd({ cells: cellsWith(100, 100), ...rest })).cells
    expect(calm({ peak: peakOf(400, 400) })).toBe(1)
    expect(calm({ peak: peakOf(400, 401) })).toBe(2)
    expect(calm({ peak: peakOf(400, 400), capacity: 900 })).toBe(2)
    expect(calm({ peak: peakOf(0, 0), cells: cellsWith(0, undefined) })).toBe(2)
  })

  test('a cell on its way up is waited for before another is asked for', () => {
    expect(desiredNumbers(autoscale, aCrowd({ cells: cellsWith(2_000), desiredCells: 2 })).cells).toBe(2)
  })

  test('a realm that may not have more says so, until there are clearly fewer players', () => {
    const crowd = (players: number, wasAtMaximum = false) =>
      desiredNumbers(anAutoscale({ connectors: { min: 1, max: 2 } }), aCrowd({ cells: cellsWith(players), wasAtMaximum })).limit
    expect([crowd(1_000), crowd(1_001), crowd(900, true), crowd(800, true)]).toEqual([
      undefined,
      'AtMaximum',
      'AtMaximum',
      undefined,
    ])
  })
})

/** A realm that follows its numbers at once, and a crowd that is led to the emptiest cell. */
class World {
  readonly autoscale: AutoscaleSpec
  readonly capacity: number | undefined
  counts: number[]
  steps = 0
  changes = 0
  readonly #history: number[][] = []

  constructor(autoscale: AutoscaleSpec, counts: number[], capacity?: number) {
    this.autoscale = autoscale
    this.counts = counts
    this.capacity = capacity
  }

  /** One look at a crowd; the window is ten looks long. */
  look(players: number): DesiredNumbers {
    const each = this.counts.map(
      (_, slot) => Math.floor(players / this.counts.length) + Number(slot < players % this.counts.length),
    )
    this.#history.push(each)
    const seen = this.#history.slice(-10)
    const most = (slot: number) => Math.max(...seen.map((sample) => sample[slot] ?? 0))
    const total = Math.max(...seen.map((sample) => sample.reduce((sum, count) => sum + count, 0)))
    const cells = this.counts.map((count, slot) => aCell({ slot, name: `main-${slot}`, connectors: count, players: each[slot] }))
    const peak = seen.length === 10 ? { bySlot: new Map(cells.map(({ slot }) => [slot, most(slot)])), total } : undefined
    const numbers = desiredNumbers(this.autoscale, aCrowd({ cells, peak, capacity: this.capacity }))
    const kept = this.counts.slice(0, numbers.cells).map((_, slot) => numbers.connectors.get(slot) ?? 1)
    while (kept.length < numbers.cells) kept.push(this.autoscale.connectors.min)
    this.changes += numbers.decisions.length
    this.counts = kept
    return numbers
  }

  /** Looks at a steady crowd until nothing changed for longer than the window. */
  rest(players: number, atMost = 2_000): void {
    for (let quiet = 0, left = atMost; quiet < 25; left--) {
      if (left === 0) throw new Error(`no rest with ${players} players and ${this.counts}`)
      const before = this.changes
      this.look(players)
      quiet = this.changes === before ? quiet + 1 : 0
    }
  }
}

describe('whatever the bounds and the crowd', () => {
  const bounds = (most: number) =>
    fc
      .tuple(fc.integer({ min: 1, max: most }), fc.integer({ min: 1, max: most }))
      .map(([a, b]) => ({ min: Math.min(a, b), max: Math.max(a, b) }))
  const autoscales = fc
    .record({
      target: fc.integer({ min: 10, max: 2_000 }),
      connectors: bounds(30),
      cells: fc.option(bounds(8), { nil: undefined }),
    })
    .map(({ target, ...rest }) =>
      anAutoscale({ playersPerConnector: target, connectors: rest.connectors, ...(rest.cells && { cells: rest.cells }) }),
    )
  const counts = fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: 8 })
  const crowds = fc.integer({ min: 0, max: 200_000 })

  test('a steady crowd comes to rest', () => {
    fc.assert(
      fc.property(autoscales, counts, crowds, (autoscale, first, players) => {
        new World(autoscale, first).rest(players)
      }),
    )
  })

  test('a crowd that wobbles by a tenth asks each cell for a change once at most', () => {
    const wobbles = fc.array(fc.double({ min: 0.9, max: 1.1, noNaN: true }), { minLength: 40, maxLength: 80 })
    fc.assert(
      fc.property(autoscales, crowds, wobbles, (autoscale, players, shares) => {
        const world = new World({ ...autoscale, cells: { min: 1, max: 1 } }, [autoscale.connectors.min])
        world.rest(players)
        const before = world.changes
        for (const share of shares) world.look(Math.round(players * share))
        expect(world.changes - before).toBeLessThanOrEqual(1)
      }),
    )
  })

  test('a crowd that wobbles by a tenth makes no cell come and go', () => {
    const wobbles = fc.array(fc.double({ min: 0.9, max: 1.1, noNaN: true }), { minLength: 40, maxLength: 80 })
    fc.assert(
      fc.property(autoscales, crowds, wobbles, (autoscale, players, shares) => {
        const world = new World(autoscale, [1])
        world.rest(players)
        const seen = shares.map((share) => world.look(Math.round(players * share)).cells)
        const ordered = [...seen].sort((a, b) => a - b)
        expect([ordered, ordered.toReversed()]).toContainEqual(seen)
      }),
    )
  })

  test('bounds hold at every moment', () => {
    fc.assert(
      fc.property(autoscales, counts, fc.array(crowds, { maxLength: 40 }), (autoscale, first, players) => {
        const world = new World(autoscale, first)
        for (const crowd of players) {
          const { cells, connectors: chosen } = world.look(crowd)
          for (const count of chosen.values()) {
            expect(count).toBeGreaterThanOrEqual(autoscale.connectors.min)
            expect(count).toBeLessThanOrEqual(autoscale.connectors.max)
          }
          if (!autoscale.cells) continue
          expect(cells).toBeGreaterThanOrEqual(autoscale.cells.min)
          expect(cells).toBeLessThanOrEqual(autoscale.cells.max)
        }
      }),
    )
  })
})
