import { afterEach, expect, test } from 'vitest'
import { createWallet } from '../../testing/player/wallet.ts'
import { roomPackets } from '../wire/room-packets.ts'
import { joinRoom, type startTestRooms, twoInARoom } from './fixtures.ts'
import { defaultLimits } from './limits.ts'

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

test('what one member may send at once fits into the buffer of a receiver', () => {
  expect(defaultLimits.bytes.burst * 2).toBeLessThanOrEqual(defaultLimits.reliableBufferBytes)
})
