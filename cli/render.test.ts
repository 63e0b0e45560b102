import { expect, test } from 'vitest'
import { movementBlock, type RealmEndpoints, realmBlock } from './render.ts'

const endpoints: RealmEndpoints = {
  name: 'main',
  aboutUrl: 'http://127.0.0.1:3000/main/about',
  sockets: ['ws://127.0.0.1:3000/main/cells/0/ws'],
  rooms: { kind: 'LiveKit', url: 'ws://127.0.0.1:7880', why: '--livekit' },
  gatekeeperUrl: undefined,
  statsUrl: 'http://127.0.0.1:3000/main/stats',
  otherRelay: undefined,
}

test('each explorer gets the line that points it at the movement relay, and Unity is told when it cannot be', () => {
  const block = movementBlock({ host: '::1', port: 7778 }, endpoints.aboutUrl)
  expect(block).toContain('UDP [::1]:7778:')
  expect(block).toMatch(/Bevy +PULSE_SERVER=\[::1\]:7778\n/)
  expect(block).toMatch(/Godot +decentraland:\/\/\?realm=http:\/\/127\.0\.0\.1:3000\/main&pulse-server=\[::1\]:7778\n/)
  expect(block).toMatch(/Unity +not possible/)
  expect(movementBlock({ host: '127.0.0.1', port: 7777 }, '')).toMatch(/Unity +name server .* leads to 127\.0\.0\.1\n/)
})

test('a realm without TLS says that Unity cannot enter, and how it could', () => {
  expect(realmBlock(endpoints)).toMatch(/Unity cannot enter over ws:\/\/.*--public-url\n/)
  expect(realmBlock({ ...endpoints, sockets: ['wss://realms.example.org/main/cells/0/ws'] })).not.toContain('Unity')
})

test('a realm says which rooms serve which explorers, and which relay it uses in place of that of this machine', () => {
  expect(realmBlock(endpoints)).not.toMatch(/Bevy|relay/)
  const other = { ...endpoints, rooms: { ...endpoints.rooms, kind: 'embedded (ws-room)' }, otherRelay: 'no relay' }
  expect(realmBlock(other)).toMatch(/serve the Bevy explorer only: docs\/explorers\.md\n[\s\S]*movement +no relay\n/)
})
