import type { Census, Spot } from './map-data.ts'
import { coastOf, type Point } from './contour.ts'
import { type Box, type Frame, isWithin, projection, scaleOf } from './frame.ts'
import { parcelLines } from './grid.ts'
import { colourOf, countOf, escaped, idAfter, px, shortened } from './style.ts'
import { labelsFor, type Place } from './labels.ts'

/** What a sheet may hold at most; what they are set to keeps a map of any crowd well below a megabyte. */
export interface SheetLimits {
  dots: number
  /** Islands with a coast, and corners of all coasts together. */
  coasts: number
  corners: number
  labels: number
}

/** A drawn part of the world, and what it shows of what there is. */
export interface Sheet {
  svg: string
  /** Peers within the frame, and how many of them have a dot. */
  peers: number
  dots: number
  /** Islands with a peer within the frame, and how many of them have a coast. */
  islands: number
  coasts: number
}

/** Metres from a peer to the coast of its island: two islands whose coasts are about to touch are about to become one. */
const REACH = 26
/** Pixels between which that is kept, so that a lone peer is land on a map of a city and no continent on a map of a plaza. */
const REACH_PX: readonly [number, number] = [7.5, 18]
/** Metres between neighbours beyond which no isthmus is drawn: longer hops than this keep no island together, they are old news. */
const LONGEST_HOP = 160
/** Coasts that turned out too long after which no more are tried. */
const MISFITS = 20
/** Characters of an id in a tooltip and on the map. */
const TITLE_LENGTH = 80
const LABEL_LENGTH = 14

/** Draws everybody within a frame: water, parcels, land, peers, names. */
export function drawSheet({ islands, idStart, loners }: Census, frame: Frame, box: Box, limits: SheetLimits): Sheet {
  const scale = scaleOf(frame, box)
  const project = projection(frame, box)
  const reach = Math.min(REACH_PX[1], Math.max(REACH_PX[0], REACH * scale))
  const shore = { reach, bridge: Math.max(reach, LONGEST_HOP * scale) }
  const margin = (2 * reach) / scale

  const visible = islands.flatMap((island) => {
    const near = island.spots.filter((spot) => isWithin(frame, spot, margin))
    const shown = near.filter((spot) => isWithin(frame, spot))
    return shown.length > 0 ? [{ island, near, shown }] : []
  })
  const alone = loners.filter((spot) => isWithin(frame, spot))
  const peers = visible.reduce((sum, { shown }) => sum + shown.length, alone.length)
  const keep = thinning(peers, limits.dots)
  const coasts: string[] = []
  const dots: string[] = []
  const places: Place[] = []
  const landless: Spot[] = []
  let [drawn, corners, misfits] = [0, 0, 0]
  const dotted = (spots: readonly Spot[], hasSome: boolean): string => {
    const kept = spots.filter((_, i) => keep() || (hasSome && i === 0))
    drawn += kept.length
    return kept.map((spot) => dotAt(project(spot))).join('')
  }
  for (const { island, near, shown } of visible) {
    const mayLand = coasts.length < limits.coasts && misfits < MISFITS
    const coast = mayLand ? coastOf(near.map(project), shore) : []
    const length = coast.reduce((sum, loop) => sum + loop.length, 0)
    if (length === 0 || corners + length > limits.corners) {
      if (mayLand) misfits++
      for (const spot of shown) landless.push(spot)
      continue
    }
    corners += length
    const colour = colourOf(island.id)
    const title = `${escaped(shortened(island.id, TITLE_LENGTH))}: ${countOf(island.size, 'peer')}`
    coasts.push(`<path fill="${colour}" stroke="${colour}" d="${coast.map(smooth).join('')}"><title>${title}</title></path>`)
    dots.push(`<path stroke="${colour}" d="${dotted(shown, true)}"/>`)
    places.push({
      id: idAfter(idStart, island.id, LABEL_LENGTH),
      size: island.size,
      colour,
      spots: spotsToName(coast, shown.map(project)),
    })
  }
  const grey = dotted([...landless, ...alone], false)
  if (grey) dots.unshift(`<path class="alone" d="${grey}"/>`)

  const svg = [
    `<svg x="${px(box.x)}" y="${px(box.y)}" width="${px(box.width)}" height="${px(box.height)}">`,
    '<rect class="sea" width="100%" height="100%"/>',
    `<g class="land">\n${coasts.join('\n')}\n</g>`,
    parcelLines(frame, box),
    `<g class="dots" stroke-width="${px(dotSize(peers, reach))}">\n${dots.join('\n')}\n</g>`,
    labelsFor(places, box, limits.labels),
    '</svg>',
  ].join('\n')
  return { svg, peers, dots: drawn, islands: visible.length, coasts: coasts.length }
}

/** Says yes `budget` times in `total` questions, evenly spread. */
function thinning(total: number, budget: number): () => boolean {
  let asked = 0
  return () => {
    const before = Math.floor((asked * budget) / total)
    asked++
    return total <= budget || Math.floor((asked * budget) / total) > before
  }
}

/** Where the name of an island may stand: above its coast, below it, among its peers. */
function spotsToName(coast: readonly (readonly Point[])[], members: readonly Point[]): Place['spots'] {
  const shores = coast.flat()
  const [first = { x: 0, y: 0 }] = shores
  return {
    top: shores.reduce((top, point) => (point.y < top.y ? point : top), first),
    bottom: shores.reduce((bottom, point) => (point.y > bottom.y ? point : bottom), first),
    middle: members[members.length >> 1] ?? first,
  }
}

/** A loop through the middles of its sides, its corners as handles: no corner is left. Relative to itself, which takes half the characters. */
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

/** A line of no length with round ends: the shortest way to write a dot. */
const dotAt = ({ x, y }: Point): string => `M${px(x)} ${px(y)}h0`

/** Diameter in pixels: the more there are the smaller, and never as large as the land of one peer. */
const dotSize = (peers: number, reach: number): number => Math.min(reach * 0.8, Math.max(2.2, 9 - 1.7 * Math.log10(peers + 1)))
