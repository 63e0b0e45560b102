import { expect, test } from 'vitest'
import { requestChallenge } from '../../testing/player/player.ts'
import { createWallet, twoLinkChain } from '../../testing/player/wallet.ts'
import { clientPackets } from '../wire/packets.ts'
import { aBus, aConnector, until } from './fixtures.ts'

const wallet = createWallet('twice')

test('the wallet that signed is welcomed, even if another one was claimed', async () => {
  const connector = await aConnector()
  const socket = await connector.socket()
  const { challenge } = await requestChallenge(socket, createWallet('claimed').address)
  socket.send(clientPackets.signedChallenge(JSON.stringify(twoLinkChain(wallet, challenge))))
  expect(await socket.next()).toEqual({ $case: 'welcome', welcome: { peerId: wallet.peer } })
  await until(() => expect(connector.published).toMatchObject([{ peer: wallet.peer, topic: 'connect' }]))
})

test('a newer session of the same wallet replaces the older one, without a disconnect on the bus', async () => {
  const connector = await aConnector()
  const older = await connector.join({ wallet })
  expect(older.alreadyConnected).toBe(false)
  const newer = await connector.join({ wallet, chain: 'three' })
  expect(newer.alreadyConnected).toBe(true)
  expect(await older.closed).toEqual({ code: 1005, reason: '' })
  expect(older.kicked).toBe(true)
  newer.heartbeat({ x: 1, y: 2, z: 3 })
  await until(() => expect(connector.topicsOf(wallet.peer)).toEqual(['connect', 'connect', 'heartbeat']))
  expect(newer.kicked).toBe(false)
})

test('the late end of a replaced socket does not affect its successor', async () => {
  const connector = await aConnector()
  const older = await connector.join({ wallet })
  older.socket.pause() // it does not answer the close frame until it is resumed
  const newer = await connector.join({ wallet })
  expect(await connector.metric('connections')).toBe(2)
  older.socket.terminate()
  await until(async () => expect(await connector.metric('connections')).toBe(1))

  connector.place(wallet.peer, 'island-1')
  expect((await newer.nextIsland(5_000)).islandId).toBe('island-1')
  expect(await connector.metric('players')).toBe(1)
  expect(connector.topicsOf(wallet.peer)).toEqual(['connect', 'connect'])
})

test('of many sessions of one wallet exactly one remains', async () => {
  const connector = await aConnector()
  const players = await Promise.all(Array.from({ length: 8 }, () => connector.join({ wallet })))
  await until(async () => expect(await connector.metric('connections')).toBe(1))
  expect(players.filter(({ kicked }) => !kicked)).toHaveLength(1)
  expect(connector.topicsOf(wallet.peer)).not.toContain('disconnect')
  players.find(({ kicked }) => !kicked)?.close()
  await until(() => expect(connector.topicsOf(wallet.peer).at(-1)).toBe('disconnect'))
  expect(await connector.metric('players')).toBe(0)
})

test('sessions are numbered in the order they were opened, even within one millisecond', async () => {
  const connector = await aConnector()
  for (let i = 0; i < 10; i++) await connector.join({ wallet })
  await until(() => expect(connector.published).toHaveLength(10))
  const ids = connector.published.map(({ payload }) => Buffer.from(payload).toString())
  expect(ids).toEqual([...ids].sort())
  expect(new Set(ids).size).toBe(10)
})

test('a newer session on another connector replaces the older one as well', async () => {
  const bus = aBus()
  const [here, there] = [await aConnector({}, { bus }), await aConnector({}, { bus })]
  there.clock.advance(1_000)
  const older = await here.join({ wallet })
  const newer = await there.join({ wallet })
  expect(await older.closed).toEqual({ code: 1005, reason: '' })
  expect(older.kicked).toBe(true)
  await until(async () => expect(await here.metric('players')).toBe(0))
  expect(here.topicsOf(wallet.peer)).not.toContain('disconnect')
  expect(newer.kicked).toBe(false)
  expect(await there.metric('players')).toBe(1)
})

test('a connect message of an older session, published again late, ends no session', async () => {
  const bus = aBus()
  const [here, there] = [await aConnector({}, { bus }), await aConnector({}, { bus })]
  there.clock.advance(1_000)
  const older = await here.join({ wallet })
  await until(() => expect(here.topicsOf(wallet.peer)).toEqual(['connect']))
  const connect = here.published.find(({ peer }) => peer === wallet.peer)
  const newer = await there.join({ wallet })
  await older.closed
  bus.publish(`peer.${wallet.peer}.connect`, connect?.payload ?? new Uint8Array())
  bus.publish(`peer.${wallet.peer}.connect`, new Uint8Array())
  await bus.flush()
  there.place(wallet.peer, 'island-1')
  expect((await newer.nextIsland(5_000)).islandId).toBe('island-1')
})
