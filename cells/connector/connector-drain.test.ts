import { expect, test } from 'vitest'
import type { Player } from '../../testing/player/player.ts'
import { aConnector, until } from './fixtures.ts'

const ended = (players: Player[]) => {
  const codes: number[] = []
  for (const player of players) void player.closed.then(({ code }) => codes.push(code))
  return codes
}

test('a connector that stops ends its sessions one by one, evenly, and never as kicked', async () => {
  const connector = await aConnector({ DRAIN_SECONDS: 10 })
  const players = await Promise.all(Array.from({ length: 20 }, () => connector.join()))
  const codes = ended(players)
  let stopped = false
  const stopping = connector.service.stop().then(() => {
    stopped = true
  })
  expect(connector.service.readiness()).toEqual({ ready: false, reason: 'draining' })
  const left = () => connector.published.filter(({ topic }) => topic === 'disconnect').length
  for (let second = 1; second <= 9; second++) {
    connector.clock.advance(1_000)
    await connector.bus.flush()
    expect(Math.abs(left() - 2 * second)).toBeLessThanOrEqual(1)
  }
  expect(stopped).toBe(false)
  connector.clock.advance(1_000)
  await stopping
  await until(() => expect(codes).toEqual(Array(20).fill(1012)))
  expect(left()).toBe(20)
  expect(players.some(({ kicked }) => kicked)).toBe(false)
})

test('a client that connects during the drain is admitted, served, and ended last', async () => {
  const connector = await aConnector({ DRAIN_SECONDS: 10 })
  const players = await Promise.all(Array.from({ length: 4 }, () => connector.join()))
  const stopping = connector.service.stop()
  connector.clock.advance(1_000)
  const latecomer = await connector.join()
  latecomer.heartbeat({ x: 1, y: 0, z: 0 })
  await until(() => expect(connector.topicsOf(latecomer.peer)).toEqual(['connect', 'heartbeat']))
  connector.clock.advance(10_000)
  await stopping
  for (const player of [...players, latecomer]) expect((await player.closed).code).toBe(1012)
  const disconnected = connector.published.filter(({ topic }) => topic === 'disconnect').map(({ peer }) => peer)
  expect(disconnected.at(-1)).toBe(latecomer.peer)
})

test('without time all sessions end at once, and later upgrades are refused', async () => {
  const connector = await aConnector({ DRAIN_SECONDS: 0 })
  const players = await Promise.all(Array.from({ length: 3 }, () => connector.join()))
  await connector.service.stop()
  for (const player of players) expect((await player.closed).code).toBe(1012)
  expect(connector.published.filter(({ topic }) => topic === 'disconnect')).toHaveLength(3)
  await expect(connector.socket()).rejects.toMatchObject({ status: 503 })
})

test('an empty connector does not wait', async () => {
  const connector = await aConnector({ DRAIN_SECONDS: 3600 })
  await connector.service.stop()
})

test('a client that does not answer the close frame does not delay the stop', async () => {
  const connector = await aConnector({ DRAIN_SECONDS: 0 })
  const player = await connector.join()
  player.socket.pause()
  await connector.service.stop()
  await until(async () => expect(await connector.metric('connections')).toBe(0))
})
