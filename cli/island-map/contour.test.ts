import { expect, test } from 'vitest'
import { contoursOf, type Point } from './contour.ts'

const options = { radius: 10, maxGap: 100 }
const row = (...xs: number[]): Point[] => xs.map((x) => ({ x, y: 0 }))
const farthest = (loop: readonly Point[], { x, y }: Point) => loop.map((point) => Math.hypot(point.x - x, point.y - y))

test('the contour of a lone peer is a circle of one radius', () => {
  const contours = contoursOf([{ x: 3, y: 4 }], options)
  expect(contours).toHaveLength(1)
  for (const distance of farthest(contours[0] ?? [], { x: 3, y: 4 })) {
    expect(distance).toBeGreaterThan(9.4)
    expect(distance).toBeLessThan(10.6)
  }
})

test('many peers on one spot have the contour of one peer', () => {
  expect(contoursOf(row(...Array<number>(5_000).fill(7)), options)).toEqual(contoursOf(row(7), options))
})

test('neighbours have one contour, with a bridge where they stand far apart', () => {
  expect(contoursOf(row(0, 15), options)).toHaveLength(1)
  expect(contoursOf(row(0, 95), options)).toHaveLength(1)
  expect(contoursOf(row(0, 95, 190, 285), options)).toHaveLength(1)
})

test('members farther apart than the longest bridge have contours of their own', () => {
  expect(contoursOf(row(0, 101), options)).toHaveLength(2)
})

test('an empty area that members stand around is a hole', () => {
  const ring = Array.from({ length: 40 }, (_, i) => ({
    x: 60 * Math.cos((i * Math.PI) / 20),
    y: 60 * Math.sin((i * Math.PI) / 20),
  }))
  expect(contoursOf(ring, options)).toHaveLength(2)
})

test('no peers have no contour', () => {
  expect(contoursOf([], options)).toEqual([])
})
