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
    const connector = await aConnector({ MAX_CONNECTIONS_PER_ADDRESS: 1, TRUSTED_PROXIES: '127.0.0.1' })
    const from = (address: string) => ({ headers: { 'x-forwarded-for': address } })
    const first = await connector.socket(from('2001:db8::1'))
    await expect(connector.socket(from('2001:db8::2'))).rejects.toEqual(refusedWith503)
    await connector.socket(from('2001:db8:0:1::1'))
    expect(await connector.metric('upgrades_refused_total{limit="address"}')).toBe(1)
    first.terminate()
    await until(async () => expect(await connector.metric('connections')).toBe(1))
    await connector.socket(from('2001:db8::3'))
  })

  test('behind an ingress count for the client it forwards', async () => {
    const connector = await aConnector({ MAX_CONNECTIONS_PER_ADDRESS: 1, TRUSTED_PROXIES: '127.0.0.0/8' })
    const from = (address: string) => ({ headers: { 'x-forwarded-for': address } })
    await connector.socket(from('203.0.113.1'))
    await connector.socket(from('203.0.113.2'))
    await expect(connector.socket(from('203.0.113.1'))).rejects.toEqual(refusedWith503)
  })

  test('of a private address count as those of many players, whether or not they declare a client', async () => {
    const connector = await aConnector({ MAX_CONNECTIONS_PER_ADDRESS: 1 })
    const victim = { headers: { 'x-forwarded-for': '203.0.113.1' } }
    for (let n = 0; n < 3; n++) await Promise.all([connector.socket(), connector.socket(victim)])
    expect(await connector.metric('connections')).toBe(6)
  })

  test('that do not sign in are displaced by a client of another address', async () => {
    const connector = await aConnector({ MAX_CONNECTIONS: 50 })
    const silent = await Promise.all(Array.from({ length: 50 }, () => connector.socket()))
    await expect(connector.socket()).rejects.toEqual(refusedWith503)
    await (await connector.join({ localAddress: '127.0.0.2' })).heartbeat({ x: 1, y: 0, z: 0 })
    expect((await silent[0]?.closed)?.code).toBe(1006)
    expect(await connector.metric('handshakes_total{outcome="displaced"}')).toBe(1)
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
  test('is pinged after 74 s, and stays connected when it answers', async () => {
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
