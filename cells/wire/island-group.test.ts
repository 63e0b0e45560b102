import { describe, expect, test } from 'vitest'
import { fencingTokenOf, splitFencingToken, withFencingToken } from './extension-fields.ts'
import { decodeIslandGroup, encodeIslandGroup, type GroupMember, splitMembers } from './island-group.ts'
import type { PeerId } from './peer.ts'

const TERM = '0mgx3k2p1-0123456789ab'
const peer = (n: number): PeerId => `0x${n.toString(16).padStart(40, '0')}`
const member = (n: number, bytes = 5, after?: number): GroupMember => ({
  peer: peer(n),
  before: Buffer.alloc(bytes, n),
  after: after === undefined ? undefined : Buffer.alloc(after, n),
})
const encoded = (members: readonly GroupMember[], list = Buffer.from('list'), room = 'island-1') =>
  Buffer.concat(encodeIslandGroup({ room, list, members }))
const sizes = (members: readonly GroupMember[], listBytes: number) =>
  [...splitMembers(members, listBytes)].map((part) => part.length)

describe('an island group', () => {
  test('is read as it was written, also with a term behind it', () => {
    const members = [member(1), member(2, 300, 65), member(3, 0)]
    const bytes = withFencingToken(encoded(members), TERM)
    expect(fencingTokenOf(bytes)).toBe(TERM)
    for (const given of [bytes, splitFencingToken(bytes).body]) {
      const group = decodeIslandGroup(given)
      expect(group?.room).toBe('island-1')
      expect(Buffer.from(group?.list ?? []).toString()).toBe('list')
      expect(group?.members.map(({ peer: of, before, after }) => [of, before.length, after?.length])).toEqual([
        [peer(1), 5, undefined],
        [peer(2), 300, 65],
        [peer(3), 0, undefined],
      ])
    }
  })

  test('may have an empty list', () => {
    expect(decodeIslandGroup(encoded([member(1)], Buffer.alloc(0)))?.list).toHaveLength(0)
  })

  test.each([
    ['without a room', encoded([member(1)], undefined, '')],
    ['with too long a room', encoded([member(1)], undefined, 'r'.repeat(257))],
    ['with a member that is no wallet', encoded([{ ...member(1), peer: `0x${'z'.repeat(40)}` }])],
    ['with a member that is cut', Buffer.concat([encoded([]), Buffer.from([0x1a, 3, 0x30, 0x78, 0x31])])],
    ['with an end that belongs to no member', Buffer.concat([encoded([]), Buffer.from([0x22, 1, 0])])],
    ['that ends in a field', encoded([member(1)]).subarray(0, -1)],
    ['with a length beyond its end', Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f])],
    ['of another type', Buffer.from([0x08, 1])],
    ['of more members than a group has', encoded(Array.from({ length: 101 }, (_, n) => member(n)))],
    [
      'that would be a hundred times as long',
      encoded(
        Array.from({ length: 100 }, (_, n) => member(n)),
        Buffer.alloc(500_000),
      ),
    ],
    ['without bytes', new Uint8Array(0)],
  ])('%s is none', (_, bytes) => {
    expect(decodeIslandGroup(bytes)).toBeUndefined()
  })
})

describe('the members of an island', () => {
  test('are divided so that a broker takes each message, and its connector can send all of it', () => {
    const many = Array.from({ length: 250 }, (_, n) => member(n))
    expect(sizes(many, 6_000)).toEqual([100, 100, 50])
    expect(sizes(many.slice(0, 30), 650_000)).toEqual([12, 12, 6])
    expect(
      sizes(
        Array.from({ length: 5 }, (_, n) => member(n, 400_000)),
        6_000,
      ),
    ).toEqual([2, 2, 1])
    expect(sizes([], 6_000)).toEqual([])
  })

  test('each have a message of their own where none has room for two, and every message is read', () => {
    expect(sizes([member(1, 2_000_000), member(2), member(3, 10, 900_000)], 6_000)).toEqual([1, 1, 1])
    expect(sizes([member(1), member(2)], 20_000_000)).toEqual([1, 1])
    const [list, members] = [Buffer.alloc(650_000), Array.from({ length: 30 }, (_, n) => member(n, 700, 65))]
    for (const part of splitMembers(members, list.length)) {
      const bytes = encoded(part, list)
      expect(bytes.length).toBeLessThan(1_000_000)
      expect(decodeIslandGroup(bytes)?.members).toHaveLength(part.length)
    }
  })
})
