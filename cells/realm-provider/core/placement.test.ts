import { expect, test } from 'vitest'
import { anEndpoint } from '../fixtures.ts'
import { type Assignment, chooseEndpoint } from './placement.ts'

const endpoints = [anEndpoint(2), anEndpoint(0), anEndpoint(1)]
const counted = (...players: (number | undefined)[]) =>
  new Map(players.flatMap((count, slot) => (count === undefined ? [] : [[slot, count] as const])))
const slot = (how: Assignment | undefined, players?: ReadonlyMap<number, number>, visitor = '') =>
  chooseEndpoint(endpoints, how, { players, visitor })?.slot

test('LeastLoaded leads to the emptiest cell when all are counted, else to the lowest slot', () => {
  expect(slot(undefined)).toBe(0)
  expect(slot({ assignment: 'LeastLoaded' }, counted(5, 3, 4))).toBe(1)
  expect(slot({ assignment: 'LeastLoaded' }, counted(4, 4, 4))).toBe(0)
  expect(slot({ assignment: 'LeastLoaded' }, counted(5, 0))).toBe(0)
  expect(chooseEndpoint([])).toBeUndefined()
})

test('Fill leads to the first cell with room, so that the last ones stay empty', () => {
  const fill = { assignment: 'Fill', capacity: 10 } as const
  expect(slot(fill, counted(0, 0, 0))).toBe(0)
  expect(slot(fill, counted(9, 0, 0))).toBe(0)
  expect(slot(fill, counted(10, 0, 0))).toBe(1)
  expect(slot(fill, counted(10, 12, 3))).toBe(2)
  expect(slot({ assignment: 'Fill' }, counted(1_000, 0, 0))).toBe(0)
  expect(slot(fill)).toBe(0)
})

test('Sticky leads the same visitor to the same cell, and spreads visitors', () => {
  const sticky = { assignment: 'Sticky' } as const
  const visitors = Array.from({ length: 300 }, (_, i) => `203.0.113.${i}`)
  const first = visitors.map((visitor) => slot(sticky, counted(0, 0, 0), visitor))
  expect(visitors.map((visitor) => slot(sticky, counted(9, 5, 1), visitor))).toEqual(first)
  for (const one of [0, 1, 2]) expect(first.filter((chosen) => chosen === one).length).toBeGreaterThan(60)
})

test('when a cell goes, only its own sticky visitors are led elsewhere', () => {
  const visitors = Array.from({ length: 100 }, (_, i) => `203.0.113.${i}`)
  for (const visitor of visitors) {
    const before = chooseEndpoint(endpoints, { assignment: 'Sticky' }, { visitor })?.slot
    const without = chooseEndpoint(
      endpoints.filter((endpoint) => endpoint.slot !== 1),
      { assignment: 'Sticky' },
      { visitor },
    )?.slot
    if (before !== 1) expect(without).toBe(before)
  }
})

test('a full favourite is passed over, and when all are full the emptiest takes one more', () => {
  const sticky = { assignment: 'Sticky', capacity: 10 } as const
  const favourite = slot(sticky, counted(0, 0, 0), 'me') ?? 0
  const full = counted(...[0, 1, 2].map((one) => (one === favourite ? 10 : 0)))
  expect(slot(sticky, full, 'me')).not.toBe(favourite)
  for (const assignment of ['Sticky', 'Fill', 'LeastLoaded'] as const)
    expect(slot({ assignment, capacity: 10 }, counted(12, 11, 13), 'me')).toBe(1)
})
