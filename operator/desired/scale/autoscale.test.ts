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
const aLoad = (changes: Partial<RealmLoad> = {}): RealmLoad => ({
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
  test('connectors are added at once when there are too many players, and the message has the numbers', () => {
    const numbers = desiredNumbers(anAutoscale(), aLoad({ cells: [aCell({ players: 1_240 })] }))
    expect(connectors(numbers)).toBe(3)
    expect(numbers.decisions).toEqual([
      {
        what: 'connectors',
        reason: 'MorePlayers',
        message: 'main-0: 1 240 players of 1 000 for 2 connectors, 3 from now on',
      },
    ])
  })

  test('the number at most doubles in one decision, and does not change before the new ones are up', () => {
    const crowded = (cell: Partial<CellLoad>) =>
      desiredNumbers(anAutoscale(), aLoad({ cells: [aCell({ players: 9_000, ...cell })] }))
    expect(connectors(crowded({}))).toBe(4)
    expect(connectors(crowded({ connectors: 4, isUp: false }))).toBe(4)
    expect(connectors(crowded({ connectors: 4 }))).toBe(8)
    expect(connectors(crowded({ connectors: 8 }))).toBe(10)
  })

  test('one is removed after one fewer had been enough for the whole period, with a fifth to spare', () => {
    const calm = (most: number, rest: Partial<RealmLoad> = {}) =>
      connectors(
        desiredNumbers(anAutoscale(), aLoad({ cells: [aCell({ connectors: 3, players: 10 })], peak: peakOf(most), ...rest })),
      )
    expect(calm(801)).toBe(3)
    expect(calm(800)).toBe(2)
    expect(calm(0)).toBe(2)
    expect(calm(0, { isSettled: false })).toBe(3)
    expect(calm(0, { peak: undefined })).toBe(3)
  })

  test('nothing is decided while cells are replaced or drained, nor for a cell without a player count', () => {
    const cells = [aCell({ players: 5_000 })]
    expect(desiredNumbers(anAutoscale(), aLoad({ cells, isChanging: true })).decisions).toEqual([])
    const unknown = (rest: Partial<RealmLoad>) =>
      desiredNumbers(anAutoscale(), aLoad({ cells: [aCell({ players: undefined })], peak: peakOf(0), ...rest }))
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

  test('connectors that another client scales are not changed, even outside the bounds', () => {
    const cells = [aCell({ isScaledByOthers: true, connectors: 50, players: 100_000 })]
    expect(desiredNumbers(anAutoscale(), aLoad({ cells }))).toMatchObject({ decisions: [], connectors: new Map([[0, 50]]) })
  })
})

describe('cells', () => {
  const autoscale = anAutoscale({ connectors: { min: 1, max: 2 }, cells: { min: 1, max: 3 } })
  const cellsWith = (...players: (number | undefined)[]) =>
    players.map((count, slot) => aCell({ slot, name: `main-${slot}`, players: count }))

  test('a cell is added when every cell has all its connectors and too many players', () => {
    expect(desiredNumbers(autoscale, aLoad({ cells: cellsWith(1_200, 900) })).cells).toBe(2)
    expect(desiredNumbers(autoscale, aLoad({ cells: cellsWith(1_200, 1_300) }))).toMatchObject({
      cells: 3,
      decisions: [{ what: 'cells', reason: 'MorePlayers', message: '2 500 players fill 2 cells, 3 from now on' }],
    })
  })

  test('connectors are added before cells', () => {
    const numbers = desiredNumbers(autoscale, aLoad({ cells: [aCell({ connectors: 1, players: 1_500 })] }))
    expect([connectors(numbers), numbers.cells]).toEqual([2, 1])
  })

  test('a used up cells.capacity adds a cell as well, however few connectors there are', () => {
    const cells = [aCell({ connectors: 1, players: 300 })]
    expect(desiredNumbers(autoscale, aLoad({ cells, capacity: 300 }))).toMatchObject({ cells: 2 })
    expect(desiredNumbers(autoscale, aLoad({ cells, capacity: 301 }))).toMatchObject({ cells: 1 })
  })

  test('a cell is removed when the others had had room for all players for the whole period', () => {
    const calm = (rest: Partial<RealmLoad>) => desiredNumbers(autoscale, aLoad({ cells: cellsWith(100, 100), ...rest })).cells
    expect(calm({ peak: peakOf(400, 400) })).toBe(1)
    expect(calm({ peak: peakOf(400, 401) })).toBe(2)
    expect(calm({ peak: peakOf(400, 400), capacity: 900 })).toBe(2)
    expect(calm({ peak: peakOf(0, 0), cells: cellsWith(0, undefined) })).toBe(2)
  })

  test('no further cell is added while one is starting', () => {
    expect(desiredNumbers(autoscale, aLoad({ cells: cellsWith(2_000), desiredCells: 2 })).cells).toBe(2)
  })

  test('a realm at its maximum reports so until there are clearly fewer players', () => {
    const limit = (players: number, wasAtMaximum = false) =>
      desiredNumbers(anAutoscale({ connectors: { min: 1, max: 2 } }), aLoad({ cells: cellsWith(players), wasAtMaximum })).limit
    expect([limit(1_000), limit(1_001), limit(900, true), limit(800, true)]).toEqual([
      undefined,
      'AtMaximum',
      'AtMaximum',
      undefined,
    ])
  })
})

/** A realm that applies its numbers at once, and whose players are spread evenly. */
class SimulatedRealm {
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

  /** One decision; the period for scaling down is ten decisions long. */
  decide(players: number): DesiredNumbers {
    const each = this.counts.map(
      (_, slot) => Math.floor(players / this.counts.length) + Number(slot < players % this.counts.length),
    )
    this.#history.push(each)
    const seen = this.#history.slice(-10)
    const peakOfSlot = (slot: number) => Math.max(...seen.map((sample) => sample[slot] ?? 0))
    const total = Math.max(...seen.map((sample) => sample.reduce((sum, count) => sum + count, 0)))
    const cells = this.counts.map((count, slot) => aCell({ slot, name: `main-${slot}`, connectors: count, players: each[slot] }))
    const peak = seen.length === 10 ? { bySlot: new Map(cells.map(({ slot }) => [slot, peakOfSlot(slot)])), total } : undefined
    const numbers = desiredNumbers(this.autoscale, aLoad({ cells, peak, capacity: this.capacity }))
    const kept = this.counts.slice(0, numbers.cells).map((_, slot) => numbers.connectors.get(slot) ?? 1)
    while (kept.length < numbers.cells) kept.push(this.autoscale.connectors.min)
    this.changes += numbers.decisions.length
    this.counts = kept
    return numbers
  }

  /** Decides for a constant number of players until nothing changed for longer than the period. */
  settle(players: number, atMost = 2_000): void {
    for (let quiet = 0, left = atMost; quiet < 25; left--) {
      if (left === 0) throw new Error(`the numbers never settle for ${players} players: ${this.counts}`)
      const before = this.changes
      this.decide(players)
      quiet = this.changes === before ? quiet + 1 : 0
    }
  }
}

describe('for any bounds and any number of players', () => {
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
  const playerNumbers = fc.integer({ min: 0, max: 200_000 })

  test('the numbers settle when the players stay the same', () => {
    fc.assert(
      fc.property(autoscales, counts, playerNumbers, (autoscale, first, players) => {
        new SimulatedRealm(autoscale, first).settle(players)
      }),
    )
  })

  test('players that vary by a tenth change the connectors at most once', () => {
    const variations = fc.array(fc.double({ min: 0.9, max: 1.1, noNaN: true }), { minLength: 40, maxLength: 80 })
    fc.assert(
      fc.property(autoscales, playerNumbers, variations, (autoscale, players, shares) => {
        const simulated = new SimulatedRealm({ ...autoscale, cells: { min: 1, max: 1 } }, [autoscale.connectors.min])
        simulated.settle(players)
        const before = simulated.changes
        for (const share of shares) simulated.decide(Math.round(players * share))
        expect(simulated.changes - before).toBeLessThanOrEqual(1)
      }),
    )
  })

  test('players that vary by a tenth never add a cell and remove it again', () => {
    const variations = fc.array(fc.double({ min: 0.9, max: 1.1, noNaN: true }), { minLength: 40, maxLength: 80 })
    fc.assert(
      fc.property(autoscales, playerNumbers, variations, (autoscale, players, shares) => {
        const simulated = new SimulatedRealm(autoscale, [1])
        simulated.settle(players)
        const seen = shares.map((share) => simulated.decide(Math.round(players * share)).cells)
        const ordered = [...seen].sort((a, b) => a - b)
        expect([ordered, ordered.toReversed()]).toContainEqual(seen)
      }),
    )
  })

  test('the bounds are kept at every moment', () => {
    fc.assert(
      fc.property(autoscales, counts, fc.array(playerNumbers, { maxLength: 40 }), (autoscale, first, players) => {
        const simulated = new SimulatedRealm(autoscale, first)
        for (const count of players) {
          const { cells, connectors: chosen } = simulated.decide(count)
          for (const chosenCount of chosen.values()) {
            expect(chosenCount).toBeGreaterThanOrEqual(autoscale.connectors.min)
            expect(chosenCount).toBeLessThanOrEqual(autoscale.connectors.max)
          }
          if (!autoscale.cells) continue
          expect(cells).toBeGreaterThanOrEqual(autoscale.cells.min)
          expect(cells).toBeLessThanOrEqual(autoscale.cells.max)
        }
      }),
    )
  })
})
