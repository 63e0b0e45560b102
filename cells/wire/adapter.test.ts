import { expect, test } from 'vitest'
import { readAdapter } from './adapter.ts'

test.each([
  ['archipelago:archipelago:wss://main.example/cells/0/ws', { kind: 'archipelago', url: 'wss://main.example/cells/0/ws' }],
  ['archipelago:archipelago:ws://127.0.0.1:5001/ws', { kind: 'archipelago', url: 'ws://127.0.0.1:5001/ws' }],
  ['fixed-adapter:signed-login:https://worlds.example/comms', { kind: 'signed-login', url: 'https://worlds.example/comms' }],
  ['fixed-adapter:offline:offline', { kind: 'offline' }],
  ['offline:offline', { kind: 'offline' }],
  ['ws-room:rooms.example/x', { kind: 'ws-room', url: 'wss://rooms.example/x' }],
  ['livekit:wss://lk.example?access_token=T', { kind: 'livekit', url: 'wss://lk.example', token: 'T' }],
])('the adapter %s is parsed as explorers do', (adapter, comms) => {
  expect(readAdapter(adapter)).toEqual(comms)
})

test.each(['archipelago:archipelago:http://h', 'simulator:', 'livekit:wss://h', ''])('the adapter %j is refused', (adapter) => {
  expect(() => readAdapter(adapter)).toThrow('no explorer understands')
})
