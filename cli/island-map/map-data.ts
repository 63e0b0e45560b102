/** A spot on the ground, in metres: `x` to the east, `z` to the north. */
export interface Spot {
  x: number
  z: number
}

/** An island as a map needs it. */
export interface MappedIsland {
  id: string
  /** Peers listed, also those that stand nowhere. */
  size: number
  spots: readonly Spot[]
}

/** Who stands where and with whom, out of what a realm's statistics said. */
export interface Census {
  realm: string
  /** When the statistics were asked, as they or the record said it; empty when nobody did. */
  takenAt: string
  /** The largest first, then by id; none without peers. */
  islands: readonly MappedIsland[]
  /** What all ids of several islands begin with, before a dash; a map need not repeat it. */
  idStart: string
  /** Peers that are on no island. */
  loners: readonly Spot[]
  /** All that were read: on islands, alone, and nowhere. */
  peers: number
  /** Peers whose position is no place in the world. */
  nowhere: number
  /** Peers left unread because there were more than `MAX_PEERS`. */
  unread: number
}

/** More peers than this are counted and not read: some forty times a full city. */
export const MAX_PEERS = 200_000

/** Characters of a name or an id that are kept. */
const MAX_NAME = 200

/** Metres from the origin beyond which nobody is anywhere; the archipelago draws the line at the same place. */
const WORLD_EDGE = 2 ** 24

/** Reads `/stats/islands`, or a record of it with `peers`, `realm` and `takenAt` beside; nothing when it has no list of islands. */
export function readCensus(record: unknown): Census | undefined {
  const { islands, peers, realm, takenAt } = fieldsOf(record)
  if (!Array.isArray(islands)) return undefined
  const count = { peers: 0, nowhere: 0, unread: 0 }
  const known = new Set<unknown>()

  const spotsOf = (listed: readonly unknown[], isNews: (id: unknown) => boolean): { size: number; spots: Spot[] } => {
    const spots: Spot[] = []
    let size = 0
    for (const one of listed) {
      const { id, position } = fieldsOf(one)
      if (!isNews(id)) continue
      if (count.peers === MAX_PEERS) {
        count.unread++
        continue
      }
      known.add(id)
      count.peers++
      size++
      const spot = spotOf(position)
      if (spot) spots.push(spot)
      else count.nowhere++
    }
    return { size, spots }
  }

  const mapped: MappedIsland[] = []
  for (const one of islands) {
    const island = fieldsOf(one)
    const members = spotsOf(listOf(island.peers), () => true)
    if (members.size > 0) mapped.push({ id: nameOf(island.id), ...members })
  }
  const { spots: loners } = spotsOf(listOf(peers), (id) => !known.has(id))
  mapped.sort((a, b) => b.size - a.size || (a.id < b.id ? -1 : 1))
  return {
    realm: nameOf(realm),
    takenAt: nameOf(takenAt),
    islands: mapped,
    idStart: commonStart(mapped.map(({ id }) => id)),
    loners,
    ...count,
  }
}

function commonStart(ids: readonly string[]): string {
  const [one = '', ...others] = ids
  if (others.length === 0) return ''
  let length = one.lastIndexOf('-')
  for (const id of others)
    while (length > 0 && !id.startsWith(one.slice(0, length + 1))) length = one.lastIndexOf('-', length - 1)
  return one.slice(0, Math.max(0, length))
}

function spotOf(position: unknown): Spot | undefined {
  const [x, , z] = listOf(position)
  return isSomewhere(x) && isSomewhere(z) ? { x, z } : undefined
}

const isSomewhere = (metres: unknown): metres is number => typeof metres === 'number' && Math.abs(metres) <= WORLD_EDGE

const fieldsOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])

const nameOf = (value: unknown): string => (typeof value === 'string' ? value.slice(0, MAX_NAME) : '')
