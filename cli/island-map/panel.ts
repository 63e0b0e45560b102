import { contoursOf, type Point } from './contour.ts'
import { type Box, type Frame, isWithin, pixelsPerMetre, projection } from './frame.ts'
import { parcelLines } from './grid.ts'
import { labelsFor, type Place } from './labels.ts'
import type { MapData, Spot } from './map-data.ts'
import { colourOf, countOf, escaped, idAfter, px, shortened } from './style.ts'

/** The most that a panel may contain, so that a map of any size stays well below a megabyte. */
export interface PanelLimits {
  dots: number
  /** Islands with a contour, and corners of all contours together. */
  contours: number
  corners: number
  labels: number
}

/** A drawn part of the world, and how much of it is drawn. */
export interface Panel {
  svg: string
  /** Peers within the frame, and how many of them have a dot. */
  peers: number
  dots: number
  /** Islands with a peer within the frame, and how many of them have a contour. */
  islands: number
  contours: number
}

/** Metres from a peer to the contour of its island: two islands are about to merge when their contours almost touch. */
const RADIUS = 26
/** Least and most pixels for it, so that a lone peer is visible on a map of a city and not too large on a map of a square. */
const RADIUS_PX: readonly [number, number] = [7.5, 18]
/** Longest bridge in metres: neighbours farther apart do not belong to one island, their positions are outdated. */
const MAX_GAP = 160
/** After so many contours with too many corners, no further ones are computed. */
const MAX_SKIPPED = 20
/** Characters of an id in a tooltip and on the map. */
const TITLE_LENGTH = 80
const LABEL_LENGTH = 14

/** Draws what is within a frame: parcels, contours of islands, peers, names. */
export function drawPanel(
  { islands, idPrefix, peersWithoutIsland }: MapData,
  frame: Frame,
  box: Box,
  limits: PanelLimits,
): Panel {
  const scale = pixelsPerMetre(frame, box)
  const project = projection(frame, box)
  const radius = Math.min(RADIUS_PX[1], Math.max(RADIUS_PX[0], RADIUS * scale))
  const options = { radius, maxGap: Math.max(radius, MAX_GAP * scale) }
  const margin = (2 * radius) / scale

  const visible = islands.flatMap((island) => {
    const near = island.spots.filter((spot) => isWithin(frame, spot, margin))
    const shown = near.filter((spot) => isWithin(frame, spot))
    return shown.length > 0 ? [{ island, near, shown }] : []
  })
  const alone = peersWithoutIsland.filter((spot) => isWithin(frame, spot))
  const peers = visible.reduce((sum, { shown }) => sum + shown.length, alone.length)
  const keep = thinning(peers, limits.dots)
  const contours: string[] = []
  const dots: string[] = []
  const places: Place[] = []
  const withoutContour: Spot[] = []
  let [drawn, corners, skipped] = [0, 0, 0]
  const dotted = (spots: readonly Spot[], hasSome: boolean): string => {
    const kept = spots.filter((_, i) => keep() || (hasSome && i === 0))
    drawn += kept.length
    return kept.map((spot) => dotAt(project(spot))).join('')
  }
  for (const { island, near, shown } of visible) {
    const hasContour = contours.length < limits.contours && skipped < MAX_SKIPPED
    const loops = hasContour ? contoursOf(near.map(project), options) : []
    const length = loops.reduce((sum, loop) => sum + loop.length, 0)
    if (length === 0 || corners + length > limits.corners) {
      if (hasContour) skipped++
      for (const spot of shown) withoutContour.push(spot)
      continue
    }
    corners += length
    const colour = colourOf(island.id)
    const title = `${escaped(shortened(island.id, TITLE_LENGTH))}: ${countOf(island.size, 'peer')}`
    contours.push(`<path fill="${colour}" stroke="${colour}" d="${loops.map(smooth).join('')}"><title>${title}</title></path>`)
    dots.push(`<path stroke="${colour}" d="${dotted(shown, true)}"/>`)
    places.push({
      id: idAfter(idPrefix, island.id, LABEL_LENGTH),
      size: island.size,
      colour,
      spots: labelAnchors(loops, shown.map(project)),
    })
  }
  const grey = dotted([...withoutContour, ...alone], false)
  if (grey) dots.unshift(`<path class="alone" d="${grey}"/>`)

  const svg = [
    `<svg x="${px(box.x)}" y="${px(box.y)}" width="${px(box.width)}" height="${px(box.height)}">`,
    '<rect class="sea" width="100%" height="100%"/>',
    `<g class="land">\n${contours.join('\n')}\n</g>`,
    parcelLines(frame, box),
    `<g class="dots" stroke-width="${px(dotSize(peers, radius))}">\n${dots.join('\n')}\n</g>`,
    labelsFor(places, box, limits.labels),
    '</svg>',
  ].join('\n')
  return { svg, peers, dots: drawn, islands: visible.length, contours: contours.length }
}

/** Returns true `budget` times in `total` calls, evenly spread. */
function thinning(total: number, budget: number): () => boolean {
  let calls = 0
  return () => {
    const before = Math.floor((calls * budget) / total)
    calls++
    return total <= budget || Math.floor((calls * budget) / total) > before
  }
}

/** Where the name of an island may be written: above its contour, below it, among its peers. */
function labelAnchors(loops: readonly (readonly Point[])[], members: readonly Point[]): Place['spots'] {
  const outline = loops.flat()
  const [first = { x: 0, y: 0 }] = outline
  return {
    top: outline.reduce((top, point) => (point.y < top.y ? point : top), first),
    bottom: outline.reduce((bottom, point) => (point.y > bottom.y ? point : bottom), first),
    middle: members[members.length >> 1] ?? first,
  }
}

/** A smooth path through the middles of the loop's sides, with its corners as control points. Relative coordinates take half the characters. */
function smooth(loop: readonly Point[]): string {
  const tenth = (value: number) => Math.round(value * 10) / 10
  const rounded = loop.map(({ x, y }) => ({ x: tenth(x), y: tenth(y) }))
  const middles = rounded.map(({ x, y }, i) => {
    const after = rounded[(i + 1) % rounded.length] ?? { x, y }
    return { x: tenth((x + after.x) / 2), y: tenth((y + after.y) / 2) }
  })
  const start = middles.at(-1) ?? { x: 0, y: 0 }
  const curves = rounded.map((corner, i) => {
    const [pen, end] = [middles.at(i - 1) ?? start, middles[i] ?? start]
    return [corner.x - pen.x, corner.y - pen.y, end.x - pen.x, end.y - pen.y].map(px).join(' ')
  })
  return `M${px(start.x)} ${px(start.y)}q${curves.join(' ').replaceAll(' -', '-')}z`
}

/** A line of length 0 with round ends: the shortest notation for a dot. */
const dotAt = ({ x, y }: Point): string => `M${px(x)} ${px(y)}h0`

/** Diameter in pixels: smaller for more peers, and always smaller than the contour of one peer. */
const dotSize = (peers: number, radius: number): number => Math.min(radius * 0.8, Math.max(2.2, 9 - 1.7 * Math.log10(peers + 1)))
