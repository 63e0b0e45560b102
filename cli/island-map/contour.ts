/** A point on the sheet, in pixels. */
export interface Point {
  x: number
  y: number
}

/** How far land reaches. */
export interface Shore {
  /** Pixels from a peer that stands alone to the water. */
  reach: number
  /** Pixels up to which two neighbours of one island are joined by an isthmus. */
  bridge: number
}

/** Land begins where the field is this strong. */
const SEA_LEVEL = 0.478
/** A peer lifts the ground this many reaches around it; at one reach a lone peer's ground is exactly at sea level. */
const FOOTHILLS = 1.8
/** An isthmus is lower than the land it joins. */
const ISTHMUS = 0.8
/** Corners nearer to each other than this share of the lattice become one. */
const CLOSE = 0.5
/** Members that lift the ground; of more that stand apart a sample does. */
const MAX_HILLS = 1_500
/** Points among which nearest neighbours are looked for; of more a sample is taken, as the work grows with their square. */
const MAX_BRIDGED = 300

/**
 * The coastlines of an island, as closed loops: hills around its members flow into each other, and chains of neighbours stay connected.
 * Lakes are loops too. The work is bounded, however many members there are.
 */
export function coastOf(members: readonly Point[], { reach, bridge }: Shore): Point[][] {
  const step = reach / 3
  const hills = sample(apart(members, step), MAX_HILLS)
  const field = new Field(step, reach * FOOTHILLS)
  for (const hill of hills) field.lift(hill, 1)
  for (const [from, to] of neckings(hills, bridge)) {
    const pieces = Math.ceil(Math.hypot(to.x - from.x, to.y - from.y) / reach)
    for (let i = 1; i < pieces; i++)
      field.lift({ x: from.x + ((to.x - from.x) * i) / pieces, y: from.y + ((to.y - from.y) * i) / pieces }, ISTHMUS)
  }
  return field
    .contours()
    .map((loop) => spaced(loop, step * CLOSE))
    .filter((loop) => loop.length > 2)
}

/** Without the points that follow another so closely that they add nothing but length. */
function spaced(loop: readonly Point[], distance: number): Point[] {
  const kept: Point[] = []
  for (const point of loop) {
    const last = kept.at(-1)
    if (!last || Math.hypot(point.x - last.x, point.y - last.y) >= distance) kept.push(point)
  }
  return kept
}

/** One point of each little square: crowds in one place make no higher hill and no more work. */
function apart(points: readonly Point[], side: number): Point[] {
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
function neckings(points: readonly Point[], limit: number): [Point, Point][] {
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

/** Where a contour runs through a square, by which of its corners are land (1, 2, 4, 8 in turn): from side to side, land at one hand. */
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

/** A height field on a sparse lattice, and its contour at sea level (marching squares). */
class Field {
  readonly #step: number
  readonly #radius: number
  readonly #heights = new Map<number, number>()

  constructor(step: number, radius: number) {
    this.#step = step
    this.#radius = radius
  }

  lift({ x, y }: Point, height: number): void {
    const [step, radius] = [this.#step, this.#radius]
    for (let i = Math.ceil((x - radius) / step); i * step <= x + radius; i++) {
      for (let j = Math.ceil((y - radius) / step); j * step <= y + radius; j++) {
        const share = 1 - ((i * step - x) ** 2 + (j * step - y) ** 2) / radius ** 2
        if (share <= 0) continue
        const node = nodeAt(i, j)
        this.#heights.set(node, (this.#heights.get(node) ?? 0) + height * share ** 2)
      }
    }
  }

  contours(): Point[][] {
    const next = new Map<number, number>()
    const squares = new Set<number>()
    for (const [node, height] of this.#heights)
      if (height >= SEA_LEVEL) for (const square of [node, node - ROW, node - 1, node - ROW - 1]) squares.add(square)
    for (const square of squares) {
      const corners = [square, square + ROW, square + ROW + 1, square + 1]
      const land = corners.reduce((bits, corner, i) => (this.#height(corner) >= SEA_LEVEL ? bits | (1 << i) : bits), 0)
      // A side is named after the node it starts at, twice it for the eastward side and one more for the other.
      const sides = [square * 2, (square + ROW) * 2 + 1, (square + 1) * 2, square * 2 + 1]
      for (const [from, to] of CUTS[land] ?? []) next.set(sides[from] ?? 0, sides[to] ?? 0)
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

  #height(node: number): number {
    return this.#heights.get(node) ?? 0
  }

  #crossing(side: number): Point {
    const node = Math.floor(side / 2)
    const isUpward = side % 2 === 1
    const here = this.#height(node)
    const there = this.#height(isUpward ? node + 1 : node + ROW)
    const share = (SEA_LEVEL - here) / (there - here)
    const [i, j] = [Math.floor(node / ROW) - MIDDLE, (node % ROW) - MIDDLE]
    return { x: (i + (isUpward ? 0 : share)) * this.#step, y: (j + (isUpward ? share : 0)) * this.#step }
  }
}

const nodeAt = (i: number, j: number): number => (i + MIDDLE) * ROW + j + MIDDLE
