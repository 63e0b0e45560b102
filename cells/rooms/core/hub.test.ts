import { expect, test } from 'vitest'
import type { PeerId } from '../../wire/peer.ts'
import { decodeRoomPacket } from '../../wire/room-packets.ts'
import { Hub, type Member } from './hub.ts'

function aMember(hub: Hub, peer: PeerId): Member & { heard: (string | undefined)[] } {
  const heard: (string | undefined)[] = []
  return { alias: hub.newAlias(), peer, heard, send: (packet) => heard.push(decodeRoomPacket(packet)?.$case) }
}

test('aliases are never shared, never given twice in a row, and never the one that means nobody', () => {
  const hub = new Hub()
  const aliases = Array.from({ length: 100 }, () => hub.newAlias())
  expect(new Set(aliases).size).toBe(100)
  expect(aliases.every((alias) => alias >= 0 && alias < 0xffff_ffff)).toBe(true)
  const member = aMember(hub, '0xa')
  hub.join('r', member)
  hub.leave('r', member)
  expect(hub.newAlias()).not.toBe(member.alias)
})

test('a member that was replaced does not take its successor with it', () => {
  const hub = new Hub()
  const [old, successor] = [aMember(hub, '0xa'), aMember(hub, '0xa')]
  hub.join('r', old)
  hub.leave('r', old)
  hub.join('r', successor)
  hub.leave('r', old)
  expect(hub.find('r', '0xa')).toBe(successor)
})

test('the last one to leave ends the room', () => {
  const hub = new Hub()
  const [a, b] = [aMember(hub, '0xa'), aMember(hub, '0xb')]
  hub.join('r', a)
  hub.join('r', b)
  hub.leave('r', a)
  expect(hub.rooms).toEqual(['r'])
  hub.leave('r', b)
  expect(hub.rooms).toEqual([])
  expect(a.heard).toEqual(['welcomeMessage', 'peerJoinMessage'])
  expect(b.heard).toEqual(['welcomeMessage', 'peerLeaveMessage'])
})

test('a sender who is no longer in the room reaches nobody', () => {
  const hub = new Hub()
  const [a, b] = [aMember(hub, '0xa'), aMember(hub, '0xb')]
  hub.join('r', b)
  expect(hub.relay('r', a, new Uint8Array(0), false)).toBe(0)
  expect(b.heard).toEqual(['welcomeMessage'])
})
