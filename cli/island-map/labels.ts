import type { Point } from './contour.ts'
import type { Box } from './frame.ts'
import { counted, escaped, px } from './style.ts'

/** An island whose name may be written on the map. */
export interface Place {
  /** Already shortened. */
  id: string
  size: number
  colour: string
  /** The top and bottom of its contour, and one of its peers. */
  spots: { top: Point; bottom: Point; middle: Point }
}

/** With more islands than this, islands of one peer are not named. */
const MAX_ISLANDS_WITH_LONE_LABELS = 40
/** Width of a character as a share of its height; the viewer's font is not known. */
const CHARACTER = 0.6
const GAP = 4
/** Where the scale is, in the lower left. */
const CORNER = { width: 216, height: 42 }

/** The names and sizes of the first islands, where they cover no other name; at most `limit`. */
export function labelsFor(places: readonly Place[], box: Box, limit: number): string {
  const taken: Box[] = [{ x: 0, y: box.height - CORNER.height, ...CORNER }]
  const labels: string[] = []
  for (const { id, size, colour, spots } of places) {
    const { top, bottom, middle } = spots
    if (labels.length === limit || (size === 1 && places.length > MAX_ISLANDS_WITH_LONE_LABELS)) break
    const height = Math.min(17, 10.5 + 2.6 * Math.log10(size))
    const text = `■ ${counted(size)} ${id}`
    const width = [...text].length * height * CHARACTER
    const baselines = [
      { x: top.x, y: top.y - GAP },
      { x: bottom.x, y: bottom.y + height + GAP / 2 },
      { x: middle.x, y: middle.y - GAP },
    ]
    const free = baselines.find(({ x, y }) => {
      const label = { x: x - width / 2, y: y - height, width, height: height + GAP / 2 }
      const isInside = label.x >= 0 && label.y >= 0 && label.x + width <= box.width && y + GAP <= box.height
      if (!isInside || taken.some((other) => overlap(label, other))) return false
      taken.push(label)
      return true
    })
    if (free)
      labels.push(
        `<text x="${px(free.x)}" y="${px(free.y)}" font-size="${px(height)}"><tspan fill="${colour}" font-size=".65em" dy="-.15em">■</tspan> <tspan class="size" dy=".1em">${counted(size)}</tspan> ${escaped(id)}</text>`,
      )
  }
  return `<g class="names">\n${labels.join('\n')}\n</g>`
}

const overlap = (a: Box, b: Box): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
