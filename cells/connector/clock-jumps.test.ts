import { expect, test } from 'vitest'
import { aConnector, until } from './fixtures.ts'

const HOUR_MS = 3_600_000

test.each([
  ['back', -HOUR_MS],
  ['forward', HOUR_MS],
])('a time of day that is set %s ends no connection and no handshake, and starves no client', async (_, byMs) => {
  const connector = await aConnector()
  const player = await connector.join()
  const signingIn = await connector.socket()
  for (let x = 1; x <= 20; x++) player.heartbeat({ x, y: 0, z: 0 })
  await until(() => expect(connector.positionsOf(player.peer)).toHaveLength(20))
  connector.clock.jump(byMs)
  connector.clock.advance(2_000)
  for (let x = 21; x <= 40; x++) player.heartbeat({ x, y: 0, z: 0 })
  await until(() => expect(connector.positionsOf(player.peer)).toHaveLength(40))
  await connector.join()
  expect(await connector.metric('connections')).toBe(3)
  expect(await connector.metric('pings_total')).toBe(0)
  signingIn.close()
})
