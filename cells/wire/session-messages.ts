import { type FencingToken, parseFencingToken } from './fencing-token.ts'

/** What a connector says when a player is there: the session, and the room it was last told if it is not a new one. */
export interface ConnectMessage {
  session: FencingToken | undefined
  announcedRoom: string | undefined
}

/** How a session ended: its player left, or the line broke, or we sent it to another connector; then it is expected back. */
export type DisconnectReason = 'left' | 'dropped' | 'drained'

/** What a connector says at the end of a session. */
export interface DisconnectMessage {
  session: FencingToken | undefined
  reason: DisconnectReason
}

/** Longest name of a room. */
export const MAX_ROOM_LENGTH = 256
const MAX_BYTES = 512

/** Payload of `peer.{a}.connect`: a session that is new is its stamp and nothing else, as upstream's later versions say it. */
export const encodeConnect = ({ session = '', announcedRoom }: ConnectMessage): Uint8Array =>
  Buffer.from(announcedRoom === undefined ? session : `${session}\n${announcedRoom}`)

/** Nothing when it is too long to be one; a greeting of a service that knows no sessions says nothing. */
export function decodeConnect(bytes: Uint8Array): ConnectMessage | undefined {
  if (bytes.length > MAX_BYTES) return undefined
  const [session = '', announcedRoom] = Buffer.from(bytes).toString().split('\n')
  return { session: parseFencingToken(session), announcedRoom }
}

/** Payload of `peer.{a}.disconnect`, which upstream leaves empty. */
export const encodeDisconnect = ({ session = '', reason }: DisconnectMessage): Uint8Array => Buffer.from(`${session}\n${reason}`)

/** Nothing when it is too long to be one; whoever says nothing has left. */
export function decodeDisconnect(bytes: Uint8Array): DisconnectMessage | undefined {
  if (bytes.length > MAX_BYTES) return undefined
  const [session = '', reason] = Buffer.from(bytes).toString().split('\n')
  return { session: parseFencingToken(session), reason: reason === 'dropped' || reason === 'drained' ? reason : 'left' }
}
