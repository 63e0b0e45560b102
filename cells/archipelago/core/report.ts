import type { IslandStatusMessage } from '../../wire/packets.ts'
import type { IslandView } from './islands.ts'

// Upper bounds of what protobuf makes of an address and of the numbers of an island.
const PEER_BYTES = 44
const ISLAND_BYTES = 48

/**
 * The report of all islands (clustering.md §5.23), in as many messages as it takes to keep each below `maxBytes`: a broker refuses longer
 * ones, and then nobody would learn anything. One message, even without islands, as long as everything fits.
 */
export function islandsReport(islands: Iterable<IslandView>, maxPeers: number, maxBytes: number): IslandStatusMessage[] {
  let current: IslandStatusMessage = { data: [] }
  const messages = [current]
  let bytes = 0
  for (const { id, peers, center, radius } of islands) {
    const size = ISLAND_BYTES + id.length + peers.length * PEER_BYTES
    if (bytes > 0 && bytes + size > maxBytes) {
      current = { data: [] }
      messages.push(current)
      bytes = 0
    }
    current.data.push({ id, peers: [...peers], maxPeers, center, radius })
    bytes += size
  }
  return messages
}
