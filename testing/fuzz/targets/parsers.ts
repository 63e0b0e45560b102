import { parseAuthChain } from '../../../cells/identity/chain.ts'
import { decodeAdmission, encodeAdmission } from '../../../cells/wire/admission.ts'
import {
  fencingTokenOf,
  partOf,
  splitFencingToken,
  textFieldOf,
  withFencingToken,
  withPart,
} from '../../../cells/wire/extension-fields.ts'
import { FencingTokens, parseFencingToken } from '../../../cells/wire/fencing-token.ts'
import { decodeIslandGroup, IslandGroupWriter } from '../../../cells/wire/island-group.ts'
import { encodeArea, encodeIsland, encodeMembers } from '../../../cells/wire/island-report.ts'
import { decodeLeaderHeartbeat, encodeLeaderHeartbeat } from '../../../cells/wire/leader-heartbeat.ts'
import { busPayloads, clientPackets, decodeClientMessage } from '../../../cells/wire/packets.ts'
import type { PeerId } from '../../../cells/wire/peer.ts'
import { encodePeerList } from '../../../cells/wire/peer-list.ts'
import { decodeRoomMessage, roomPackets } from '../../../cells/wire/room-packets.ts'
import { decodeConnect, decodeDisconnect, encodeConnect, encodeDisconnect } from '../../../cells/wire/session-messages.ts'
import { decodeSessionPage, decodeSyncRequest, encodeSessionPage } from '../../../cells/wire/state-sync.ts'
import { peerOf, scopeOf } from '../../../cells/wire/subjects.ts'
import { chainOf, createWallet } from '../../player/wallet.ts'
import { hostileBytes } from '../generators.ts'
import { fuzzTarget, pureTarget } from '../target.ts'

const wallet = createWallet('fuzz')
const peer: PeerId = wallet.peer
const token = new FencingTokens().next(1_760_000_000_000, 'boot')
const position = { x: 1, y: 2, z: 3 }
const chain = JSON.stringify(chainOf('three', wallet, 'dcl-challenge'))

function anIslandGroup(): Uint8Array {
  const group = new IslandGroupWriter()
  group.begin('island-1', encodePeerList([{ peer, position }]))
  group.add(peer, { islandId: 'island-1', connStr: 'livekit:wss://h', fromIslandId: 'island-0' }, Buffer.from('after'))
  return group.message
}

const valid: readonly Uint8Array[] = [
  clientPackets.challengeRequest(peer),
  clientPackets.signedChallenge(chain),
  clientPackets.heartbeat({ position, desiredRoom: 'room' }),
  roomPackets.identification(peer),
  roomPackets.signedChallenge(chain),
  roomPackets.update(7, Buffer.from('x'), true),
  withFencingToken(busPayloads.encodeHeartbeat({ position }), token),
  withPart(busPayloads.encodeIslands({ data: [{ id: 'i', maxPeers: 1, peers: [peer], center: position, radius: 1 }] }), {
    message: 1,
    index: 0,
    count: 2,
  }),
  Buffer.concat(encodeIsland(encodeMembers('i', [peer], 100), encodeArea(position, 10))),
  encodePeerList([{ peer, position }]),
  anIslandGroup(),
  encodeAdmission({ room: 'island-1', kind: 'island', term: token }),
  encodeLeaderHeartbeat({ term: token, leaseMs: 1_000 }),
  encodeConnect({ session: token, announcedRoom: 'island-1' }),
  encodeDisconnect({ session: token, reason: 'left' }),
  encodeSessionPage({
    connector: 'c',
    index: 0,
    count: 1,
    entries: [{ peer, session: token, position, room: 'r', term: token }],
  }),
  Buffer.from(`peer.${peer}.heartbeat`),
  Buffer.from(chain),
]

/** Every reader of bytes that come from outside: each answers with a value or undefined. */
const readers: readonly ((bytes: Uint8Array, text: string) => unknown)[] = [
  decodeClientMessage,
  decodeRoomMessage,
  busPayloads.decodeHeartbeat,
  busPayloads.decodeIslandChanged,
  busPayloads.decodeIslands,
  busPayloads.decodeDiscovery,
  splitFencingToken,
  fencingTokenOf,
  partOf,
  (bytes) => textFieldOf(bytes, 1),
  decodeIslandGroup,
  decodeAdmission,
  decodeLeaderHeartbeat,
  decodeConnect,
  decodeDisconnect,
  decodeSyncRequest,
  decodeSessionPage,
  (_, text) => parseAuthChain(text),
  (_, text) => parseFencingToken(text),
  (_, text) => peerOf(text),
  (_, text) => scopeOf(text, 2),
]

/** Bytes for every parser of packets, bus messages, island reports and chains. */
export const parsers = fuzzTarget<Uint8Array>({
  name: 'parsers',
  inputs: hostileBytes(valid),
  inputsInSuite: 2_500,
  start: async () =>
    pureTarget((bytes) => {
      const text = Buffer.from(bytes).toString()
      for (const read of readers) read(bytes, text)
    }),
})
