import type { Position } from './peer.ts'

/** The tags of a heartbeat in a packet of a client, of the position in it, and of the coordinates. */
const [HEARTBEAT, POSITION, X, Y, Z] = [0x1a, 0x0a, 0x0d, 0x15, 0x1d] as const
/** Where the heartbeat begins, and the coordinates. */
const [BODY, COORDINATES] = [2, 4] as const
/** A tag, and four bytes of a number. */
const COORDINATE_BYTES = 5

/**
 * A heartbeat with a position and nothing else, as explorers send them several times a second: a twentieth of the time that any decoder of
 * protobuf takes. `payload` is the message for the bus, within the same bytes. Undefined for any other packet, and for one with a byte
 * beside the coordinates: what a client appends is not passed on.
 */
export function readPlainHeartbeat(bytes: Uint8Array): { position: Position; payload: Uint8Array } | undefined {
  const { length } = bytes
  if (length < COORDINATES || bytes[0] !== HEARTBEAT || bytes[1] !== length - BODY) return undefined
  if (bytes[BODY] !== POSITION || bytes[BODY + 1] !== length - COORDINATES) return undefined
  const position = { x: 0, y: 0, z: 0 }
  let at = COORDINATES
  if (bytes[at] === X) {
    position.x = floatAt(bytes, at + 1)
    at += COORDINATE_BYTES
  }
  if (bytes[at] === Y) {
    position.y = floatAt(bytes, at + 1)
    at += COORDINATE_BYTES
  }
  if (bytes[at] === Z) {
    position.z = floatAt(bytes, at + 1)
    at += COORDINATE_BYTES
  }
  if (at !== length) return undefined
  return { position, payload: bytes.subarray(BODY) }
}

const words = new Uint32Array(1)
const floats = new Float32Array(words.buffer)

/** Bytes beyond the end count as zeros: the caller finds out that there were none. */
function floatAt(bytes: Uint8Array, at: number): number {
  words[0] = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)
  return floats[0] ?? 0
}
