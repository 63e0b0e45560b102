import { describe, expect, test } from 'vitest'
import { fencingTokenOf, splitFencingToken, withFencingToken } from './extension-fields.ts'
import { FieldWriter } from './field-writer.ts'
import { type IslandFields, writeIslandFields } from './island-fields.ts'
import { anyIslandGroup } from './island-group.fixtures.ts'
import { decodeIslandGroup, type GroupMember, IslandGroupWriter } from './island-group.ts'
import type { PeerId } from './peer.ts'

const TERM = '0mgx3k2p1-0123456789ab'
const peer = (n: number): PeerId => `0x${n.toString(16).padStart(40, '0')}`
const member = (n: number, bytes = 5, after?: number): GroupMember => ({
  peer: peer(n),
  before: Buffer.alloc(bytes, n),
  after: after === undefined ? undefined : Buffer.alloc(after, n),
})
const encoded = (members: readonly GroupMember[], list = Buffer.from('list'), room = 'island-1') =>
  Buffer.from(anyIslandGroup({ room, list, members }))

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

/** The messages for so many peers, with own fields and an entry behind the list of these lengths. */
function messagesOf(peers: number, { list = 6_000, connStr = 300, after = 0 }): Uint8Array[] {
  const group = new IslandGroupWriter()
  const messages: Uint8Array[] = []
  const begin = () => group.begin('island-1', Buffer.alloc(list))
  const add = (n: number) =>
    group.add(peer(n), { ...own, connStr: 's'.repeat(connStr) }, after > 0 ? Buffer.alloc(after) : undefined)
  begin()
  for (let n = 0; n < peers; n++) {
    if (add(n)) continue
    messages.push(Buffer.from(group.message))
    begin()
    expect(add(n)).toBe(true)
  }
  return [...messages, Buffer.from(group.message)]
}

const own: IslandFields = { islandId: 'island-1', connStr: 'livekit:wss://h', fromIslandId: 'île-0' }
const sizes = (messages: readonly Uint8Array[]) => messages.map((bytes) => decodeIslandGroup(bytes)?.members.length)

describe('a written group', () => {
  test('is read with the fields of each member, and what is behind the list', () => {
    const group = new IslandGroupWriter()
    group.begin('another', Buffer.from('with another list'))
    group.begin('island-1', Buffer.from('list'))
    group.add(peer(1), own)
    group.add(peer(2), { ...own, fromIslandId: undefined }, Buffer.from('after'))
    const read = decodeIslandGroup(withFencingToken(group.message, TERM))
    const written = (fields: IslandFields) => {
      const writer = new FieldWriter()
      writeIslandFields(writer, fields)
      return Buffer.from(writer.written)
    }
    expect([read?.room, Buffer.from(read?.list ?? []).toString()]).toEqual(['island-1', 'list'])
    expect(read?.members.map((member) => ({ ...member, before: Buffer.from(member.before) }))).toEqual([
      { peer: peer(1), before: written(own), after: undefined },
      { peer: peer(2), before: written({ ...own, fromIslandId: undefined }), after: Buffer.from('after') },
    ])
  })

  test('is divided so that a broker takes each message, and its connector can send all of it', () => {
    expect(sizes(messagesOf(250, {}))).toEqual([100, 100, 50])
    expect(sizes(messagesOf(30, { list: 650_000 }))).toEqual([12, 12, 6])
    expect(sizes(messagesOf(5, { connStr: 400_000 }))).toEqual([2, 2, 1])
    for (const bytes of messagesOf(30, { list: 650_000, connStr: 40_000, after: 65 }))
      expect(bytes.length).toBeLessThan(1_000_000)
  })

  test('has one member where there is no room for two, and every message is read', () => {
    expect(sizes(messagesOf(2, { connStr: 2_000_000 }))).toEqual([1, 1])
    expect(sizes(messagesOf(2, { after: 900_000 }))).toEqual([1, 1])
    expect(sizes(messagesOf(2, { list: 20_000_000 }))).toEqual([1, 1])
  })
})
