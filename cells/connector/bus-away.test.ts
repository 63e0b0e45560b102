import { expect, test } from 'vitest'
import { aConnector, until } from './fixtures.ts'

test('while the bus is disconnected positions are dropped and nothing is sent to the players', async () => {
  const connector = await aConnector()
  const player = await connector.join()
  await until(() => expect(connector.topicsOf(player.peer)).toEqual(['connect']))
  connector.bus.become('disconnected')
  player.heartbeat({ x: 1, y: 0, z: 0 })
  player.heartbeat({ x: 2, y: 0, z: 0 })
  await until(async () => expect(await connector.metric('heartbeats_total{outcome="dropped"}')).toBe(2))
  expect(connector.topicsOf(player.peer)).toEqual(['connect'])
  expect(player.islands).toEqual([])
  expect(await connector.metric('connections')).toBe(1)
})

test('after the reconnect every session is published again with its last position', async () => {
  const connector = await aConnector()
  const [walking, standing, departing] = [await connector.join(), await connector.join(), await connector.join()]
  walking.heartbeat({ x: 1, y: 0, z: 0 })
  await until(() => expect(connector.topicsOf(walking.peer)).toEqual(['connect', 'heartbeat']))

  connector.bus.become('disconnected')
  walking.heartbeat({ x: 2, y: 0, z: 0 })
  departing.close()
  await until(async () => {
    expect(await connector.metric('players')).toBe(2)
    expect(await connector.metric('heartbeats_total{outcome="dropped"}')).toBe(1)
  })
  connector.bus.become('connected')
  connector.clock.advance(900) // the receivers have to reconnect as well before sessions are published
  connector.bus.become('disconnected')
  connector.clock.advance(10_000)
  connector.bus.become('connected')
  await connector.bus.flush()
  expect(await connector.metric('announcements_total')).toBe(0)
  connector.clock.advance(1_000)
  await until(() => expect(connector.topicsOf(walking.peer)).toEqual(['connect', 'heartbeat', 'connect', 'heartbeat']))
  expect(connector.positionsOf(walking.peer).at(-1)).toEqual({ x: 2, y: 0, z: 0 })
  expect(connector.topicsOf(standing.peer)).toEqual(['connect', 'connect'])
  expect(connector.topicsOf(departing.peer)).toEqual(['connect'])
  expect(await connector.metric('announcements_total')).toBe(2)
})

test('a connector stays ready during a short absence of the bus, not during a long one', async () => {
  const connector = await aConnector()
  expect(connector.service.readiness()).toEqual({ ready: true })
  connector.bus.become('disconnected')
  connector.clock.advance(14_000)
  expect(connector.service.readiness()).toEqual({ ready: true })
  connector.clock.advance(2_000)
  expect(connector.service.readiness()).toEqual({ ready: false, reason: 'the bus cannot be reached' })
  connector.bus.become('connected')
  expect(connector.service.readiness()).toEqual({ ready: true })
})
