import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fencingTokenOf, partOf, splitFencingToken, textFieldOf, withFencingToken, withPart } from './extension-fields.ts'
import { busPayloads } from './packets.ts'

const TOKEN = '0mgx3k2p1-0123456789ab'
const message = {
  islandId: 'I1',
  connStr: 'livekit:wss://lk.example?access_token=T',
  fromIslandId: undefined,
  peers: { '0xa': { x: 1, y: 2, z: 3 } },
}
const plain = busPayloads.encodeIslandChanged(message)

test('a fencing token is appended to a message, removed without a trace, and skipped by decoders that do not know it', () => {
  const bytes = withFencingToken(plain, TOKEN)
  expect(fencingTokenOf(bytes)).toBe(TOKEN)
  expect(busPayloads.decodeIslandChanged(bytes)).toEqual(message)
  expect(Buffer.from(splitFencingToken(bytes).body)).toEqual(Buffer.from(plain))
  expect(splitFencingToken(bytes).token).toBe(TOKEN)
})

test('an empty message can have a fencing token, and a message without one has none', () => {
  expect(fencingTokenOf(withFencingToken(new Uint8Array(0), TOKEN))).toBe(TOKEN)
  expect(splitFencingToken(plain)).toEqual({ body: plain, token: undefined })
})

test('text in the field that is no fencing token is ignored', () => {
  expect(fencingTokenOf(withFencingToken(plain, 'now'))).toBeUndefined()
})

test('a part carries its index and the number of parts', () => {
  expect(partOf(withPart(plain, { message: 7, index: 1, count: 3 }))).toEqual({ message: 7, index: 1, count: 3 })
  expect(partOf(plain)).toBeUndefined()
  expect(partOf(withPart(plain, { message: 7, index: 3, count: 3 }))).toBeUndefined()
})

test('a text field is read without decoding the rest', () => {
  expect([textFieldOf(plain, 1), textFieldOf(plain, 2), textFieldOf(plain, 9)]).toEqual(['I1', message.connStr, undefined])
})

test('any bytes are read without an exception, and a token is found behind every well-formed message', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const report = busPayloads.decodeIslands(bytes)
      const found = fencingTokenOf(withFencingToken(bytes, TOKEN))
      if (report && Buffer.from(busPayloads.encodeIslands(report)).equals(bytes)) expect(found).toBe(TOKEN)
      partOf(bytes)
    }),
  )
})
