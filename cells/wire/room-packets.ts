import { WsPacket } from '@dcl/protocol/out-js/decentraland/kernel/comms/rfc5/ws_comms.gen.js'

/** What a client may send to an embedded room (comms.md §13); `other` is valid protobuf that rooms ignore. */
export type RoomMessage =
  | { kind: 'identification'; address: string }
  | { kind: 'signedChallenge'; authChainJson: string }
  | { kind: 'update'; body: Uint8Array; unreliable: boolean }
  | { kind: 'other' }

const OTHER: RoomMessage = { kind: 'other' }

/** Decodes one frame of a client; undefined when the bytes are no protobuf. */
export function decodeRoomMessage(bytes: Uint8Array): RoomMessage | undefined {
  let packet: WsPacket
  try {
    packet = WsPacket.decode(bytes)
  } catch {
    return undefined
  }
  const { message } = packet
  switch (message?.$case) {
    case 'peerIdentification':
      return { kind: 'identification', address: message.peerIdentification.address }
    case 'signedChallengeForServer':
      return { kind: 'signedChallenge', authChainJson: message.signedChallengeForServer.authChainJson }
    case 'peerUpdateMessage':
      return { kind: 'update', body: message.peerUpdateMessage.body, unreliable: message.peerUpdateMessage.unreliable }
    default:
      return OTHER
  }
}

const encode = (message: WsPacket['message']): Uint8Array => WsPacket.encode({ message }).finish()

/** Encodes all packets of an embedded room, of either side. Aliases are uint32 and never 0xFFFFFFFF. */
export const roomPackets = {
  identification: (address: string) => encode({ $case: 'peerIdentification', peerIdentification: { address } }),
  challenge: (challengeToSign: string, alreadyConnected: boolean) =>
    encode({ $case: 'challengeMessage', challengeMessage: { challengeToSign, alreadyConnected } }),
  signedChallenge: (authChainJson: string) =>
    encode({ $case: 'signedChallengeForServer', signedChallengeForServer: { authChainJson } }),
  welcome: (alias: number, peerIdentities: Record<number, string>) =>
    encode({ $case: 'welcomeMessage', welcomeMessage: { alias, peerIdentities } }),
  joined: (alias: number, address: string) => encode({ $case: 'peerJoinMessage', peerJoinMessage: { alias, address } }),
  left: (alias: number) => encode({ $case: 'peerLeaveMessage', peerLeaveMessage: { alias } }),
  update: (fromAlias: number, body: Uint8Array, unreliable: boolean) =>
    encode({ $case: 'peerUpdateMessage', peerUpdateMessage: { fromAlias, body, unreliable } }),
  kicked: (reason: string) => encode({ $case: 'peerKicked', peerKicked: { reason } }),
}

/** Decodes a packet of a room: used by simulated players. */
export const decodeRoomPacket = (bytes: Uint8Array): WsPacket['message'] => WsPacket.decode(bytes).message
