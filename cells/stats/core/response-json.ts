import { PARCEL_SIZE, type Position } from '../../wire/peer.ts'
import { CELL_SILENCE_MS, type Discovery, type KnownPeer, type ReportedIsland, type Snapshot } from './snapshot.ts'

/** A peer as the API shows it (comms.md §8.1: P). */
export interface PeerJson {
  id: string
  address: string
  lastPing: number
  parcel: [number, number]
  position: [number, number, number]
}

/** An island as the API shows it (comms.md §8.1: I). */
export interface IslandJson {
  id: string
  maxPeers: number
  center: [number, number, number]
  radius: number
  peers: PeerJson[]
}

/** The number of peers on a parcel. */
export interface ParcelJson {
  peersCount: number
  parcel: { x: number; y: number }
}

/** One cell of the realm, by the last discovery message of its archipelago; an addition to upstream's API. */
export interface CellJson {
  slot: number
  healthy: boolean
  userCount: number
}

export const peerJson = ({ id, lastPing, position }: KnownPeer): PeerJson => ({
  id,
  address: id,
  lastPing,
  parcel: parcelOfPosition(position),
  position: coordinates(position),
})

/** The peers with these ids, in order of appearance. */
export function peersJson(snapshot: Snapshot, ids: readonly string[]): PeerJson[] {
  const requested = [...new Set(ids)].flatMap((id) => snapshot.peer(id) ?? [])
  return requested.sort((a, b) => a.appearance - b.appearance).map(peerJson)
}

/** An object as pieces of JSON: fields, and a list. */
export function* listText(fields: string, list: string, pieces: Iterable<string>): Iterable<string> {
  yield `{${fields},"${list}":[`
  yield* pieces
  yield ']}'
}

/** All peers as pieces of JSON, in order of appearance, with commas between them. */
export function* peersText(snapshot: Snapshot): Iterable<string> {
  let before = ''
  for (const peer of snapshot.peers()) {
    yield before + JSON.stringify(peerJson(peer))
    before = ','
  }
}

/** As `peersText`, by address. Peers are sorted in groups, because to sort all of a hundred thousand at once takes too long. */
export function* peersTextByAddress(snapshot: Snapshot, shown: (peer: PeerJson) => object = (peer) => peer): Iterable<string> {
  const groups = new Map<string, KnownPeer[]>()
  for (const peer of snapshot.peers()) {
    const key = peer.id.slice(0, GROUP_DIGITS)
    const group = groups.get(key)
    if (group) group.push(peer)
    else groups.set(key, [peer])
    yield ''
  }
  let before = ''
  for (const key of [...groups.keys()].sort(compare)) {
    for (const peer of (groups.get(key) ?? []).sort((a, b) => compare(a.id, b.id))) {
      yield before + JSON.stringify(shown(peerJson(peer)))
      before = ','
    }
  }
}

/** Of a wallet's address, with 0x: 4096 groups. */
const GROUP_DIGITS = 5

/** All islands as pieces of JSON, with commas between them: in the order of their cells, or by id with their peers by address. */
export function* islandsText(snapshot: Snapshot, order: 'any' | 'byId' = 'any'): Iterable<string> {
  const reported = order === 'any' ? snapshot.islands() : [...snapshot.islands()].sort(byId)
  let before = ''
  for (const island of reported) {
    const { peers, ...rest } = islandJson(snapshot, island)
    yield before + JSON.stringify({ ...rest, peers: order === 'any' ? peers : peers.sort(byAddress) })
    before = ','
  }
}

/** Peers that sent no heartbeat to us are left out of their island without an error (comms.md §8.1). */
const islandJson = (snapshot: Snapshot, { id, maxPeers, center, radius, peers }: ReportedIsland): IslandJson => ({
  id,
  maxPeers,
  center: coordinates(center),
  radius,
  peers: peers.flatMap((peer) => {
    const known = snapshot.peer(peer)
    return known ? [peerJson(known)] : []
  }),
})

/** The island of that id, or nothing. */
export function islandById(snapshot: Snapshot, id: string): IslandJson | undefined {
  const island = snapshot.island(id)
  return island && islandJson(snapshot, island)
}

/** Every occupied parcel, in the order in which the first peer of each appeared. */
export function parcelsJson(snapshot: Snapshot): ParcelJson[] {
  const parcels = new Map<string, ParcelJson>()
  for (const { position } of snapshot.peers()) {
    const [x, y] = parcelOfPosition(position)
    const key = `${x},${y}`
    const known = parcels.get(key)
    if (known) known.peersCount++
    else parcels.set(key, { peersCount: 1, parcel: { x, y } })
  }
  return [...parcels.values()]
}

const compare = (a: string, b: string): number => Number(a > b) - Number(a < b)

/** Orders in which the routes by realm list peers, parcels and islands. */
export const byAddress = (a: PeerJson, b: PeerJson): number => compare(a.address, b.address)
export const byPeers = (a: ParcelJson, b: ParcelJson): number =>
  b.peersCount - a.peersCount || a.parcel.x - b.parcel.x || a.parcel.y - b.parcel.y
const numerically = new Intl.Collator('en', { numeric: true })
const byId = (a: { id: string }, b: { id: string }): number => numerically.compare(a.id, b.id)

/** The cells that ever sent a report, by slot. `nowMs` is monotonic. */
export const cellsJson = (snapshot: Snapshot, nowMs: number): CellJson[] =>
  Array.from(snapshot.cells(), ({ cell, discovery }) => ({
    slot: slotOf(cell),
    healthy: isFresh(discovery, nowMs),
    userCount: discovery?.userCount ?? 0,
  })).sort((a, b) => a.slot - b.slot)

/**
 * Upstream's rule for one cell: healthy while the last discovery message is less than 90 s old; the last user count is kept even
 * longer.
 *
 * Of several cells one is enough: a realm takes players as long as one cell does, and a cell that was scaled away stays silent
 * although nothing is wrong. While one cell reports, silent ones do not count: their players have reconnected to other cells.
 * `nowMs` is monotonic.
 */
export function coreStatus(snapshot: Snapshot, nowMs: number): { healthy: boolean; userCount: number } {
  const all = [...snapshot.cells()].flatMap(({ discovery }) => discovery ?? [])
  const fresh = all.filter((discovery) => isFresh(discovery, nowMs))
  const counted = fresh.length > 0 ? fresh : all
  return { healthy: fresh.length > 0, userCount: counted.reduce((sum, { userCount }) => sum + userCount, 0) }
}

const isFresh = (discovery: Discovery | undefined, nowMs: number): boolean =>
  discovery !== undefined && nowMs - discovery.receivedMs < CELL_SILENCE_MS

/** The parcel of a place. */
export const parcelOfPosition = ({ x, z }: Position): [number, number] => [
  Math.floor(x / PARCEL_SIZE),
  Math.floor(z / PARCEL_SIZE),
]

const coordinates = ({ x, y, z }: Position): [number, number, number] => [x, y, z]

/** The last token of a cell's scope is its slot; upstream's empty scope is a realm of one cell. */
export const slotOf = (cell: string): number => Number(/(?:^|\.)(\d+)$/.exec(cell)?.[1] ?? 0)
