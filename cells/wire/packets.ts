import {
  ClientPacket,
  Heartbeat,
  IslandChangedMessage,
  IslandStatusMessage,
  KickedReason,
  ServerPacket,
  ServiceDiscoveryMessage,
} from '@dcl/protocol/out-js/decentraland/kernel/comms/v3/archipelago.gen.js'
import { readPlainHeartbeat } from './plain-heartbeat.ts'

export type { IslandChangedMessage, IslandStatusMessage, ServiceDiscoveryMessage }
export type HeartbeatMessage = Heartbeat

/** What a client may send to a connector (comms.md §4.3); `empty` is valid protobuf without a message. */
export type ClientMessage =
  | { kind: 'challengeRequest'; address: string }
  | { kind: 'signedChallenge'; authChainJson: string }
  | { kind: 'heartbeat'; heartbeat: Heartbeat; payload: Uint8Array }
  | { kind: 'empty' }

const EMPTY: ClientMessage = { kind: 'empty' }

/** Decodes one frame of a client; undefined when the bytes are no protobuf (comms.md §4.2: close 1007). */
export function decodeClientMessage(bytes: Uint8Array): ClientMessage | undefined {
  const plain = readPlainHeartbeat(bytes)
  if (plain) return { kind: 'heartbeat', heartbeat: { position: plain.position, desiredRoom: undefined }, payload: plain.payload }
  const packet = decoded(() => ClientPacket.decode(bytes))
  if (packet === undefined) return undefined
  const { message } = packet
  switch (message?.$case) {
    case undefined:
      return EMPTY
    case 'challengeRequest':
      return { kind: 'challengeRequest', address: message.challengeRequest.address }
    case 'signedChallenge':
      return { kind: 'signedChallenge', authChainJson: message.signedChallenge.authChainJson }
    case 'heartbeat':
      return { kind: 'heartbeat', heartbeat: message.heartbeat, payload: Heartbeat.encode(message.heartbeat).finish() }
  }
}

/** Encodes a client's packets: used by simulated players. */
export const clientPackets = {
  challengeRequest: (address: string) =>
    ClientPacket.encode({ message: { $case: 'challengeRequest', challengeRequest: { address } } }).finish(),
  signedChallenge: (authChainJson: string) =>
    ClientPacket.encode({ message: { $case: 'signedChallenge', signedChallenge: { authChainJson } } }).finish(),
  heartbeat: (heartbeat: Heartbeat) => ClientPacket.encode({ message: { $case: 'heartbeat', heartbeat } }).finish(),
}

/** Encodes a connector's packets to its clients. */
export const serverPackets = {
  challengeResponse: (challengeToSign: string, alreadyConnected: boolean) =>
    ServerPacket.encode({
      message: { $case: 'challengeResponse', challengeResponse: { challengeToSign, alreadyConnected } },
    }).finish(),
  welcome: (peerId: string) => ServerPacket.encode({ message: { $case: 'welcome', welcome: { peerId } } }).finish(),
  islandChanged: (islandChanged: IslandChangedMessage) =>
    ServerPacket.encode({ message: { $case: 'islandChanged', islandChanged } }).finish(),
  /** The wallet logged in again elsewhere, or is banned; never sent for operational reasons. */
  kicked: () => ServerPacket.encode({ message: { $case: 'kicked', kicked: { reason: KickedReason.KR_NEW_SESSION } } }).finish(),
}

/** Decodes a connector's packet: used by simulated players. */
export const decodeServerPacket = (bytes: Uint8Array): ServerPacket['message'] => ServerPacket.decode(bytes).message

/**
 * Wraps an IslandChangedMessage from the bus into a ServerPacket without decoding it: field 3, length-delimited, is the tag 0x1a,
 * a varint length and the unchanged bytes. They may come in pieces, as the fields of a protobuf message may.
 */
export function wrapIslandChanged(...pieces: readonly Uint8Array[]): Uint8Array {
  const length = pieces.reduce((sum, piece) => sum + piece.length, 0)
  const header = delimiter(0x1a, length)
  const packet = new Uint8Array(header.length + length)
  packet.set(header)
  let at = header.length
  for (const piece of pieces) {
    packet.set(piece, at)
    at += piece.length
  }
  return packet
}

/** The header of a length-delimited protobuf field: its tag, and the number of its bytes as a varint. */
export function delimiter(tag: number, bytes: number): Uint8Array {
  const header = [tag]
  let length = bytes
  while (length > 0x7f) {
    header.push((length & 0x7f) | 0x80)
    length >>>= 7
  }
  header.push(length)
  return Uint8Array.from(header)
}

/** The field of an IslandChangedMessage that holds the room. */
export const ISLAND_ID_FIELD = 1

/** Bus payloads (comms.md §5). Decoders return undefined for bytes that are no such message. */
export const busPayloads = {
  encodeHeartbeat: (heartbeat: Heartbeat) => Heartbeat.encode(heartbeat).finish(),
  decodeHeartbeat: (bytes: Uint8Array) => decoded(() => Heartbeat.decode(bytes)),
  encodeIslandChanged: (message: IslandChangedMessage) => IslandChangedMessage.encode(message).finish(),
  decodeIslandChanged: (bytes: Uint8Array) => decoded(() => IslandChangedMessage.decode(bytes)),
  encodeIslands: (message: IslandStatusMessage) => IslandStatusMessage.encode(message).finish(),
  decodeIslands: (bytes: Uint8Array) => decoded(() => IslandStatusMessage.decode(bytes)),
  encodeDiscovery: (message: ServiceDiscoveryMessage) => ServiceDiscoveryMessage.encode(message).finish(),
  decodeDiscovery: (bytes: Uint8Array) => decoded(() => ServiceDiscoveryMessage.decode(bytes)),
}

/** Runs a decoder on untrusted bytes: any exception means "not this message". */
function decoded<Message>(decode: () => Message): Message | undefined {
  try {
    return decode()
  } catch {
    return undefined
  }
}
