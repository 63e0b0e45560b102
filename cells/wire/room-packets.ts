import { WsPacket } from '@dcl/protocol/out-js/decentraland/kernel/comms/rfc5/ws_comms.gen.js'

/** What a client may say to an embedded room (comms.md §13); `other` decodes and means nothing to us. */
export type RoomMessage =
  | { kind: 'identification'; address: string }
  | { kind: 'signedChallenge'; authChainJson: string }
  | { kind: 'update'; body: Uint8Array; unreliable: boolean }
  | { kind: 'other' }

const OTHER: RoomMessage = { kind: 'other' }

/** Reads one frame of a client; nothing when the bytes are no protobuf at all. */
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

/** Everything that is said in an embedded room, by either side. Aliases are uint32 and never 0xFFFFFFFF. */
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

/** Reads what a room says, for whoever plays a client. */
export const decodeRoomPacket = (bytes: Uint8Array): WsPacket['message'] => WsPacket.decode(bytes).message
