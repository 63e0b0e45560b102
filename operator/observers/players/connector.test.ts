import { expect, test } from 'vitest'
import { systemClock } from '../../../cells/chassis/clock.ts'
import { silentLog } from '../../../cells/chassis/log.ts'
import { aConnector } from '../../../cells/connector/fixtures.ts'
import { aCell } from '../../desired/realm.fixtures.ts'
import { connectorPlayerCounter } from './connector-players.ts'
import { JoinSuccessRate } from './join-success-rate.ts'

test('a real connector answers with its number of players and with how their joins went', async ({ onTestFinished }) => {
  const connector = await aConnector()
  const { hostname: address, port: text } = new URL(connector.http)
  const port = Number(text)
  const [anna] = [await connector.join(), await connector.join()]
  anna?.heartbeat({ x: 8, y: 0, z: 8 })
  connector.place(anna?.peer ?? '0x0', 'island-1')
  const countPlayers = connectorPlayerCounter({ port, clock: systemClock })
  const asked = [
    { name: 'pod', address },
    { name: 'gone', address: '127.0.99.99' },
  ]
  expect([...(await countPlayers(asked))]).toEqual([['pod', 2]])
  const joinSuccess = new JoinSuccessRate({ addressesOf: () => [address], port, clock: systemClock, log: silentLog })
  onTestFinished(() => joinSuccess.stop())
  joinSuccess.watch({ namespace: 'metaverse', name: 'main' }, [aCell()])
  await expect.poll(() => joinSuccess.get(aCell())).toEqual({ given: 1, missed: 0, waiting: 0 })
})
