import type { RealmMap } from '../../wire/realm-map.ts'
import type { RealmFacts } from './realm-facts.ts'

/** Rows and columns. */
const SIDE = 40
const LEVELS = '0123456789abcdefghijklmnopqrstuvwxyz'

/** A picture of a realm of some kilobytes. */
export interface Overview {
  /** West, south, east and north end in parcels; east and north are outside. */
  box: [number, number, number, number]
  /** South-west corner of the fields, and the side of one, in parcels: whole tiles, so that no field has more of them than the next. */
  origin: [number, number]
  field: number
  /** A digit for each field from the south-west to the north-east: 0 without peers, else one more than the logarithm to base 2. */
  levels: string
}

/** The peers of a realm on a grid of 40 by 40 fields; undefined without peers. */
export function overviewOf({ tile, tiles }: Pick<RealmMap, 'tile' | 'tiles'>, sizes: RealmFacts['sizes']): Overview | undefined {
  if (tiles.length === 0) return undefined
  const box = boxOf(tile, tiles, sizes)
  const [west, south, east, north] = box
  const origin: Overview['origin'] = [Math.floor(west / tile) * tile, Math.floor(south / tile) * tile]
  const field = tile * Math.ceil(Math.max(east - origin[0], north - origin[1]) / tile / SIDE)
  const counts = new Float64Array(SIDE * SIDE)
  for (let at = 0; at < tiles.length; at += 3) {
    const column = Math.floor(((tiles[at] ?? 0) * tile - origin[0]) / field)
    const row = Math.floor(((tiles[at + 1] ?? 0) * tile - origin[1]) / field)
    // Outside the land.
    if (column < 0 || row < 0 || column >= SIDE || row >= SIDE) continue
    const place = row * SIDE + column
    counts[place] = (counts[place] ?? 0) + (tiles[at + 2] ?? 0)
  }
  return { box, origin, field, levels: Array.from(counts, levelOf).join('') }
}

const levelOf = (count: number): string =>
  count <= 0 ? '0' : (LEVELS[Math.min(LEVELS.length - 1, 1 + Math.floor(Math.log2(count)))] ?? '0')

/** The land of the realm; without land, where the peers are. */
function boxOf(tile: number, tiles: readonly number[], sizes: RealmFacts['sizes']): Overview['box'] {
  const box: Overview['box'] = [
    Number.POSITIVE_INFINITY,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ]
  const include = (west: number, south: number, east: number, north: number) => {
    box[0] = Math.min(box[0], west)
    box[1] = Math.min(box[1], south)
    box[2] = Math.max(box[2], east)
    box[3] = Math.max(box[3], north)
  }
  for (const { left, bottom, right, top } of sizes) include(left, bottom, right + 1, top + 1)
  if (sizes.length > 0) return box
  for (let at = 0; at < tiles.length; at += 3) {
    const [x, y] = [(tiles[at] ?? 0) * tile, (tiles[at + 1] ?? 0) * tile]
    include(x, y, x + tile, y + tile)
  }
  return box
}
