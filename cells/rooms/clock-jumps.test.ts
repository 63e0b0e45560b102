import { afterEach, expect, test } from 'vitest'
import { createWallet } from '../../testing/player/wallet.ts'
import { roomPackets } from '../wire/room-packets.ts'
import { type startTestRooms, twoInARoom } from './fixtures.ts'

const HOUR_MS = 3_600_000
const [ada, bob] = [createWallet('ada'), createWallet('bob')]

let server: Awaited<ReturnType<typeof startTestRooms>>
afterEach(() => server.close())

test.each([
  ['back', -HOUR_MS],
  ['forward', HOUR_MS],
])('a time of day that is set %s ends no session in a room', async (_, byMs) => {
  const arranged = await twoInARoom(ada, bob)
  server = arranged.server
  server.clock.jump(byMs)
  server.clock.advance(16_000)
  for (let n = 0; n < 200; n++) arranged.first.send(roomPackets.update(0, Buffer.from([n]), false))
  for (let n = 0; n < 200; n++) await arranged.second.next('peerUpdateMessage')
  expect(server.rooms.members('island-1')).toEqual([ada.peer, bob.peer])
  expect(arranged.second.pings()).toBe(0)
})
