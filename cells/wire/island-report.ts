import { IslandData } from '@dcl/protocol/out-js/decentraland/kernel/comms/v3/archipelago.gen.js'
import { delimiter } from './packets.ts'
import type { PeerId, Position } from './peer.ts'

/** Field 1 of an IslandStatusMessage: an island. */
const ISLAND_TAG = 0x0a
/** Field 2 of an island, an address: its tag, and its length of 42, which is the character code of `*`. */
const ADDRESS = '\x12*'

/**
 * The part of an island in a report of all islands (clustering.md §5.23) that changes seldom: its id and its members. The fields
 * of a protobuf message may be encoded apart and concatenated, so this part is encoded again only when a peer came or left. The
 * addresses all have the same length and are encoded in one go, because a large cell has a hundred thousand of them.
 */
export function encodeMembers(id: string, peers: readonly PeerId[], maxPeers: number): Uint8Array {
  const name = IslandData.encode({ id, peers: [], maxPeers, center: undefined, radius: 0 }).finish()
  const addresses = Buffer.from(peers.length === 0 ? '' : ADDRESS + peers.join(ADDRESS), 'latin1')
  return Buffer.concat([name, addresses])
}

/** The part that changes often: centre and radius, in metres. No centre for an island whose peers have no usable position. */
export const encodeArea = (center: Position | undefined, radius: number): Uint8Array =>
  IslandData.encode({ id: '', peers: [], maxPeers: 0, center, radius }).finish()

/** An island in a report, as pieces to be concatenated, also with those of other islands. */
export const encodeIsland = (members: Uint8Array, area: Uint8Array): readonly Uint8Array[] => [
  delimiter(ISLAND_TAG, members.length + area.length),
  members,
  area,
]
