/** A spot on the ground, in metres: `x` to the east, `z` to the north. */
export interface Spot {
  x: number
  z: number
}

export interface MappedIsland {
  id: string
  /** Peers listed, those outside the world included. */
  size: number
  spots: readonly Spot[]
}

/** Positions and islands of a realm's peers, read from its statistics. */
export interface MapData {
  realm: string
  /** When the statistics were read, as they or the record say; empty when they do not say it. */
  takenAt: string
  /** The largest first, then by id; none without peers. */
  islands: readonly MappedIsland[]
  /** What all ids of several islands begin with, before a dash; the map shows it once. */
  idPrefix: string
  /** Peers that are on no island. */
  peersWithoutIsland: readonly Spot[]
  /** All peers that were read: on islands, without an island, and outside the world. */
  peers: number
  /** Peers whose position is missing or outside the world. */
  outsideWorld: number
  /** Peers that were not read because there were more than `MAX_MAPPED_PEERS`. */
  skipped: number
}

/** Further peers are counted and not read: this is some forty times a full city. */
export const MAX_MAPPED_PEERS = 200_000

/** Characters of a name or an id that are kept. */
const MAX_NAME = 200

/** Metres from the origin to the edge of the world; the archipelago refuses positions beyond the same edge. */
const WORLD_EDGE = 2 ** 24

/** Reads the body of `/stats/islands`, or a record with `peers`, `realm` and `takenAt` as well; undefined without a list of islands. */
export function readMapData(record: unknown): MapData | undefined {
  const { islands, peers, realm, takenAt } = fieldsOf(record)
  if (!Array.isArray(islands)) return undefined
  const count = { peers: 0, outsideWorld: 0, skipped: 0 }
  const known = new Set<unknown>()

  const spotsOf = (listed: readonly unknown[], isNew: (id: unknown) => boolean): { size: number; spots: Spot[] } => {
    const spots: Spot[] = []
    let size = 0
    for (const one of listed) {
      const { id, position } = fieldsOf(one)
      if (!isNew(id)) continue
      if (count.peers === MAX_MAPPED_PEERS) {
        count.skipped++
        continue
      }
      known.add(id)
      count.peers++
      size++
      const spot = spotOf(position)
      if (spot) spots.push(spot)
      else count.outsideWorld++
    }
    return { size, spots }
  }

  const mapped: MappedIsland[] = []
  for (const one of islands) {
    const island = fieldsOf(one)
    const members = spotsOf(listOf(island.peers), () => true)
    if (members.size > 0) mapped.push({ id: nameOf(island.id), ...members })
  }
  const { spots: peersWithoutIsland } = spotsOf(listOf(peers), (id) => !known.has(id))
  mapped.sort((a, b) => b.size - a.size || (a.id < b.id ? -1 : 1))
  return {
    realm: nameOf(realm),
    takenAt: nameOf(takenAt),
    islands: mapped,
    idPrefix: commonPrefix(mapped.map(({ id }) => id)),
    peersWithoutIsland,
    ...count,
  }
}

function commonPrefix(ids: readonly string[]): string {
  const [one = '', ...others] = ids
  if (others.length === 0) return ''
  let length = one.lastIndexOf('-')
  for (const id of others)
    while (length > 0 && !id.startsWith(one.slice(0, length + 1))) length = one.lastIndexOf('-', length - 1)
  return one.slice(0, Math.max(0, length))
}

function spotOf(position: unknown): Spot | undefined {
  const [x, , z] = listOf(position)
  return isWithinWorld(x) && isWithinWorld(z) ? { x, z } : undefined
}

const isWithinWorld = (metres: unknown): metres is number => typeof metres === 'number' && Math.abs(metres) <= WORLD_EDGE

const fieldsOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

const nameOf = (value: unknown): string => (typeof value === 'string' ? value.slice(0, MAX_NAME) : '')
