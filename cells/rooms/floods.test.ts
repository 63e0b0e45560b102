import { afterEach, expect, test, vi } from 'vitest'
import { createWallet } from '../../testing/player/wallet.ts'
import { roomPackets } from '../wire/room-packets.ts'
import { joinRoom, type startTestRooms, twoInARoom } from './fixtures.ts'

const [ada, bob, eve] = [createWallet('ada'), createWallet('bob'), createWallet('eve')]

let server: Awaited<ReturnType<typeof startTestRooms>>
afterEach(() => server.close())

test('a member that floods its room with unreliable updates is disconnected, and the packets of others arrive', async () => {
  const { first, second, ...arranged } = await twoInARoom(ada, bob)
  server = arranged.server
  await server.admit(eve.peer, 'island-1')
  const third = await joinRoom(server.url, 'island-1', eve)
  await second.next('peerJoinMessage')
  for (let n = 0; n < 5_100; n++) first.send(roomPackets.update(0, Buffer.from('flood'), true))
  third.send(roomPackets.update(0, Buffer.from('hello'), false))
  expect(await first.closed).toEqual({ code: 1008, reason: 'too many messages' })
  const bodies: string[] = []
  while (!bodies.includes('hello')) {
    if (second.unread()[0] === 'peerLeaveMessage') await second.next('peerLeaveMessage')
    const { peerUpdateMessage } = await second.next('peerUpdateMessage')
    bodies.push(Buffer.from(peerUpdateMessage.body).toString())
  }
  expect(bodies.length).toBeLessThan(400)
})

test('a member whose unreliable updates are dropped again and again is disconnected, one that sends twice its rate is not', async () => {
  const { first, second, ...arranged } = await twoInARoom(ada, bob, {
    limits: { messages: { perSecond: 10, burst: 10 }, droppedUpdates: { perSecond: 10, burst: 50 } },
  })
  server = arranged.server
  for (let seconds = 1; seconds <= 20; seconds++) {
    server.clock.advance(1_000)
    for (let n = 0; n < 20; n++) first.send(roomPackets.update(0, Buffer.from('x'), true))
    await vi.waitFor(async () =>
      expect(await server.metric('packets_dropped_total{reason="rate"')).toEqual([
        `realm_rooms_packets_dropped_total{reason="rate"} ${10 * seconds}`,
      ]),
    )
  }
  for (let n = 0; n < 70; n++) second.send(roomPackets.update(0, Buffer.from('x'), true))
  expect(await second.closed).toEqual({ code: 1008, reason: 'too many messages' })
  expect(server.rooms.members('island-1')).toEqual([ada.peer])
})
