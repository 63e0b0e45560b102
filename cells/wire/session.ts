import { parseStamp, type Stamp } from './stamp.ts'

/** What a connector says when a player is there: the session, and the room it was last told if it is not a new one. */
export interface Greeting {
  session: Stamp | undefined
  told: string | undefined
}

/** How a session ended: its player left, or the line broke, or we sent it to another connector; then it is expected back. */
export type Farewell = 'left' | 'dropped' | 'drained'

/** What a connector says at the end of a session. */
export interface Leaving {
  session: Stamp | undefined
  how: Farewell
}

/** Longest name of a room. */
export const MAX_ROOM_LENGTH = 256
const MAX_BYTES = 512

/** Payload of `peer.{a}.connect`: a session that is new is its stamp and nothing else, as upstream's later versions say it. */
export const encodeGreeting = ({ session = '', told }: Greeting): Uint8Array =>
  Buffer.from(told === undefined ? session : `${session}\n${told}`)

/** Nothing when it is too long to be one; a greeting of a service that knows no sessions says nothing. */
export function decodeGreeting(bytes: Uint8Array): Greeting | undefined {
  if (bytes.length > MAX_BYTES) return undefined
  const [session = '', told] = Buffer.from(bytes).toString().split('\n')
  return { session: parseStamp(session), told }
}

/** Payload of `peer.{a}.disconnect`, which upstream leaves empty. */
export const encodeLeaving = ({ session = '', how }: Leaving): Uint8Array => Buffer.from(`${session}\n${how}`)

/** Nothing when it is too long to be one; whoever says nothing has left. */
export function decodeLeaving(bytes: Uint8Array): Leaving | undefined {
  if (bytes.length > MAX_BYTES) return undefined
  const [session = '', how] = Buffer.from(bytes).toString().split('\n')
  return { session: parseStamp(session), how: how === 'dropped' || how === 'drained' ? how : 'left' }
}
