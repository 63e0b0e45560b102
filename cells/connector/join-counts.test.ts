import { expect, test } from 'vitest'
import { clientPackets } from '../wire/packets.ts'
import { aConnector, type TestConnector, until } from './fixtures.ts'

const HERE = { x: 8, y: 0, z: 8 }
const joins = async ({ http }: TestConnector) => ((await (await fetch(`${http}/joins`)).json()) as { joins: unknown }).joins
const counted = (connector: TestConnector, counts: object) => until(async () => expect(await joins(connector)).toEqual(counts))

test('players who were given an island and players who waited too long are counted apart', async () => {
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

test('clients that fail to sign in, send no valid position or leave early do not count as missed joins', async () => {
  const connector = await aConnector()
  const unauthenticated = await connector.socket()
  unauthenticated.send(clientPackets.signedChallenge('[]'))
  await unauthenticated.closed
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

test('a player who reconnects and is given an island at once does not count as missed by the first session', async () => {
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
