import type { PeerId, Position } from './peer.ts'

// An entry of `peers` in an IslandChangedMessage: an address of 42 characters and a position of three floats, each behind its
// protobuf tag and length.
const ADDRESS_BYTES = 42
const POSITION_BYTES = 15
const ENTRY_BYTES = 2 + ADDRESS_BYTES + 2 + POSITION_BYTES
const BEFORE_ADDRESS = Buffer.from([0x22, ENTRY_BYTES, 0x0a, ADDRESS_BYTES])
const BEFORE_POSITION = Buffer.from([0x12, POSITION_BYTES])
const X_TAG = 0x0d
const Y_TAG = 0x15
const Z_TAG = 0x1d

/**
 * Only the `peers` field of an IslandChangedMessage: the fields of a protobuf message may be encoded apart and concatenated.
 * Encoded by hand because it is the longest part of what an archipelago publishes, and it is published for every island that a
 * peer enters.
 */
export function encodePeerList(members: readonly { readonly peer: PeerId; readonly position: Position }[]): Uint8Array {
  const bytes = Buffer.allocUnsafe(members.length * (2 + ENTRY_BYTES))
  let at = 0
  const float = (tag: number, value: number): void => {
    at = bytes.writeFloatLE(value, bytes.writeUInt8(tag, at))
  }
  for (const { peer, position } of members) {
    at += BEFORE_ADDRESS.copy(bytes, at)
    at += bytes.write(peer, at, ADDRESS_BYTES, 'latin1')
    at += BEFORE_POSITION.copy(bytes, at)
    float(X_TAG, position.x)
    float(Y_TAG, position.y)
    float(Z_TAG, position.z)
  }
  return bytes
}
