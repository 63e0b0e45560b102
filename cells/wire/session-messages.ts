import { type FencingToken, parseFencingToken } from './fencing-token.ts'

/** Published by a connector when a session begins, and again for a session that goes on after the bus was away. */
export interface ConnectMessage {
  session: FencingToken | undefined
  /** The room last announced to a session that goes on, `''` when there was none yet; undefined for a new session. */
  announcedRoom: string | undefined
}

/** The player left, or the connection broke, or the connector drained; after the last two the player is expected to reconnect. */
export type DisconnectReason = 'left' | 'dropped' | 'drained'

/** Published by a connector at the end of a session. */
export interface DisconnectMessage {
  session: FencingToken | undefined
  reason: DisconnectReason
}

/** Longest name of a room, in characters. */
export const MAX_ROOM_LENGTH = 256
const MAX_BYTES = 512

/** Payload of `peer.{a}.connect`: for a new session its fencing token alone, as in upstream's later versions. */
export const encodeConnect = ({ session = '', announcedRoom }: ConnectMessage): Uint8Array =>
  Buffer.from(announcedRoom === undefined ? session : `${session}\n${announcedRoom}`)

/** Undefined when the payload is too long; from a service without sessions the payload is empty. */
export function decodeConnect(bytes: Uint8Array): ConnectMessage | undefined {
  if (bytes.length > MAX_BYTES) return undefined
  const [session = '', announcedRoom] = Buffer.from(bytes).toString().split('\n')
  return { session: parseFencingToken(session), announcedRoom }
}

/** Payload of `peer.{a}.disconnect`, which upstream leaves empty. */
export const encodeDisconnect = ({ session = '', reason }: DisconnectMessage): Uint8Array => Buffer.from(`${session}\n${reason}`)

/** Undefined when the payload is too long; without a known reason the player counts as having left. */
export function decodeDisconnect(bytes: Uint8Array): DisconnectMessage | undefined {
  if (bytes.length > MAX_BYTES) return undefined
  const [session = '', reason] = Buffer.from(bytes).toString().split('\n')
  return { session: parseFencingToken(session), reason: reason === 'dropped' || reason === 'drained' ? reason : 'left' }
}
