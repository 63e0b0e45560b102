/** A point on the drawing, in pixels. */
export interface Point {
  x: number
  y: number
}

export interface ContourOptions {
  /** Pixels from a peer that stands alone to its contour. */
  radius: number
  /** Longest distance in pixels between two neighbours of an island whose areas are connected by a bridge. */
  maxGap: number
}

/** Value of the field at the contour. */
const CONTOUR_LEVEL = 0.478
/** A peer adds to the field within this many radii; at one radius the field of a lone peer has exactly the contour's value. */
const FIELD_RADIUS = 1.8
/** What a bridge adds to the field, compared with a peer: it is narrower than the areas it connects. */
const BRIDGE_WEIGHT = 0.8
/** Corners of a contour closer than this share of the lattice's step are merged. */
const MIN_DISTANCE = 0.5
/** Most members that add to the field; of more, an even sample is taken. */
const MAX_CENTRES = 1_500
/** Most points among which bridges are searched; of more, an even sample is taken, because the work grows with their square. */
const MAX_BRIDGED = 300

/**
 * The outline of an island, as closed loops around its members; areas of neighbours merge, and chains of neighbours stay connected.
 * Holes are loops too. The work is bounded, however many members there are.
 */
export function contoursOf(members: readonly Point[], { radius, maxGap }: ContourOptions): Point[][] {
  const step = radius / 3
  const centres = sample(onePerSquare(members, step), MAX_CENTRES)
  const field = new Field(step, radius * FIELD_RADIUS)
  for (const centre of centres) field.add(centre, 1)
  for (const [from, to] of shortestLinks(centres, maxGap)) {
    const pieces = Math.ceil(Math.hypot(to.x - from.x, to.y - from.y) / radius)
    for (let i = 1; i < pieces; i++)
      field.add({ x: from.x + ((to.x - from.x) * i) / pieces, y: from.y + ((to.y - from.y) * i) / pieces }, BRIDGE_WEIGHT)
  }
  return field
    .contours()
    .map((loop) => spaced(loop, step * MIN_DISTANCE))
    .filter((loop) => loop.length > 2)
}

/** Leaves out points that are closer than `distance` to the one before: they make the path longer and no better. */
function spaced(loop: readonly Point[], distance: number): Point[] {
  const kept: Point[] = []
  for (const point of loop) {
    const last = kept.at(-1)
    if (!last || Math.hypot(point.x - last.x, point.y - last.y) >= distance) kept.push(point)
  }
  return kept
}

/** One point of each square: many peers in one place neither enlarge the outline nor add work. */
function onePerSquare(points: readonly Point[], side: number): Point[] {
  const taken = new Map<string, Point>()
  for (const point of points) {
    const key = `${Math.round(point.x / side)},${Math.round(point.y / side)}`
    if (!taken.has(key)) taken.set(key, point)
  }
  return [...taken.values()]
}

function sample(points: readonly Point[], limit: number): readonly Point[] {
  const stride = Math.ceil(points.length / limit)
  return points.filter((_, i) => i % stride === 0)
}

/** The shortest set of lines that joins all points (Prim), without the lines longer than `limit`. */
function shortestLinks(points: readonly Point[], limit: number): [Point, Point][] {
  const outside = sample(points, MAX_BRIDGED).map((point) => ({ point, from: point, distance: Number.POSITIVE_INFINITY }))
  const lines: [Point, Point][] = []
  let reached = outside.pop()?.point
  while (reached) {
    const from = reached
    let nearest = 0
    outside.forEach((one, i) => {
      const distance = Math.hypot(one.point.x - from.x, one.point.y - from.y)
      if (distance < one.distance) Object.assign(one, { from, distance })
      if (one.distance < (outside[nearest]?.distance ?? 0)) nearest = i
    })
    const [next] = outside.splice(nearest, 1)
    if (next && next.distance <= limit) lines.push([next.from, next.point])
    reached = next?.point
  }
  return lines
}

/** How a contour crosses a square, by which corners are inside (1, 2, 4, 8 in turn): from side to side, the inside always on the same hand. */
const CUTS: readonly (readonly [number, number][])[] = [
  [],
  [[3, 0]],
  [[0, 1]],
  [[3, 1]],
  [[1, 2]],
  [
    [3, 0],
    [1, 2],
  ],
  [[0, 2]],
  [[3, 2]],
  [[2, 3]],
  [[2, 0]],
  [
    [0, 1],
    [2, 3],
  ],
  [[2, 1]],
  [[1, 3]],
  [[1, 0]],
  [[0, 3]],
  [],
]
const ROW = 2 ** 20
const MIDDLE = 2 ** 19

/** A scalar field on a sparse lattice, and its contours (marching squares). */
class Field {
  readonly #step: number
  readonly #radius: number
  readonly #values = new Map<number, number>()

  constructor(step: number, radius: number) {
    this.#step = step
    this.#radius = radius
  }

  add({ x, y }: Point, value: number): void {
    const [step, radius] = [this.#step, this.#radius]
    for (let i = Math.ceil((x - radius) / step); i * step <= x + radius; i++) {
      for (let j = Math.ceil((y - radius) / step); j * step <= y + radius; j++) {
        const share = 1 - ((i * step - x) ** 2 + (j * step - y) ** 2) / radius ** 2
        if (share <= 0) continue
        const node = nodeAt(i, j)
        this.#values.set(node, (this.#values.get(node) ?? 0) + value * share ** 2)
      }
    }
  }

  contours(): Point[][] {
    const next = new Map<number, number>()
    const squares = new Set<number>()
    for (const [node, value] of this.#values)
      if (value >= CONTOUR_LEVEL) for (const square of [node, node - ROW, node - 1, node - ROW - 1]) squares.add(square)
    for (const square of squares) {
      const corners = [square, square + ROW, square + ROW + 1, square + 1]
      const inside = corners.reduce((bits, corner, i) => (this.#value(corner) >= CONTOUR_LEVEL ? bits | (1 << i) : bits), 0)
      // A side is named after the node it starts at, twice it for the eastward side and one more for the other.
      const sides = [square * 2, (square + ROW) * 2 + 1, (square + 1) * 2, square * 2 + 1]
      for (const [from, to] of CUTS[inside] ?? []) next.set(sides[from] ?? 0, sides[to] ?? 0)
    }
    const loops: Point[][] = []
    for (const start of next.keys()) {
      const loop: Point[] = []
      for (let side: number | undefined = start; side !== undefined; ) {
        const after: number | undefined = next.get(side)
        if (after !== undefined) loop.push(this.#crossing(side))
        next.delete(side)
        side = after
      }
      if (loop.length > 0) loops.push(loop)
    }
    return loops
  }

  #value(node: number): number {
    return this.#values.get(node) ?? 0
  }

  #crossing(side: number): Point {
    const node = Math.floor(side / 2)
    const isUpward = side % 2 === 1
    const here = this.#value(node)
    const there = this.#value(isUpward ? node + 1 : node + ROW)
    const share = (CONTOUR_LEVEL - here) / (there - here)
    const [i, j] = [Math.floor(node / ROW) - MIDDLE, (node % ROW) - MIDDLE]
    return { x: (i + (isUpward ? 0 : share)) * this.#step, y: (j + (isUpward ? share : 0)) * this.#step }
  }
}

const nodeAt = (i: number, j: number): number => (i + MIDDLE) * ROW + j + MIDDLE
