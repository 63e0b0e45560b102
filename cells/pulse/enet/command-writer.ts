import { ACKNOWLEDGE_FLAG, CONTROL_CHANNEL, CommandKind } from './commands.ts'

/** Writes the commands that `commands.ts` reads. */

function put16(bytes: Buffer, at: number, value: number): void {
  bytes[at] = value >>> 8
  bytes[at + 1] = value
}

function put32(bytes: Buffer, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value
}

function putHeader(bytes: Buffer, at: number, kindAndFlags: number, channel: number, sequence: number): void {
  bytes[at] = kindAndFlags
  bytes[at + 1] = channel
  put16(bytes, at + 2, sequence)
}

/** Acknowledges a reliable command with the time of the datagram that brought it. */
export function writeAcknowledge(bytes: Buffer, at: number, channel: number, sequence: number, sentTime: number): void {
  putHeader(bytes, at, CommandKind.ACKNOWLEDGE, channel, sequence)
  put16(bytes, at + 4, sequence)
  put16(bytes, at + 6, sentTime)
}

/** What two hosts agree on when they connect. */
export interface ConnectionTerms {
  /** The number with which the other host shall address the sender of the command. */
  peerId: number
  /** The two session bits, or 0xff before the server has chosen. */
  session: number
  mtu: number
  windowBytes: number
  channels: number
  throttleInterval: number
  throttleAcceleration: number
  throttleDeceleration: number
  /** Chosen by the client; the server repeats it. */
  connectId: number
}

/** Asks for a connection; 48 bytes. */
export function writeConnect(bytes: Buffer, at: number, terms: ConnectionTerms, data: number): void {
  writeTerms(bytes, at, CommandKind.CONNECT, terms)
  put32(bytes, at + 44, data)
}

/** Answers a CONNECT; 44 bytes. */
export function writeVerifyConnect(bytes: Buffer, at: number, terms: ConnectionTerms): void {
  writeTerms(bytes, at, CommandKind.VERIFY_CONNECT, terms)
}

function writeTerms(bytes: Buffer, at: number, kind: number, terms: ConnectionTerms): void {
  putHeader(bytes, at, kind | ACKNOWLEDGE_FLAG, CONTROL_CHANNEL, 1)
  put16(bytes, at + 4, terms.peerId)
  bytes[at + 6] = terms.session
  bytes[at + 7] = terms.session
  put32(bytes, at + 8, terms.mtu)
  put32(bytes, at + 12, terms.windowBytes)
  put32(bytes, at + 16, terms.channels)
  put32(bytes, at + 20, 0) // No limit of bandwidth in either direction.
  put32(bytes, at + 24, 0)
  put32(bytes, at + 28, terms.throttleInterval)
  put32(bytes, at + 32, terms.throttleAcceleration)
  put32(bytes, at + 36, terms.throttleDeceleration)
  put32(bytes, at + 40, terms.connectId)
}

/** Ends a connection: with `ACKNOWLEDGE_FLAG` and a sequence number politely, with `UNSEQUENCED_FLAG` at once. */
export function writeDisconnect(bytes: Buffer, at: number, flag: number, sequence: number, reason: number): void {
  putHeader(bytes, at, CommandKind.DISCONNECT | flag, CONTROL_CHANNEL, sequence)
  put32(bytes, at + 4, reason)
}

/** Asks for a sign of life. */
export function writePing(bytes: Buffer, at: number, sequence: number): void {
  putHeader(bytes, at, CommandKind.PING | ACKNOWLEDGE_FLAG, CONTROL_CHANNEL, sequence)
}

/** The 6 bytes before a reliable message of `length` bytes. */
export function writeReliable(bytes: Buffer, at: number, channel: number, sequence: number, length: number): void {
  putHeader(bytes, at, CommandKind.SEND_RELIABLE | ACKNOWLEDGE_FLAG, channel, sequence)
  put16(bytes, at + 4, length)
}

/** The 8 bytes before an unreliable message of `length` bytes: SEND_UNRELIABLE, or SEND_UNSEQUENCED with its flag. */
export function writeUnreliable(
  bytes: Buffer,
  at: number,
  kindAndFlags: number,
  channel: number,
  sequence: number,
  unreliableSequence: number,
  length: number,
): void {
  putHeader(bytes, at, kindAndFlags, channel, sequence)
  put16(bytes, at + 4, unreliableSequence)
  put16(bytes, at + 6, length)
}

/** One of the pieces of a message that does not fit into a datagram. */
export interface Fragment {
  startSequence: number
  count: number
  number: number
  totalBytes: number
  offset: number
  length: number
}

/** The 24 bytes before the data of a fragment. */
export function writeFragment(
  bytes: Buffer,
  at: number,
  kindAndFlags: number,
  channel: number,
  sequence: number,
  fragment: Fragment,
): void {
  putHeader(bytes, at, kindAndFlags, channel, sequence)
  put16(bytes, at + 4, fragment.startSequence)
  put16(bytes, at + 6, fragment.length)
  put32(bytes, at + 8, fragment.count)
  put32(bytes, at + 12, fragment.number)
  put32(bytes, at + 16, fragment.totalBytes)
  put32(bytes, at + 20, fragment.offset)
}
