import type { PeerId, Position } from './peer.ts'

// An entry of `peers` in an IslandChangedMessage: an address of 42 characters and a position of three floats, each behind its
// protobuf tag and length.
const ADDRESS_BYTES = 42
const POSITION_BYTES = 15
const ENTRY_BYTES = 2 + ADDRESS_BYTES + 2 + POSITION_BYTES
const ADDRESS_AT = 4
const POSITION_AT = ADDRESS_AT + ADDRESS_BYTES
/** An entry with neither address nor coordinates: each coordinate is a tag and four bytes. */
const EMPTY_ENTRY = Buffer.alloc(2 + ENTRY_BYTES)
EMPTY_ENTRY.set([0x22, ENTRY_BYTES, 0x0a, ADDRESS_BYTES])
EMPTY_ENTRY.set([0x12, POSITION_BYTES, 0x0d], POSITION_AT)
EMPTY_ENTRY.set([0x15], POSITION_AT + 7)
EMPTY_ENTRY.set([0x1d], POSITION_AT + 12)

/**
 * Only the `peers` field of an IslandChangedMessage: the fields of a protobuf message may be encoded apart and concatenated.
 * Encoded by hand because it is the longest part of what an archipelago publishes, and it is published for every island that a
 * peer enters.
 */
export function encodePeerList(members: readonly { readonly peer: PeerId; readonly position: Position }[]): Uint8Array {
  const bytes = Buffer.allocUnsafe(members.length * EMPTY_ENTRY.length).fill(EMPTY_ENTRY)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let at = 0
  for (const { peer, position } of members) {
    bytes.write(peer, at + ADDRESS_AT, ADDRESS_BYTES, 'latin1')
    view.setFloat32(at + POSITION_AT + 3, position.x, true)
    view.setFloat32(at + POSITION_AT + 8, position.y, true)
    view.setFloat32(at + POSITION_AT + 13, position.z, true)
    at += EMPTY_ENTRY.length
  }
  return bytes
}
