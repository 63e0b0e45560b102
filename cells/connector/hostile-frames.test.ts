import fc from 'fast-check'
import { expect, test } from 'vitest'
import { chainOf, createWallet } from '../../testing/player/wallet.ts'
import { fuzzSettings, hostileBytes } from '../sockets/fuzz.fixtures.ts'
import { clientPackets } from '../wire/packets.ts'
import { aConnector } from './fixtures.ts'

const wallet = createWallet('fuzz')
const valid = [
  clientPackets.challengeRequest(wallet.address),
  clientPackets.signedChallenge(JSON.stringify(chainOf('three', wallet, 'dcl-another-challenge'))),
  clientPackets.heartbeat({ position: { x: 1, y: 2, z: 3 }, desiredRoom: 'room' }),
]

test('no frames of strangers end a connector, sign them in or fill its memory', async () => {
  const connector = await aConnector({ HANDSHAKES_PER_SECOND: 1_000_000 })
  const heapBefore = process.memoryUsage().heapUsed
  await fc.assert(
    fc.asyncProperty(fc.array(hostileBytes(valid), { minLength: 1, maxLength: 8 }), async (frames) => {
      const socket = await connector.socket()
      for (const frame of frames) socket.send(frame)
      socket.close()
      await socket.closed
    }),
    fuzzSettings,
  )
  expect(connector.published).toEqual([])
  expect(await connector.metric('handshakes_total{outcome="welcomed"}')).toBe(0)
  expect(await connector.metric('bugs_total{scope="connection"}')).toBe(0)
  expect(process.memoryUsage().heapUsed - heapBefore).toBeLessThan(128 * 1024 * 1024)
  expect((await connector.join()).socket.protocol).toBe('archipelago')
}, 600_000)
