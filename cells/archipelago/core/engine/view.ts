import type { PeerId } from '../../../wire/peer.ts'
import type { IslandSummary } from '../islands.ts'
import { int, NONE, real } from './columns.ts'
import type { IslandTable } from './island-table.ts'
import type { PeerTable } from './peer-table.ts'

/** An island as the world sees it: the mean of its members on the ground and the distance to the farthest (clustering.md §5.7). */
export function summaryOf(id: string, islands: IslandTable, table: PeerTable): IslandSummary {
  const island = islands.rowOf(id)
  const first = int(islands.first, island)
  const size = int(islands.size, island)
  const peers: PeerId[] = []
  let x = 0
  let z = 0
  for (let peer = first; peer !== NONE; peer = int(table.next, peer)) {
    peers.push(table.idOf(peer))
    x += real(table.x, peer) / size
    z += real(table.z, peer) / size
  }
  if (Number.isNaN(x)) return { id, peers, center: undefined, radius: 0 }
  let farthest = 0
  for (let peer = first; peer !== NONE; peer = int(table.next, peer)) {
    const squared = (real(table.x, peer) - x) ** 2 + (real(table.z, peer) - z) ** 2
    if (squared > farthest) farthest = squared
  }
  return { id, peers, center: { x, y: 0, z }, radius: Math.sqrt(farthest) }
}
