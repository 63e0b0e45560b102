import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, expect, type TestContext, test, vi } from 'vitest'
import { systemClock } from '../chassis/clock.ts'
import { silentLog } from '../chassis/log.ts'
import { Metrics } from '../chassis/metrics.ts'
import { createVerifier } from '../identity/verifier.ts'
import { DatagramFrames, datagramFrame } from '../wire/datagram-frames.ts'
import { openForwardedClients } from './forwarded-clients.ts'
import { startPulse } from './service.ts'

const verifier = createVerifier({ log: silentLog, workers: 1 })
afterAll(() => verifier.close())

/** The CONNECT with which a client of ENet begins. */
const CONNECT = Buffer.from(
  '4fffb7c682ff00010000ffff000005700001000000000003000000000000000000001388000000020000000283238de600000000',
  'hex',
)

async function aPort(context: TestContext) {
  const relay = await startPulse(
    { port: 0, address: '127.0.0.1' },
    { log: silentLog, clock: systemClock, verifier, metrics: new Metrics('pulse') },
  )
  context.onTestFinished(() => relay.stop())
  const clients = await openForwardedClients({ port: 0, udpPort: relay.port })
  context.onTestFinished(() => clients.stop())
  const aClient = async () => {
    const connection = connect(clients.port, '127.0.0.1')
    context.onTestFinished(() => void connection.destroy())
    await once(connection, 'connect')
    const received: Buffer[] = []
    const frames = new DatagramFrames((datagram) => received.push(Buffer.from(datagram)))
    connection.on('data', (bytes) => frames.read(bytes)).on('error', () => {})
    return { connection, received }
  }
  return { clients, aClient }
}

test('the relay answers each client through its own connection', async (context) => {
  const { aClient } = await aPort(context)
  const [one, other] = [await aClient(), await aClient()]
  // In two pieces, as a stream may cut it.
  const frame = datagramFrame(CONNECT)
  one.connection.write(frame.subarray(0, 9))
  one.connection.write(frame.subarray(9))
  // An answer to CONNECT, of 48 bytes, which repeats its identifier.
  await vi.waitFor(() => expect(one.received[0]?.includes(Buffer.from('83238de6', 'hex'))).toBe(true), { timeout: 15_000 })
  expect(other.received).toEqual([])
})

test('what is no datagram ends the connection, and no other one', async (context) => {
  const { aClient } = await aPort(context)
  const [one, other] = [await aClient(), await aClient()]
  one.connection.write(Buffer.from('GET / HTTP/1.1\r\n\r\n'))
  await once(one.connection, 'close')
  other.connection.write(datagramFrame(CONNECT))
  await vi.waitFor(() => expect(other.received.length).toBeGreaterThan(0), { timeout: 15_000 })
})

test('connections are bounded, and end with the relay', async (context) => {
  const { clients, aClient } = await aPort(context)
  const many = await Promise.all(Array.from({ length: 32 }, aClient))
  const { connection } = await aClient()
  await once(connection, 'close')
  const ended = Promise.all(many.map((each) => once(each.connection, 'close')))
  await clients.stop()
  await ended
})

test('a port that is taken is an error', async (context) => {
  const { clients } = await aPort(context)
  await expect(openForwardedClients({ port: clients.port, udpPort: 9 })).rejects.toThrow('EADDRINUSE')
})
