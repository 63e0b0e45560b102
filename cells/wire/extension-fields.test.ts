import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fencingTokenOf, partOf, splitFencingToken, textFieldOf, withFencingToken, withPart } from './extension-fields.ts'
import { busPayloads } from './packets.ts'

const STAMP = '0mgx3k2p1-0123456789ab'
const message = {
  islandId: 'I1',
  connStr: 'livekit:wss://lk.example?access_token=T',
  fromIslandId: undefined,
  peers: { '0xa': { x: 1, y: 2, z: 3 } },
}
const plain = busPayloads.encodeIslandChanged(message)

test('a stamp travels behind a message, comes off without a trace, and is skipped by whoever does not know it', () => {
  const bytes = withFencingToken(plain, STAMP)
  expect(fencingTokenOf(bytes)).toBe(STAMP)
  expect(busPayloads.decodeIslandChanged(bytes)).toEqual(message)
  expect(Buffer.from(splitFencingToken(bytes).body)).toEqual(Buffer.from(plain))
  expect(splitFencingToken(bytes).token).toBe(STAMP)
})

test('an empty message can have a stamp, and one without has none', () => {
  expect(fencingTokenOf(withFencingToken(new Uint8Array(0), STAMP))).toBe(STAMP)
  expect(splitFencingToken(plain)).toEqual({ body: plain, stamp: undefined })
})

test('what stands where a stamp should is none', () => {
  expect(fencingTokenOf(withFencingToken(plain, 'now'))).toBeUndefined()
})

test('a part says which it is of how many', () => {
  expect(partOf(withPart(plain, { message: 7, index: 1, count: 3 }))).toEqual({ message: 7, index: 1, count: 3 })
  expect(partOf(plain)).toBeUndefined()
  expect(partOf(withPart(plain, { message: 7, index: 3, count: 3 }))).toBeUndefined()
})

test('a field of text is read without decoding the rest', () => {
  expect([textFieldOf(plain, 1), textFieldOf(plain, 2), textFieldOf(plain, 9)]).toEqual(['I1', message.connStr, undefined])
})

test('any bytes are read without an exception, and a stamp is found behind any message that is one', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const report = busPayloads.decodeIslands(bytes)
      const found = fencingTokenOf(withFencingToken(bytes, STAMP))
      if (report && Buffer.from(busPayloads.encodeIslands(report)).equals(bytes)) expect(found).toBe(STAMP)
      partOf(bytes)
    }),
  )
})
