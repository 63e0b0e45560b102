import fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { chainOf, createWallet } from '../../testing/player/wallet.ts'
import { fuzzSettings, hostileBytes } from '../sockets/fuzz.fixtures.ts'
import { roomPackets } from '../wire/room-packets.ts'
import { connect, joinRoom, startTestRooms } from './fixtures.ts'

const wallet = createWallet('fuzz')
const valid = [
  roomPackets.identification(wallet.address),
  roomPackets.signedChallenge(JSON.stringify(chainOf('three', wallet, 'dcl-another-challenge'))),
  roomPackets.update(7, Buffer.from('hello'), false),
  roomPackets.welcome(1, { 2: wallet.address }),
]

let server: Awaited<ReturnType<typeof startTestRooms>>
afterEach(() => server.close())

test('no frames of strangers end the rooms, sign them in or fill their memory', async () => {
  server = await startTestRooms({ limits: { upgradesPerSecond: 100_000 } })
  await server.admit(wallet.peer, 'island-1')
  const heapBefore = process.memoryUsage().heapUsed
  await fc.assert(
    fc.asyncProperty(fc.array(hostileBytes(valid), { minLength: 1, maxLength: 8 }), async (frames) => {
      const client = await connect(server.url, '/rooms/island-1')
      client.socket.on('error', () => {})
      for (const frame of frames) client.send(frame)
      client.socket.close()
      await client.closed
      expect(client.unread().filter((kind) => kind === 'welcomeMessage')).toEqual([])
    }),
    fuzzSettings,
  )
  expect(server.rooms.members('island-1')).toEqual([])
  expect(await server.metric('bugs_total{scope="connection"}')).toEqual([])
  expect(process.memoryUsage().heapUsed - heapBefore).toBeLessThan(128 * 1024 * 1024)
  await joinRoom(server.url, 'island-1', wallet)
}, 600_000)
