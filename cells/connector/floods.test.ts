import { expect, test } from 'vitest'
import { clientPackets } from '../wire/packets.ts'
import { aConnector, until } from './fixtures.ts'

const EMPTY = new Uint8Array()

test.each([
  ['heartbeats', clientPackets.heartbeat({ position: { x: 1, y: 0, z: 0 }, desiredRoom: undefined })],
  ['messages that are ignored', EMPTY],
])('a client that floods the connector with %s is disconnected, and others are served', async (_, packet) => {
  const connector = await aConnector()
  const [flooder, other] = [await connector.join(), await connector.join()]
  for (let n = 0; n < 1_100; n++) flooder.socket.send(packet)
  expect(await flooder.closed).toEqual({ code: 1008, reason: 'too many messages' })
  expect(await connector.metric('sessions_ended_total{ending="too_fast"}')).toBe(1)
  other.heartbeat({ x: 1, y: 0, z: 0 })
  await until(() => expect(connector.positionsOf(other.peer)).toEqual([{ x: 1, y: 0, z: 0 }]))
})

test('a client that sends five times its rate is slowed down, not disconnected', async () => {
  const connector = await aConnector()
  const player = await connector.join()
  for (let second = 0; second < 20; second++) {
    for (let n = 0; n < 100; n++) player.heartbeat({ x: second, y: 0, z: 0 })
    await until(async () => {
      const counted = ['published', 'coalesced'].map((outcome) => connector.metric(`heartbeats_total{outcome="${outcome}"}`))
      const [published = 0, coalesced = 0] = await Promise.all(counted)
      expect(published + coalesced).toBeGreaterThanOrEqual((second + 1) * 100)
    })
    connector.clock.advance(1_000)
  }
  expect(await connector.metric('players')).toBe(1)
})
