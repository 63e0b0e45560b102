import { afterEach, expect, test, vi } from 'vitest'
import { createWallet } from '../../testing/player/wallet.ts'
import { aFakeVerifier } from '../identity/fixtures.ts'
import { roomPackets } from '../wire/room-packets.ts'
import { Hub } from './core/hub.ts'
import { joinRoom, signIn, startTestRooms, twoInARoom } from './fixtures.ts'

const [ada, bob, eve] = [createWallet('ada'), createWallet('bob'), createWallet('eve')]

let server: Awaited<ReturnType<typeof startTestRooms>>
afterEach(async () => {
  vi.restoreAllMocks()
  await server.close()
})

test('an exception at a packet of one member ends the session of that member only', async () => {
  const { first, second, ...arranged } = await twoInARoom(ada, bob)
  server = arranged.server
  vi.spyOn(Hub.prototype, 'relay').mockImplementationOnce(() => {
    throw new Error('a bug')
  })
  first.send(roomPackets.update(0, Buffer.from('fatal'), false))
  expect(await first.closed).toEqual({ code: 1011, reason: 'an unexpected error' })
  await second.next('peerLeaveMessage')
  await server.admit(eve.peer, 'island-1')
  const third = await joinRoom(server.url, 'island-1', eve)
  await second.next('peerJoinMessage')
  third.send(roomPackets.update(0, Buffer.from('hello'), false))
  await second.next('peerUpdateMessage')
  expect(await server.metric('bugs_total{scope="connection"}')).toEqual(['realm_rooms_bugs_total{scope="connection"} 1'])
})

test('a verifier that fails ends the handshake of its client', async () => {
  server = await startTestRooms({ verifier: aFakeVerifier(() => Promise.reject(new Error('a bug'))) })
  expect((await (await signIn(server.url, 'island-1', eve)).closed).code).toBe(1011)
})

test('a signature that a busy verifier did not check is no bad signature: the client may try again', async () => {
  server = await startTestRooms({ verifier: aFakeVerifier(async () => ({ ok: false, reason: 'busy', undecided: true })) })
  expect(await (await signIn(server.url, 'island-1', eve)).closed).toEqual({ code: 1013, reason: 'try again later' })
})
