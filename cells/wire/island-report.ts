import { IslandData } from '@dcl/protocol/out-js/decentraland/kernel/comms/v3/archipelago.gen.js'
import { delimiter } from './packets.ts'
import type { PeerId, Position } from './peer.ts'

/** Field 1 of an IslandStatusMessage is an island. */
const ISLAND_TAG = 0x0a
/** Field 2 of an island is an address: its tag, and its length of 42, which happens to be a star. */
const ADDRESS = '\x12*'

/**
 * The lasting part of an island in a report of all islands (clustering.md §5.23): its name and who is in it. The fields of a protobuf message
 * may be put together from pieces, so this one is written anew only when somebody came or went; addresses, all of one length, are written
 * all at once, for a city has a hundred thousand.
 */
export function encodeMembers(id: string, peers: readonly PeerId[], maxPeers: number): Uint8Array {
  const name = IslandData.encode({ id, peers: [], maxPeers, center: undefined, radius: 0 }).finish()
  const addresses = Buffer.from(peers.length === 0 ? '' : ADDRESS + peers.join(ADDRESS), 'latin1')
  return Buffer.concat([name, addresses])
}

/** The passing part: where the island is. Nothing for one that is nowhere. */
export const encodeArea = (center: Position | undefined, radius: number): Uint8Array =>
  IslandData.encode({ id: '', peers: [], maxPeers: 0, center, radius }).finish()

/** An island in a report, as pieces to be put behind each other and behind those of other islands. */
export const encodeIsland = (members: Uint8Array, place: Uint8Array): readonly Uint8Array[] => [
  delimiter(ISLAND_TAG, members.length + place.length),
  members,
  place,
]
