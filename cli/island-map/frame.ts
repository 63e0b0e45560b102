import { PARCEL_SIZE } from '../../cells/wire/peer.ts'
import type { Point } from './contour.ts'
import type { Spot } from './map-data.ts'

/** A rectangle on the drawing, in pixels. */
export interface Box {
  x: number
  y: number
  width: number
  height: number
}

/** A rectangle of the world, in metres. */
export interface Frame {
  west: number
  east: number
  south: number
  north: number
}

/** Least side of a map in metres, so that a single peer is shown with its surroundings. */
const MIN_SIDE = 20 * PARCEL_SIZE
/** A little more than the largest city; in a larger world, outliers are left out. */
const LARGEST_CITY = 352 * PARCEL_SIZE
/** Share of the peers that may stay outside on each side of a world larger than any city, when the others become visible that way. */
const OUTLIERS = 0.01
const MARGIN = 3 * PARCEL_SIZE

/** The part of the world to show: all peers, or all but a few outliers so far away that the others could not be told apart. */
export function frameOf(spots: readonly Spot[], { width, height }: Box): Frame {
  const [west, east] = rangeOf(spots.map(({ x }) => x))
  const [south, north] = rangeOf(spots.map(({ z }) => z))
  const metresPerPixel = Math.max((east - west) / width, (north - south) / height, MIN_SIDE / Math.min(width, height))
  const [middleX, middleZ] = [(west + east) / 2, (south + north) / 2]
  const [halfX, halfZ] = [(width * metresPerPixel) / 2, (height * metresPerPixel) / 2]
  return { west: middleX - halfX, east: middleX + halfX, south: middleZ - halfZ, north: middleZ + halfZ }
}

function rangeOf(values: number[]): [number, number] {
  const sorted = values.sort((a, b) => a - b)
  const between = (skipped: number): [number, number] => [
    (sorted[skipped] ?? 0) - MARGIN,
    (sorted[sorted.length - 1 - skipped] ?? 0) + MARGIN,
  ]
  const all = between(0)
  if (all[1] - all[0] <= LARGEST_CITY || sorted.length < 3) return all
  const most = between(Math.max(1, Math.floor(sorted.length * OUTLIERS)))
  return (all[1] - all[0]) / 3 > Math.max(most[1] - most[0], LARGEST_CITY / 3) ? most : all
}

/** Pixels per metre of a frame that fills a box. */
export const pixelsPerMetre = ({ west, east }: Frame, { width }: Box): number => width / (east - west)

/** From the world to the drawing, with the box's corner at 0, 0 and north at the top. */
export function projection(frame: Frame, box: Box): (spot: Spot) => Point {
  const scale = pixelsPerMetre(frame, box)
  return ({ x, z }) => ({ x: (x - frame.west) * scale, y: (frame.north - z) * scale })
}

/** Whether a spot lies in a frame, or within `margin` metres of it. */
export const isWithin = ({ west, east, south, north }: Frame, { x, z }: Spot, margin = 0): boolean =>
  x >= west - margin && x <= east + margin && z >= south - margin && z <= north + margin

/** A place that is shown at a larger scale, and its number of peers. */
export interface CrowdedPlace {
  frame: Frame
  peers: number
}

/** Side of a crowded place, in metres. */
export const PLACE_SIZE = 10 * PARCEL_SIZE
/** Least number of peers of a crowded place. */
const MIN_CROWD = 12

/** The most crowded squares of `PLACE_SIZE`, at most `count`, none overlapping another; the most crowded first. */
export function crowdedPlaces(spots: readonly Spot[], count: number): CrowdedPlace[] {
  const places: CrowdedPlace[] = []
  let rest = spots
  while (places.length < count) {
    const frame = squareAround(densest(rest))
    const inside = rest.filter((spot) => isWithin(frame, spot)).length
    if (inside < MIN_CROWD) break
    places.push({ frame, peers: inside })
    // The middle of the next place stays half a place away, so that the two do not overlap.
    rest = rest.filter((spot) => !isWithin(frame, spot, PLACE_SIZE / 2 + PARCEL_SIZE))
  }
  return places
}

/** Of the fullest block of 2 × 2 tiles, each half a place wide, the peer nearest to the middle of its crowd. */
function densest(spots: readonly Spot[]): Spot {
  const side = PLACE_SIZE / 2
  const tiles = new Map<string, Spot[]>()
  const tileOf = (x: number, z: number) => tiles.get(`${x},${z}`) ?? []
  for (const spot of spots) {
    const key = `${Math.floor(spot.x / side)},${Math.floor(spot.z / side)}`
    const tile = tiles.get(key)
    if (tile) tile.push(spot)
    else tiles.set(key, [spot])
  }
  let best: readonly (readonly Spot[])[] = []
  let most = 0
  for (const key of tiles.keys()) {
    const [x = 0, z = 0] = key.split(',').map(Number)
    const block = [tileOf(x, z), tileOf(x + 1, z), tileOf(x, z + 1), tileOf(x + 1, z + 1)]
    const peers = block.reduce((sum, tile) => sum + tile.length, 0)
    if (peers > most) [best, most] = [block, peers]
  }
  const crowd = best.flat()
  const mean = { x: 0, z: 0 }
  for (const { x, z } of crowd) {
    mean.x += x / most
    mean.z += z / most
  }
  const distance = ({ x, z }: Spot) => Math.hypot(x - mean.x, z - mean.z)
  return crowd.reduce((nearest, spot) => (distance(spot) < distance(nearest) ? spot : nearest), crowd[0] ?? mean)
}

/** A square of parcels with a spot in its middle. */
function squareAround({ x, z }: Spot): Frame {
  const toParcel = (metres: number) => Math.round(metres / PARCEL_SIZE) * PARCEL_SIZE
  const [west, south] = [toParcel(x - PLACE_SIZE / 2), toParcel(z - PLACE_SIZE / 2)]
  return { west, east: west + PLACE_SIZE, south, north: south + PLACE_SIZE }
}
