import { MAX_DOTS, MAX_MAP_ISLANDS, MAX_TILES, type MapCell, type MapIsland, type RealmMap } from '../../wire/realm-map.ts'
import { cellsJson, parcelOfPosition, slotOf } from './response-json.ts'
import type { KnownPeer, ReportedIsland, Snapshot } from './snapshot.ts'

/** Parcels further out are not on the map: no realm is as large, and keys of tiles stay whole numbers. */
const MAX_PARCEL = 100_000
const ROW = 4 * MAX_PARCEL

/** The map of a realm at one moment. `nowMs` is monotonic. */
export function realmMap(snapshot: Snapshot, instance: string, nowMs: number): RealmMap {
  const islands = [...snapshot.islands()]
  const shown = islands.sort((a, b) => b.peers.length - a.peers.length).slice(0, MAX_MAP_ISLANDS)
  return {
    ok: true,
    instance,
    peers: snapshot.peerCount,
    ...tilesOf(snapshot.peers()),
    ...(snapshot.peerCount <= MAX_DOTS && { dots: dotsOf(snapshot.peers(), shown) }),
    islandCount: islands.length,
    islands: shown.map(mapIsland),
    cells: cellsOf(snapshot, nowMs),
  }
}

/** Doubles the side of the tiles until there are few enough of them. */
function tilesOf(peers: Iterable<KnownPeer>): { tile: number; tiles: number[] } {
  let counts = new Map<number, number>()
  for (const { position } of peers) {
    const [x, y] = parcelOfPosition(position)
    if (Math.max(Math.abs(x), Math.abs(y)) > MAX_PARCEL) continue
    const key = keyOf(x, y)
    counts.set(key, (counts.get(key) ?? 0) + 1)
  }
  let tile = 1
  for (; counts.size > MAX_TILES; tile *= 2) counts = halved(counts)
  return { tile, tiles: Array.from(counts, ([key, count]) => [...placeOf(key), count]).flat() }
}

function halved(counts: ReadonlyMap<number, number>): Map<number, number> {
  const larger = new Map<number, number>()
  for (const [key, count] of counts) {
    const [x, y] = placeOf(key)
    const place = keyOf(Math.floor(x / 2), Math.floor(y / 2))
    larger.set(place, (larger.get(place) ?? 0) + count)
  }
  return larger
}

const keyOf = (x: number, y: number): number => (y + MAX_PARCEL) * ROW + x + MAX_PARCEL
const placeOf = (key: number): [number, number] => [(key % ROW) - MAX_PARCEL, Math.floor(key / ROW) - MAX_PARCEL]

function dotsOf(peers: Iterable<KnownPeer>, shown: readonly ReportedIsland[]): number[] {
  const islandOf = new Map(shown.flatMap(({ peers: members }, index) => members.map((id) => [id, index] as const)))
  return Array.from(peers, ({ id, position }) => [Math.round(position.x), Math.round(position.z), islandOf.get(id) ?? -1]).flat()
}

const mapIsland = ({ id, center, radius, peers }: ReportedIsland): MapIsland => ({
  id,
  center: [Math.round(center.x), Math.round(center.z)],
  radius: Math.round(radius),
  peers: peers.length,
})

function cellsOf(snapshot: Snapshot, nowMs: number): MapCell[] {
  const scopes = new Map(Array.from(snapshot.cells(), ({ cell }) => [slotOf(cell), cell]))
  return cellsJson(snapshot, nowMs).map((cell) => {
    const scope = scopes.get(cell.slot) ?? ''
    return { ...cell, islands: snapshot.islandsOf(scope), ...snapshot.activityOf(scope) }
  })
}
