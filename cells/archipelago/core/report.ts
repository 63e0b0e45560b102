import type { IslandStatusMessage } from '../../wire/packets.ts'
import type { IslandView } from './islands.ts'

/** How much of the islands a report says. */
export type ReportForm = 'full' | 'compact' | 'cut'

// Upper bounds of what protobuf makes of an address and of the numbers of an island.
const PEER_BYTES = 44
const ISLAND_BYTES = 48

/**
 * The report of all islands (clustering.md §5.23), never longer than `maxBytes`: a broker refuses messages above its limit, and then nobody
 * would learn anything. What does not fit loses the lists of peers first, islands only when there is no other way.
 */
export function islandsReport(
  islands: readonly IslandView[],
  maxPeers: number,
  maxBytes: number,
): { message: IslandStatusMessage; form: ReportForm } {
  const compact = islands.reduce((bytes, { id }) => bytes + ISLAND_BYTES + id.length, 0)
  const full = islands.reduce((bytes, { peers }) => bytes + peers.length * PEER_BYTES, compact)
  const form = full <= maxBytes ? 'full' : compact <= maxBytes ? 'compact' : 'cut'
  const shown = form === 'cut' ? islands.slice(0, Math.floor((maxBytes / compact) * islands.length)) : islands
  const data = shown.map(({ id, peers, center, radius }) => ({
    id,
    peers: form === 'full' ? [...peers] : [],
    maxPeers,
    center,
    radius,
  }))
  return { message: { data }, form }
}
