import fc from 'fast-check'
import { expect, test } from 'vitest'
import { busPayloads, clientPackets } from './packets.ts'
import { readPlainHeartbeat } from './plain-heartbeat.ts'

/** Not a negative zero, which encoders take for a zero. */
const float = fc.float({ noNaN: true }).map((value) => value + 0)
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const bytes = (text: string) => Buffer.from(text, 'hex')

test('what explorers send is read as a decoder of protobuf reads it, and passed on byte for byte', () => {
  fc.assert(
    fc.property(float, float, float, (x, y, z) => {
      const heartbeat = { position: { x, y, z }, desiredRoom: undefined }
      const read = readPlainHeartbeat(clientPackets.heartbeat(heartbeat))
      expect(read?.position).toEqual(heartbeat.position)
      expect(hex(read?.payload ?? bytes(''))).toBe(hex(busPayloads.encodeHeartbeat(heartbeat)))
    }),
  )
})

test.each([
  ['no position', clientPackets.heartbeat({ position: undefined })],
  ['a desired room', clientPackets.heartbeat({ position: { x: 1, y: 2, z: 3 }, desiredRoom: 'I7' })],
  ['another message', clientPackets.challengeRequest('0x1')],
  ['nothing', bytes('')],
  ['a field behind the coordinates', bytes('1a0e0a0c0d000000411d000000415001')],
  ['a field behind the position', bytes('1a0e0a0a0d000000411d000000415001')],
  ['a field behind the heartbeat', bytes('1a0c0a0a0d000000411d000000415001')],
  ['a second heartbeat', bytes('1a020a001a020a00')],
  ['a coordinate twice', bytes('1a0c0a0a0d000000410d00000041')],
  ['a coordinate that is cut off', bytes('1a080a060d000000411d')],
  ['a coordinate that is cut off in its bytes', bytes('1a0a0a080d000000411d0000')],
  ['lengths beyond the end', bytes('1a0d0a0b0d000000411d00000041')],
  ['a position that ends before the heartbeat', bytes('1a0c0a050d000000411d00000041')],
])('a packet with %s is left to the decoder', (_, packet) => expect(readPlainHeartbeat(packet)).toBeUndefined())

test('whatever is read is a heartbeat of the same position and nothing else', () => {
  const piece = fc.constantFrom('0d00000041', '1500000042', '1d00000043', '0a', '0d', '5001', '00')
  const packet = fc.array(piece, { maxLength: 4 }).chain((pieces) => {
    const body = pieces.join('')
    const length = body.length / 2
    const byte = (value: number) => value.toString(16).padStart(2, '0')
    return fc.constantFrom(`1a${byte(length + 2)}0a${byte(length)}${body}`, `1a${byte(length)}${body}`)
  })
  fc.assert(
    fc.property(packet, (text) => {
      const read = readPlainHeartbeat(bytes(text))
      if (!read) return
      const decoded = busPayloads.decodeHeartbeat(read.payload)
      expect(decoded).toEqual({ position: read.position, desiredRoom: undefined })
      // A zero that is written out is all that another encoder would leave away.
      expect(read.payload.length).toBe(2 + (read.payload[1] ?? 0))
      expect([0, 5, 10, 15]).toContain(read.payload[1])
    }),
    { numRuns: 500 },
  )
})
