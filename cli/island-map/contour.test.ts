import { expect, test } from 'vitest'
import { coastOf, type Point } from './contour.ts'

const shore = { reach: 10, bridge: 100 }
const row = (...xs: number[]): Point[] => xs.map((x) => ({ x, y: 0 }))
const farthest = (loop: readonly Point[], { x, y }: Point) => loop.map((point) => Math.hypot(point.x - x, point.y - y))

test('the coast of a lone peer is a circle of one reach', () => {
  const coast = coastOf([{ x: 3, y: 4 }], shore)
  expect(coast).toHaveLength(1)
  for (const distance of farthest(coast[0] ?? [], { x: 3, y: 4 })) {
    expect(distance).toBeGreaterThan(9.4)
    expect(distance).toBeLessThan(10.6)
  }
})

test('a crowd on one spot has the coast of one peer', () => {
  expect(coastOf(row(...Array<number>(5_000).fill(7)), shore)).toEqual(coastOf(row(7), shore))
})

test('neighbours are on one land, by an isthmus where they stand far apart', () => {
  expect(coastOf(row(0, 15), shore)).toHaveLength(1)
  expect(coastOf(row(0, 95), shore)).toHaveLength(1)
  expect(coastOf(row(0, 95, 190, 285), shore)).toHaveLength(1)
})

test('members farther apart than any hop are on lands of their own', () => {
  expect(coastOf(row(0, 101), shore)).toHaveLength(2)
})

test('water that people stand around is a lake', () => {
  const ring = Array.from({ length: 40 }, (_, i) => ({
    x: 60 * Math.cos((i * Math.PI) / 20),
    y: 60 * Math.sin((i * Math.PI) / 20),
  }))
  expect(coastOf(ring, shore)).toHaveLength(2)
})

test('nobody has no coast', () => {
  expect(coastOf([], shore)).toEqual([])
})
