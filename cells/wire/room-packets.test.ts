import fc from 'fast-check'
import { expect, test } from 'vitest'
import { decodeRoomMessage, decodeRoomPacket, roomPackets } from './room-packets.ts'

const A = '0x1f9090aae28b8a3dceadf281b0f12828e676c326'
const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'hex'))

test.each([
  ['identification', roomPackets.identification(A), { kind: 'identification', address: A }],
  ['signed challenge', roomPackets.signedChallenge('[]'), { kind: 'signedChallenge', authChainJson: '[]' }],
  ['update', roomPackets.update(7, Buffer.from([1, 2]), true), { kind: 'update', body: Buffer.from([1, 2]), unreliable: true }],
  ['packet of the server', roomPackets.kicked('no'), { kind: 'other' }],
  ['packet of an unknown type', bytes('fa0700'), { kind: 'other' }],
  ['empty packet', bytes(''), { kind: 'other' }],
])('a client’s %s is decoded', (_, packet, message) => {
  expect(decodeRoomMessage(packet)).toEqual(message)
})

test.each(['ff', '0a05', '0102'])('bytes that are no protobuf (%s) are no message', (text) => {
  expect(decodeRoomMessage(bytes(text))).toBeUndefined()
})

test('decoding throws for no bytes', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (data) => void decodeRoomMessage(data)))
})

test('no packet of a room is ever empty: Bevy would drop the connection', () => {
  const packets = [
    roomPackets.challenge('', false),
    roomPackets.welcome(0, {}),
    roomPackets.joined(0, ''),
    roomPackets.left(0),
    roomPackets.update(0, new Uint8Array(0), false),
    roomPackets.kicked(''),
  ]
  expect(packets.map((packet) => decodeRoomPacket(packet)?.$case)).toEqual([
    'challengeMessage',
    'welcomeMessage',
    'peerJoinMessage',
    'peerLeaveMessage',
    'peerUpdateMessage',
    'peerKicked',
  ])
})

test('the highest aliases are encoded without loss', () => {
  expect(decodeRoomPacket(roomPackets.welcome(0xffff_fffe, { 4000000000: A }))).toEqual({
    $case: 'welcomeMessage',
    welcomeMessage: { alias: 0xffff_fffe, peerIdentities: { 4000000000: A } },
  })
})
