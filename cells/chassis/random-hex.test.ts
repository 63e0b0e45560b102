import { expect, test } from 'vitest'
import { randomHex } from './random-hex.ts'

test('is as long as asked for, and never the same, also after the bytes generated at once are used up', () => {
  const texts = Array.from({ length: 2_000 }, (_, i) => randomHex(i % 2 === 0 ? 32 : 6))
  for (const [i, text] of texts.entries()) expect(text).toMatch(i % 2 === 0 ? /^[0-9a-f]{64}$/ : /^[0-9a-f]{12}$/)
  expect(new Set(texts).size).toBe(2_000)
})

test('never gives fewer bytes than asked for', () => {
  expect(randomHex(4_096)).toHaveLength(8_192)
  expect(() => randomHex(4_097)).toThrow(RangeError)
})

test('has as many bits set as not', () => {
  let [ones, bits] = [0, 0]
  for (let i = 0; i < 2_000; i++) {
    for (const byte of Buffer.from(randomHex(32), 'hex')) {
      bits += 8
      for (let rest = byte; rest > 0; rest >>= 1) ones += rest & 1
    }
  }
  // Of 512,000 bits this is 14 times the standard deviation: bytes that were not generated, or erased too early, would be far off.
  expect(Math.abs(ones / bits - 0.5)).toBeLessThan(0.01)
})
