import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { createMemoryBus } from '../../../cells/bus/memory.ts'
import { systemClock } from '../../../cells/chassis/clock.ts'
import { listen } from '../../../cells/chassis/listen.ts'
import { silentLog } from '../../../cells/chassis/log.ts'
import { Metrics } from '../../../cells/chassis/metrics.ts'
import { startCellServices } from '../../../cells/compact/cell-services.ts'
import { readConfig } from '../../../cells/connector/config.ts'
import { startConnector } from '../../../cells/connector/service.ts'
import { createVerifier } from '../../../cells/identity/verifier.ts'
import { joinCell } from './join-cell.ts'

const cleanups: (() => unknown)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup()
})

const connectorEnv = { NATS_URL: 'memory', DRAIN_SECONDS: '0' }
const archipelagoEnv = { NATS_URL: 'memory', ROOMS_URL: 'ws://127.0.0.1/rooms', ARCHIPELAGO_FLUSH_FREQUENCY: '0.2' }
const dependencies = () => {
  const [bus, verifier] = [createMemoryBus(silentLog), createVerifier({ log: silentLog })]
  cleanups.push(() => verifier.close())
  return { bus, verifier, log: silentLog, clock: systemClock }
}

test('a cell that works can be joined: challenge, welcome, island', async () => {
  const services = await startCellServices({ connector: connectorEnv, archipelago: archipelagoEnv }, dependencies())
  const http = await listen(services.app, { port: 0, host: '127.0.0.1' })
  cleanups.unshift(() => services.stop(), http.stop)
  expect(await joinCell(`${http.url.replace('http', 'ws')}/cells/0/ws`, 5_000)).toEqual({ ok: true })
})

test('a join without an island fails, and the message names the step', async () => {
  const connector = await startConnector(readConfig(connectorEnv), { ...dependencies(), metrics: new Metrics('connector') })
  const http = await listen(connector.app, { port: 0, host: '127.0.0.1' })
  cleanups.unshift(() => connector.stop(), http.stop)
  expect(await joinCell(`${http.url.replace('http', 'ws')}/ws`, 2_000)).toEqual({
    ok: false,
    message: 'waiting for an island: no islandChanged within 2000 ms',
  })
})

test('a join fails when the cell cannot be reached', async () => {
  expect(await joinCell('ws://127.0.0.1:1/ws', 2_000)).toMatchObject({
    ok: false,
    message: expect.stringMatching(/^connecting: /),
  })
})

/** A server that answers every message with the same bytes. */
async function answering(bytes: Buffer): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  server.on('connection', (socket) => socket.on('message', () => socket.send(bytes)))
  cleanups.push(() => {
    for (const socket of server.clients) socket.terminate()
    server.close()
  })
  const address = server.address()
  return `ws://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
}

test('invalid, empty and too large packets end in a message, never in an exception', async () => {
  for (const bytes of [Buffer.from([0xff, 0xff, 0xff]), Buffer.alloc(0), Buffer.alloc(100_000)])
    expect(await joinCell(await answering(bytes), 300)).toMatchObject({
      ok: false,
      message: expect.stringMatching(/^asking for a challenge: /),
    })
})
