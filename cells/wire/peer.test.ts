import { expect, test } from 'vitest'
import { isFinitePosition, parsePeerId } from './peer.ts'

const CHECKSUMMED = '0x52908400098527886E0F7030069857D2E4169EE7'

test('the casing of an address does not matter', () => {
  expect(parsePeerId(CHECKSUMMED)).toBe(CHECKSUMMED.toLowerCase())
  expect(parsePeerId(CHECKSUMMED.toLowerCase())).toBe(CHECKSUMMED.toLowerCase())
})

test.each([
  '',
  '0x',
  CHECKSUMMED.slice(2),
  `${CHECKSUMMED}0`,
  CHECKSUMMED.slice(0, -1),
  ` ${CHECKSUMMED}`,
  `${CHECKSUMMED}\n`,
  null,
  7,
  {},
])('%j is no address', (text) => expect(parsePeerId(text)).toBeUndefined())

test('a position with a coordinate that is no finite number is unusable', () => {
  expect(isFinitePosition({ x: 1, y: 2, z: 3 })).toBe(true)
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
    for (const axis of ['x', 'y', 'z']) expect(isFinitePosition({ x: 1, y: 2, z: 3, [axis]: bad })).toBe(false)
})
