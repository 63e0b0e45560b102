import type { PeerId, Position } from './peer.ts'

// An entry of `peers` in an IslandChangedMessage: an address of 42 characters and a position of three floats, each with what protobuf puts before it.
const ADDRESS_BYTES = 42
const POSITION_BYTES = 15
const ENTRY_BYTES = 2 + ADDRESS_BYTES + 2 + POSITION_BYTES
const HEAD = Buffer.from([0x22, ENTRY_BYTES, 0x0a, ADDRESS_BYTES])
const BETWEEN = Buffer.from([0x12, POSITION_BYTES])
const X = 0x0d
const Y = 0x15
const Z = 0x1d

/**
 * The list of peers of an IslandChangedMessage alone: the fields of a protobuf message may be put together from pieces. Written by hand, for it
 * is the longest thing an archipelago says, and it says it of every island that somebody enters.
 */
export function encodePeerList(members: readonly { readonly peer: PeerId; readonly position: Position }[]): Uint8Array {
  const bytes = Buffer.allocUnsafe(members.length * (2 + ENTRY_BYTES))
  let at = 0
  const float = (tag: number, value: number): void => {
    at = bytes.writeFloatLE(value, bytes.writeUInt8(tag, at))
  }
  for (const { peer, position } of members) {
    at += HEAD.copy(bytes, at)
    at += bytes.write(peer, at, ADDRESS_BYTES, 'latin1')
    at += BETWEEN.copy(bytes, at)
    float(X, position.x)
    float(Y, position.y)
    float(Z, position.z)
  }
  return bytes
}
