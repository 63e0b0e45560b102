import { expect, test } from 'vitest'
import { systemClock } from '../../../cells/chassis/clock.ts'
import { aConnector } from '../../../cells/connector/fixtures.ts'
import { aCell } from '../../desired/fixtures.ts'
import { connectorPlayerCounter } from './connector-players.ts'
import { createJoinWatch } from './join-success-rate.ts'

test('a real connector says how many players it has, and how their joins went', async ({ onTestFinished }) => {
  const connector = await aConnector()
  const { hostname: address, port: text } = new URL(connector.http)
  const port = Number(text)
  const [anna] = [await connector.join(), await connector.join()]
  anna?.heartbeat({ x: 8, y: 0, z: 8 })
  connector.place(anna?.peer ?? '0x0', 'island-1')
  const headcount = connectorPlayerCounter({ port, clock: systemClock })
  const asked = [
    { name: 'pod', address },
    { name: 'gone', address: '127.0.99.99' },
  ]
  expect([...(await headcount(asked))]).toEqual([['pod', 2]])
  const watch = createJoinWatch({ addressesOf: () => [address], port, clock: systemClock })
  onTestFinished(() => watch.stop())
  watch.attend({ namespace: 'metaverse', name: 'main' }, [aCell()])
  await expect.poll(() => watch.joinsOf(aCell())).toEqual({ given: 1, missed: 0, waiting: 0 })
})
