import { expect, test } from 'vitest'
import { aTracedService } from '../../testing/trace-collector.ts'
import { clientPackets } from '../wire/packets.ts'
import { aConnector, type TestConnector, until } from './fixtures.ts'

const untilWaiting = ({ http }: TestConnector, waiting: number) =>
  until(async () => expect(await (await fetch(`${http}/joins`)).json()).toMatchObject({ joins: { waiting } }))
const HERE = { x: 8, y: 0, z: 8 }

test('the span of a join is its handshake, and is followed by the first island, or by the missing of it', async () => {
  const { tracer, spans } = await aTracedService()
  const connector = await aConnector({}, { tracer })
  const [anna, ben] = [await connector.join(), await connector.join()]
  anna.heartbeat(HERE)
  ben.heartbeat(HERE)
  await untilWaiting(connector, 2)
  connector.place(anna.peer, 'island-1')
  connector.place(anna.peer, 'island-2')
  await untilWaiting(connector, 1)
  connector.clock.advance(20_000)
  await untilWaiting(connector, 0)
  await connector.service.stop()
  const [joinOfAnna, joinOfBen, given, missed, ...more] = await spans()
  expect(more).toEqual([])
  const join = { name: 'join', kind: 'server', fields: { outcome: 'welcomed' }, failed: false, parent: '' }
  expect(joinOfAnna).toMatchObject({ ...join, events: ['challenged', 'signed', 'verified'] })
  expect(given).toMatchObject({ name: 'first island', parent: joinOfAnna?.id, fields: { outcome: 'given' } })
  expect(missed).toMatchObject({ name: 'first island', parent: joinOfBen?.id, fields: { outcome: 'missed' } })
  expect(missed?.tookMs).toBeCloseTo(20_000, 0)
  const sent = JSON.stringify(await spans()).toLowerCase()
  for (const secret of [anna.peer, ben.peer, '127.0.0.1']) expect(sent).not.toContain(secret)
})

test('the span of a handshake that fails says why, also where the client leaves', async () => {
  const { tracer, spans } = await aTracedService()
  const connector = await aConnector({}, { tracer })
  const unsigned = await connector.socket()
  unsigned.send(clientPackets.signedChallenge('[]'))
  await unsigned.closed
  const silent = await connector.socket()
  silent.close()
  await until(async () => expect(await connector.metric('connections')).toBe(0))
  expect((await spans()).map(({ fields, failed }) => [fields.outcome, failed])).toEqual([
    ['unexpected', false],
    ['gone', false],
  ])
})
