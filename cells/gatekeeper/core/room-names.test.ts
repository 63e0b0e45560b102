import { expect, test } from 'vitest'
import { roomPrefixesOf, useOf, walletOf } from './room-names.ts'

const prefixes = roomPrefixesOf({ SCENE_ROOM_PREFIX: 'scene-', ISLAND_ROOM_PREFIX: 'island-space.main.' })

test.for([
  ['scene-main:bafk', { kind: 'scene', realmName: 'main', sceneId: 'bafk' }],
  ['world-scene-room-my-own.dcl.eth-bafk', { kind: 'world', world: 'my-own.dcl.eth', sceneId: 'bafk' }],
  ['world-scene-room-nothing', { kind: 'world', world: '', sceneId: '' }],
  ['island-space.main.0-x-1', { kind: 'island' }],
  ['island-space.mainland.0-x-1', undefined],
  ['voice-chat-community-c1', { kind: 'community-voice', communityId: 'c1' }],
  ['voice-chat-private-p1', { kind: 'private-voice', callId: 'p1' }],
  ['private-messages', { kind: 'private-messages' }],
  ['private-messages-2', undefined],
  ['', undefined],
] as const)('the room %s is for %o', ([room, use]) => {
  expect(useOf(room, prefixes)).toEqual(use)
})

test.for([
  [`0x${'Aa'.repeat(20)}`, `0x${'aa'.repeat(20)}`],
  [`0x${'aa'.repeat(20)}:phone`, `0x${'aa'.repeat(20)}`],
  ['authoritative-server', undefined],
  ['watch:room:1', undefined],
] as const)('the wallet of %s is %s', ([identity, wallet]) => {
  expect(walletOf(identity)).toBe(wallet)
})
