import { describe, expect, test } from 'vitest'
import {
  busPayloads,
  clientPackets,
  decodeClientMessage,
  decodeServerPacket,
  serverPackets,
  wrapIslandChanged,
} from './packets.ts'

const A = '0x1f9090aae28b8a3dceadf281b0f12828e676c326'
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const bytes = (text: string) => new Uint8Array(Buffer.from(text, 'hex'))

describe('packets are byte for byte the ones that explorers expect', () => {
  test.each([
    ['challengeRequest', clientPackets.challengeRequest(A), `0a2c0a2a${Buffer.from(A).toString('hex')}`],
    ['heartbeat at 8,0,8', clientPackets.heartbeat({ position: { x: 8, y: 0, z: 8 } }), '1a0c0a0a0d000000411d00000041'],
    ['heartbeat at the origin', clientPackets.heartbeat({ position: { x: 0, y: 0, z: 0 } }), '1a020a00'],
    ['heartbeat without position', clientPackets.heartbeat({ position: undefined }), '1a00'],
    ['challengeResponse', serverPackets.challengeResponse('dcl-0.abc123', false), '0a0e0a0c64636c2d302e616263313233'],
    [
      'challengeResponse, already connected',
      serverPackets.challengeResponse('dcl-0.abc123', true),
      '0a100a0c64636c2d302e6162633132331001',
    ],
    ['kicked', serverPackets.kicked(), '3200'],
    ['heartbeat on the bus', busPayloads.encodeHeartbeat({ position: { x: 8, y: 0, z: 8 } }), '0a0a0d000000411d00000041'],
  ])('%s', (_, packet, expected) => expect(hex(packet)).toBe(expected))
})

test.each(['010203040506', 'ff', '0a05'])('bytes that are no protobuf (%s) are not decoded', (text) => {
  expect(decodeClientMessage(bytes(text))).toBeUndefined()
})

test.each(['', Buffer.from('hello').toString('hex')])('bytes without a message (%j) decode to an empty message', (text) => {
  expect(decodeClientMessage(bytes(text))).toEqual({ kind: 'empty' })
})

test('an island change is wrapped for the client without being decoded', () => {
  for (const peers of [1, 100]) {
    const message = {
      islandId: 'I1',
      connStr: 'livekit:wss://lk.example?access_token=T',
      fromIslandId: undefined,
      peers: Object.fromEntries(Array.from({ length: peers }, (_, i) => [`${A}${i}`, { x: i, y: 0, z: 8 }])),
    }
    const wrapped = wrapIslandChanged(busPayloads.encodeIslandChanged(message))
    expect(hex(wrapped)).toBe(hex(serverPackets.islandChanged(message)))
    expect(decodeServerPacket(wrapped)?.$case).toBe('islandChanged')
  }
})
