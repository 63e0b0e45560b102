/**
 * The commands of the ENet variant that explorers speak: big-endian, each with a header of one byte for kind and flags, one for the
 * channel, two for the reliable sequence number. What a stranger sent is read into one reused object, and nothing is thrown.
 */

/** The kinds of commands, by their number on the wire. */
export const CommandKind = {
  ACKNOWLEDGE: 1,
  CONNECT: 2,
  VERIFY_CONNECT: 3,
  DISCONNECT: 4,
  PING: 5,
  SEND_RELIABLE: 6,
  SEND_UNRELIABLE: 7,
  SEND_FRAGMENT: 8,
  SEND_UNSEQUENCED: 9,
  BANDWIDTH_LIMIT: 10,
  THROTTLE_CONFIGURE: 11,
  SEND_UNRELIABLE_FRAGMENT: 12,
} as const

/** The receiver has to acknowledge the command. */
export const ACKNOWLEDGE_FLAG = 0x80
/** Of a DISCONNECT: no answer is expected. Always set for SEND_UNSEQUENCED. */
export const UNSEQUENCED_FLAG = 0x40
/** The channel of commands that are no messages. */
export const CONTROL_CHANNEL = 0xff

/** Bytes of each kind before its data, with the header; 0 where there is no such kind. */
export const COMMAND_BYTES: readonly number[] = [0, 8, 48, 44, 8, 4, 6, 8, 24, 8, 12, 16, 24]

/** The longest message, in bytes. ENet allows 32 MiB; what explorers send and receive is at most 4 KiB. */
export const MAX_MESSAGE_BYTES = 8192
/** The most fragments of a message: enough for the longest message at the smallest MTU. */
export const MAX_FRAGMENTS = 32

/** One command as it was read. Only the fields of its kind are meaningful, the others have a value of an earlier command. */
export class Command {
  kind = 0
  flags = 0
  channel = 0
  /** The reliable sequence number of the command; for unreliable messages the one of the channel when it was sent. */
  sequence = 0
  /** ACKNOWLEDGE: what is acknowledged, and the time in the datagram that brought it. */
  receivedSequence = 0
  receivedSentTime = 0
  /** SEND_UNRELIABLE: the number of the message. SEND_UNSEQUENCED: its group. */
  unreliableSequence = 0
  /** Fragments: the number of the message's first fragment. */
  startSequence = 0
  fragmentCount = 0
  fragmentNumber = 0
  totalBytes = 0
  fragmentOffset = 0
  /** Where the data of a message lies in the datagram. */
  dataStart = 0
  dataEnd = 0
  /** DISCONNECT: the reason. CONNECT: a number for the application. */
  data = 0
  /** CONNECT and VERIFY_CONNECT. */
  peerId = 0
  incomingSession = 0
  outgoingSession = 0
  mtu = 0
  windowBytes = 0
  channels = 0
  throttleInterval = 0
  throttleAcceleration = 0
  throttleDeceleration = 0
  connectId = 0
}

/** A command is cut off, or of no known kind, or contradicts itself. */
export const MALFORMED = -1
/** A fragment belongs to a message that is longer than any message here. */
export const MESSAGE_TOO_LONG = -2

/**
 * Reads the command at `at` of a datagram.
 *
 * @returns where the next command begins, `MALFORMED` or `MESSAGE_TOO_LONG`
 */
export function readCommand(bytes: Buffer, at: number, end: number, command: Command): number {
  if (at + 4 > end) return MALFORMED
  const first = bytes.readUInt8(at)
  const kind = first & 0x0f
  const size = COMMAND_BYTES[kind] ?? 0
  if (size === 0 || at + size > end || (first & 0x30) !== 0) return MALFORMED
  command.kind = kind
  command.flags = first & 0xc0
  command.channel = bytes.readUInt8(at + 1)
  command.sequence = bytes.readUInt16BE(at + 2)
  switch (kind) {
    case CommandKind.ACKNOWLEDGE:
      command.receivedSequence = bytes.readUInt16BE(at + 4)
      command.receivedSentTime = bytes.readUInt16BE(at + 6)
      return at + size
    case CommandKind.CONNECT:
      command.data = bytes.readUInt32BE(at + 44)
      readConnection(bytes, at, command)
      return at + size
    case CommandKind.VERIFY_CONNECT:
      readConnection(bytes, at, command)
      return at + size
    case CommandKind.DISCONNECT:
      command.data = bytes.readUInt32BE(at + 4)
      return at + size
    case CommandKind.SEND_RELIABLE:
      return readData(command, at + size, bytes.readUInt16BE(at + 4), end)
    case CommandKind.SEND_UNRELIABLE:
    case CommandKind.SEND_UNSEQUENCED:
      command.unreliableSequence = bytes.readUInt16BE(at + 4)
      return readData(command, at + size, bytes.readUInt16BE(at + 6), end)
    case CommandKind.SEND_FRAGMENT:
    case CommandKind.SEND_UNRELIABLE_FRAGMENT:
      return readFragment(bytes, at, end, command)
    default:
      return at + size
  }
}

function readConnection(bytes: Buffer, at: number, command: Command): void {
  command.peerId = bytes.readUInt16BE(at + 4)
  command.incomingSession = bytes.readUInt8(at + 6)
  command.outgoingSession = bytes.readUInt8(at + 7)
  command.mtu = bytes.readUInt32BE(at + 8)
  command.windowBytes = bytes.readUInt32BE(at + 12)
  command.channels = bytes.readUInt32BE(at + 16)
  command.throttleInterval = bytes.readUInt32BE(at + 28)
  command.throttleAcceleration = bytes.readUInt32BE(at + 32)
  command.throttleDeceleration = bytes.readUInt32BE(at + 36)
  command.connectId = bytes.readUInt32BE(at + 40)
}

function readData(command: Command, start: number, length: number, end: number): number {
  command.dataStart = start
  command.dataEnd = start + length
  return command.dataEnd > end ? MALFORMED : command.dataEnd
}

function readFragment(bytes: Buffer, at: number, end: number, command: Command): number {
  command.startSequence = bytes.readUInt16BE(at + 4)
  command.fragmentCount = bytes.readUInt32BE(at + 8)
  command.fragmentNumber = bytes.readUInt32BE(at + 12)
  command.totalBytes = bytes.readUInt32BE(at + 16)
  command.fragmentOffset = bytes.readUInt32BE(at + 20)
  const length = bytes.readUInt16BE(at + 6)
  const next = readData(command, at + 24, length, end)
  if (next < 0 || command.fragmentNumber >= command.fragmentCount) return MALFORMED
  if (command.fragmentOffset + length > command.totalBytes) return MALFORMED
  return command.totalBytes > MAX_MESSAGE_BYTES || command.fragmentCount > MAX_FRAGMENTS ? MESSAGE_TOO_LONG : next
}
