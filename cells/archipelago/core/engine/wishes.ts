import { int, NONE } from './columns.ts'
import type { IslandTable } from './island-table.ts'
import type { PeerTable } from './peer-table.ts'

/** The island most members of an island would rather be in, NONE without a wish or such an island; the first named wins a tie (clustering.md §5.9). */
export function preferredIslandOf(island: number, peers: PeerTable, islands: IslandTable): number {
  const votes = new Map<string, number>()
  for (let peer = int(islands.first, island); peer !== NONE; peer = int(peers.next, peer)) {
    const wish = peers.preferredRoom[peer]
    if (wish !== undefined) votes.set(wish, (votes.get(wish) ?? 0) + 1)
  }
  let favourite: string | undefined
  for (const [room, count] of votes) if (favourite === undefined || count > (votes.get(favourite) ?? 0)) favourite = room
  return favourite === undefined ? NONE : islands.rowOf(favourite)
}
