import { describe, expect, test } from 'vitest'
import { fencingTokenOf, splitFencingToken } from '../wire/extension-fields.ts'
import { busPayloads, clientPackets } from '../wire/packets.ts'
import { aConnector, until } from './fixtures.ts'

test('a session is published as connect, heartbeats and disconnect', async () => {
  const connector = await aConnector()
  const player = await connector.join()
  player.heartbeat({ x: 8, y: 0, z: 8 })
  await until(() => expect(connector.topicsOf(player.peer)).toEqual(['connect', 'heartbeat']))
  player.close()
  await until(() => expect(connector.topicsOf(player.peer)).toEqual(['connect', 'heartbeat', 'disconnect']))
  const [connect, , disconnect] = connector.published.map(({ payload }) => Buffer.from(payload).toString())
  expect(disconnect).toBe(`${connect}\nleft`)
})

test('a client that was not welcomed is not published', async () => {
  const connector = await aConnector()
  const socket = await connector.socket()
  socket.close()
  await socket.closed
  await until(async () => expect(await connector.metric('connections')).toBe(0))
  expect(connector.published).toEqual([])
})

test('a heartbeat is published in the encoding that every receiver on the bus decodes', async () => {
  const connector = await aConnector()
  const player = await connector.join()
  player.heartbeat({ x: 8, y: 0, z: 8 })
  player.heartbeat({ x: 8, y: 0, z: 8 }, 'I7')
  // The same message in a longer encoding: zeros written out, an unknown field at the end.
  player.send(new Uint8Array(Buffer.from('1a130a0f0d000000411500000000' + '1d00000041' + '5001', 'hex')))
  player.send(clientPackets.heartbeat({ position: undefined }))
  const sent = () =>
    connector.published
      .filter(({ topic }) => topic === 'heartbeat')
      .map(({ payload }) => Buffer.from(splitFencingToken(payload).body).toString('hex'))
  await until(() =>
    expect(sent()).toEqual([
      '0a0a0d000000411d00000041',
      '0a0a0d000000411d0000004112024937',
      expect.stringMatching(/^0a0a0d000000411d00000041/),
      '',
    ]),
  )
})

test('every heartbeat has the id of its session appended', async () => {
  const connector = await aConnector()
  const player = await connector.join()
  player.heartbeat({ x: 8, y: 0, z: 8 })
  player.send(clientPackets.heartbeat({ position: undefined }))
  await until(() => expect(connector.topicsOf(player.peer)).toEqual(['connect', 'heartbeat', 'heartbeat']))
  const [connect, ...heartbeats] = connector.published
  const session = Buffer.from(connect?.payload ?? []).toString()
  expect(heartbeats.map(({ payload }) => fencingTokenOf(payload))).toEqual([session, session])
})

test('a desired room longer than any room name is left out', async () => {
  const connector = await aConnector()
  const player = await connector.join()
  player.heartbeat({ x: 8, y: 0, z: 8 }, 'I'.repeat(10_000))
  await until(() => expect(connector.topicsOf(player.peer)).toContain('heartbeat'))
  expect(busPayloads.decodeHeartbeat(connector.published.at(-1)?.payload ?? new Uint8Array())).toEqual({
    position: { x: 8, y: 0, z: 8 },
    desiredRoom: undefined,
  })
})

test.each([
  ['NaN', { x: Number.NaN, y: 0, z: 0 }],
  ['infinite', { x: 0, y: Number.POSITIVE_INFINITY, z: 0 }],
  ['infinitely negative', { x: 0, y: 0, z: Number.NEGATIVE_INFINITY }],
])('a position that is %s is not published and is counted', async (_, nowhere) => {
  const connector = await aConnector()
  const player = await connector.join()
  player.heartbeat(nowhere)
  player.heartbeat({ x: 1, y: 1, z: 1 })
  await until(() => expect(connector.positionsOf(player.peer)).toEqual([{ x: 1, y: 1, z: 1 }]))
  expect(await connector.metric('heartbeats_total{outcome="nonsense"}')).toBe(1)
})

describe('a client that sends too much', () => {
  test('is not disconnected: heartbeats above the rate are reduced to the last position', async () => {
    const connector = await aConnector()
    const player = await connector.join()
    for (let x = 1; x <= 60; x++) player.heartbeat({ x, y: 0, z: 0 })
    await until(async () => expect(await connector.metric('heartbeats_total{outcome="coalesced"}')).toBe(40))
    connector.clock.advance(50)
    await connector.bus.flush()
    const positions = connector.positionsOf(player.peer)
    expect(positions).toHaveLength(21)
    expect(positions.at(-2)).toEqual({ x: 20, y: 0, z: 0 })
    expect(positions.at(-1)).toEqual({ x: 60, y: 0, z: 0 })

    connector.clock.advance(10_000)
    await connector.bus.flush()
    expect(connector.positionsOf(player.peer)).toHaveLength(21)
  })

  test('does not slow down other clients', async () => {
    const connector = await aConnector()
    const [fast, slow] = [await connector.join(), await connector.join()]
    for (let x = 1; x <= 60; x++) fast.heartbeat({ x, y: 0, z: 0 })
    slow.heartbeat({ x: 7, y: 0, z: 0 })
    await until(() => expect(connector.positionsOf(slow.peer)).toEqual([{ x: 7, y: 0, z: 0 }]))
  })

  test('is not published any more once it disconnected', async () => {
    const connector = await aConnector()
    const player = await connector.join()
    for (let x = 1; x <= 60; x++) player.heartbeat({ x, y: 0, z: 0 })
    player.close()
    await until(() => expect(connector.topicsOf(player.peer).at(-1)).toBe('disconnect'))
    connector.clock.advance(10_000)
    await connector.bus.flush()
    expect(connector.topicsOf(player.peer).at(-1)).toBe('disconnect')
  })
})

describe('island changes', () => {
  test('reach the socket of their player unchanged, and no other', async () => {
    const connector = await aConnector()
    const [anna, ben] = [await connector.join(), await connector.join()]
    connector.place(anna.peer, 'island-1')
    connector.place(anna.peer, 'island-2')
    connector.place(ben.peer, 'island-3')
    expect((await anna.nextIsland(5_000)).islandId).toBe('island-1')
    expect((await anna.nextIsland(5_000)).islandId).toBe('island-2')
    expect((await ben.nextIsland(5_000)).islandId).toBe('island-3')
    expect(anna.islands).toHaveLength(2)
    expect(ben.islands).toHaveLength(1)
  })

  test('for players of other connectors are ignored', async () => {
    const connector = await aConnector()
    connector.place('0x00000000000000000000000000000000000000aa', 'island-1')
    connector.bus.publish('engine.peer.rubbish.island_changed', new Uint8Array([1]))
    const player = await connector.join()
    connector.place(player.peer, 'island-2')
    expect((await player.nextIsland(5_000)).islandId).toBe('island-2')
    expect(player.islands).toHaveLength(1)
  })
})
