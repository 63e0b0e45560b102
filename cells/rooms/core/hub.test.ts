import { expect, test } from 'vitest'
import type { PeerId } from '../../wire/peer.ts'
import { decodeRoomPacket } from '../../wire/room-packets.ts'
import { Hub, type Member } from './hub.ts'

function aMember(hub: Hub, peer: PeerId): Member & { received: (string | undefined)[] } {
  const received: (string | undefined)[] = []
  const send = (packet: Uint8Array) => received.push(decodeRoomPacket(packet)?.$case)
  return { alias: hub.newAlias(), peer, received, send, relay: send }
}

test('aliases are never shared, never issued twice in a row, and never the number that means no alias', () => {
  const hub = new Hub()
  const aliases = Array.from({ length: 100 }, () => hub.newAlias())
  expect(new Set(aliases).size).toBe(100)
  expect(aliases.every((alias) => alias >= 0 && alias < 0xffff_ffff)).toBe(true)
  const member = aMember(hub, '0xa')
  hub.join('r', member)
  hub.leave('r', member)
  expect(hub.newAlias()).not.toBe(member.alias)
})

test('the leave of a replaced member does not remove its successor', () => {
  const hub = new Hub()
  const [old, successor] = [aMember(hub, '0xa'), aMember(hub, '0xa')]
  hub.join('r', old)
  hub.leave('r', old)
  hub.join('r', successor)
  hub.leave('r', old)
  expect(hub.find('r', '0xa')).toBe(successor)
})

test('the revision grows when a member joins or leaves, and at nothing else', () => {
  const hub = new Hub()
  const [a, b] = [aMember(hub, '0xa'), aMember(hub, '0xb')]
  hub.join('r', a)
  hub.join('r', b)
  const before = hub.revision
  hub.relay('r', a, new Uint8Array(0), false)
  hub.leave('r', aMember(hub, '0xa'))
  expect(hub.revision).toBe(before)
  hub.leave('r', a)
  expect(hub.revision).toBeGreaterThan(before)
})

test('a room ends when its last member leaves', () => {
  const hub = new Hub()
  const [a, b] = [aMember(hub, '0xa'), aMember(hub, '0xb')]
  hub.join('r', a)
  hub.join('r', b)
  hub.leave('r', a)
  expect(hub.rooms).toEqual(['r'])
  hub.leave('r', b)
  expect(hub.rooms).toEqual([])
  expect(a.received).toEqual(['welcomeMessage', 'peerJoinMessage'])
  expect(b.received).toEqual(['welcomeMessage', 'peerLeaveMessage'])
})

test('an update of a sender that left the room is not relayed', () => {
  const hub = new Hub()
  const [a, b] = [aMember(hub, '0xa'), aMember(hub, '0xb')]
  hub.join('r', b)
  expect(hub.relay('r', a, new Uint8Array(0), false)).toBe(0)
  expect(b.received).toEqual(['welcomeMessage'])
})
