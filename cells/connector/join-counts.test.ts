import { expect, test } from 'vitest'
import { clientPackets } from '../wire/packets.ts'
import { aConnector, type TestConnector, until } from './fixtures.ts'

const HERE = { x: 8, y: 0, z: 8 }
const joins = async ({ http }: TestConnector) => ((await (await fetch(`${http}/joins`)).json()) as { joins: unknown }).joins
const counted = (connector: TestConnector, counts: object) => until(async () => expect(await joins(connector)).toEqual(counts))

test('players who say where they are and are given islands are told apart from those who wait in vain', async () => {
  const connector = await aConnector()
  const [anna, ben] = [await connector.join(), await connector.join()]
  anna.heartbeat(HERE)
  ben.heartbeat(HERE)
  await counted(connector, { given: 0, missed: 0, waiting: 2 })
  connector.place(anna.peer, 'island-1')
  connector.place(anna.peer, 'island-2')
  await counted(connector, { given: 1, missed: 0, waiting: 1 })
  connector.clock.advance(20_000)
  await counted(connector, { given: 1, missed: 1, waiting: 0 })
  expect([await connector.metric('joins_given'), await connector.metric('joins_missed')]).toEqual([1, 1])
})

test('strangers who cannot sign in, say nothing, speak nonsense or leave early make no join fail', async () => {
  const connector = await aConnector()
  const stranger = await connector.socket()
  stranger.send(clientPackets.signedChallenge('[]'))
  await stranger.closed
  const silent = await connector.join()
  const nowhere = await connector.join()
  nowhere.send(clientPackets.heartbeat({ position: undefined }))
  nowhere.heartbeat({ x: Number.NaN, y: 0, z: 0 })
  const hasty = await connector.join()
  hasty.heartbeat(HERE)
  await counted(connector, { given: 0, missed: 0, waiting: 1 })
  hasty.close()
  await counted(connector, { given: 0, missed: 0, waiting: 0 })
  connector.clock.advance(20_000)
  await counted(connector, { given: 0, missed: 0, waiting: 0 })
  expect(await connector.metric('players')).toBe(2)
  silent.close()
})

test('a player who comes back with another socket and is told his island at once is no failure of the first', async () => {
  const connector = await aConnector()
  const first = await connector.join()
  first.heartbeat(HERE)
  await counted(connector, { given: 0, missed: 0, waiting: 1 })
  const again = await connector.join({ wallet: first.wallet })
  connector.place(again.peer, 'island-1')
  again.heartbeat(HERE)
  connector.clock.advance(20_000)
  await counted(connector, { given: 1, missed: 0, waiting: 0 })
})
