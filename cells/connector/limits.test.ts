import { describe, expect, test } from 'vitest'
import { UpgradeRefused } from '../../testing/player/socket.ts'
import { aConnector, until } from './fixtures.ts'

const refusedWith503 = new UpgradeRefused(503)

describe('connections', () => {
  test('are limited in total', async () => {
    const connector = await aConnector({ MAX_CONNECTIONS: 2 })
    const first = await connector.socket()
    await connector.socket()
    await expect(connector.socket()).rejects.toEqual(refusedWith503)
    expect(await connector.metric('upgrades_refused_total{limit="total"}')).toBe(1)
    first.close()
    await first.closed
    await until(async () => expect(await connector.metric('connections')).toBe(1))
    await connector.socket()
  })

  test('are limited per address', async () => {
    const connector = await aConnector({ MAX_CONNECTIONS_PER_ADDRESS: 1 })
    const first = await connector.socket({ localAddress: '127.0.0.2' })
    await expect(connector.socket({ localAddress: '127.0.0.2' })).rejects.toEqual(refusedWith503)
    await connector.socket({ localAddress: '127.0.0.3' })
    expect(await connector.metric('upgrades_refused_total{limit="address"}')).toBe(1)
    first.terminate()
    await until(async () => expect(await connector.metric('connections')).toBe(1))
    await connector.socket({ localAddress: '127.0.0.2' })
  })

  test('behind an ingress count for the client it forwards', async () => {
    const connector = await aConnector({ MAX_CONNECTIONS_PER_ADDRESS: 1 })
    const from = (address: string) => ({ headers: { 'x-forwarded-for': address } })
    await connector.socket(from('203.0.113.1'))
    await connector.socket(from('203.0.113.2'))
    await expect(connector.socket(from('203.0.113.1'))).rejects.toEqual(refusedWith503)
  })
})

describe('a subprotocol', () => {
  test('is echoed, the first one offered', async () => {
    const connector = await aConnector()
    expect((await connector.socket({ subprotocol: 'archipelago' })).protocol).toBe('archipelago')
  })

  test('is not needed', async () => {
    const connector = await aConnector()
    expect((await connector.join({ subprotocol: null })).socket.protocol).toBe('')
  })
})

test('every path that explorers may have cached is served', async () => {
  const connector = await aConnector()
  for (const path of ['/ws', '/cells/0/ws', '/cells/41/ws']) {
    const socket = await connector.socket({ url: connector.http.replace('http', 'ws') + path })
    socket.close()
  }
  await expect(connector.socket({ url: `${connector.http.replace('http', 'ws')}/rooms/1` })).rejects.toEqual(
    new UpgradeRefused(404),
  )
})

describe('a silent client', () => {
  test('is pinged after 74 s, and stays when it answers', async () => {
    const connector = await aConnector()
    const player = await connector.join()
    connector.clock.advance(73_000)
    expect(await connector.metric('pings_total')).toBe(0)
    connector.clock.advance(2_000)
    await until(() => expect(player.socket.pings).toBe(1))
    // The pong arrives in real time; the test's clock may only advance after it.
    await new Promise((resolve) => setTimeout(resolve, 50))
    connector.clock.advance(60_000)
    player.heartbeat({ x: 1, y: 0, z: 0 })
    await until(() => expect(connector.topicsOf(player.peer)).toEqual(['connect', 'heartbeat']))
    expect(player.socket.pings).toBe(1)
  })

  test('is disconnected after 90 s when it does not', async () => {
    const connector = await aConnector()
    const player = await connector.join()
    player.socket.pause()
    connector.clock.advance(89_000)
    expect(await connector.metric('connections')).toBe(1)
    connector.clock.advance(2_000)
    await until(async () => expect(await connector.metric('connections')).toBe(0))
    player.socket.resume()
    expect(await player.closed).toEqual({ code: 1006, reason: '' })
    await until(() => expect(connector.topicsOf(player.peer)).toEqual(['connect', 'disconnect']))
  })
})

test('a client that sends is never pinged', async () => {
  const connector = await aConnector()
  const player = await connector.join()
  for (let x = 1; x <= 20; x++) {
    connector.clock.advance(30_000)
    player.heartbeat({ x, y: 0, z: 0 })
    await until(() => expect(connector.positionsOf(player.peer)).toHaveLength(x))
  }
  expect(player.socket.pings).toBe(0)
  expect(await connector.metric('pings_total')).toBe(0)
})

test('a client that does not read is disconnected before it fills the memory', async () => {
  const connector = await aConnector()
  const [stalled, reading] = [await connector.join(), await connector.join()]
  stalled.socket.pause()
  for (let i = 0; i < 400 && (await connector.metric('island_changes_total{outcome="too_slow"}')) === 0; i++) {
    connector.place(stalled.peer, `island-${i}`, 100_000)
    await connector.bus.flush()
  }
  expect(await connector.metric('island_changes_total{outcome="too_slow"}')).toBe(1)
  expect(await connector.metric('sessions_ended_total{ending="slow"}')).toBe(1)
  connector.place(reading.peer, 'island-1')
  await reading.nextIsland(5_000)
})
