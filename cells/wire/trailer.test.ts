import fc from 'fast-check'
import { expect, test } from 'vitest'
import { busPayloads } from './packets.ts'
import { partial, partOf, stamped, stampOf, textIn, unstamped } from './trailer.ts'

const STAMP = '0mgx3k2p1-0123456789ab'
const message = {
  islandId: 'I1',
  connStr: 'livekit:wss://lk.example?access_token=T',
  fromIslandId: undefined,
  peers: { '0xa': { x: 1, y: 2, z: 3 } },
}
const plain = busPayloads.encodeIslandChanged(message)

test('a stamp travels behind a message, comes off without a trace, and is skipped by whoever does not know it', () => {
  const bytes = stamped(plain, STAMP)
  expect(stampOf(bytes)).toBe(STAMP)
  expect(busPayloads.decodeIslandChanged(bytes)).toEqual(message)
  expect(Buffer.from(unstamped(bytes).body)).toEqual(Buffer.from(plain))
  expect(unstamped(bytes).stamp).toBe(STAMP)
})

test('an empty message can have a stamp, and one without has none', () => {
  expect(stampOf(stamped(new Uint8Array(0), STAMP))).toBe(STAMP)
  expect(unstamped(plain)).toEqual({ body: plain, stamp: undefined })
})

test('what stands where a stamp should is none', () => {
  expect(stampOf(stamped(plain, 'now'))).toBeUndefined()
})

test('a part says which it is of how many', () => {
  expect(partOf(partial(plain, { message: 7, index: 1, count: 3 }))).toEqual({ message: 7, index: 1, count: 3 })
  expect(partOf(plain)).toBeUndefined()
  expect(partOf(partial(plain, { message: 7, index: 3, count: 3 }))).toBeUndefined()
})

test('a field of text is read without decoding the rest', () => {
  expect([textIn(plain, 1), textIn(plain, 2), textIn(plain, 9)]).toEqual(['I1', message.connStr, undefined])
})

test('any bytes are read without an exception, and a stamp is found behind any message that is one', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const report = busPayloads.decodeIslands(bytes)
      const found = stampOf(stamped(bytes, STAMP))
      if (report && Buffer.from(busPayloads.encodeIslands(report)).equals(bytes)) expect(found).toBe(STAMP)
      partOf(bytes)
    }),
  )
})
