import { createSocket } from 'node:dgram'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { openEarlyPort } from './early-port.ts'
import { EnetClient } from './enet/client.ts'
import { openUdp } from './enet/udp.ts'
import { otherAddressesOf } from './hand-over/other-addresses.ts'

const SOON = { timeout: 20_000, interval: 20 }

async function anEarlyPort(hasPredecessor: boolean) {
  const early = await openEarlyPort({ port: 0, address: '127.0.0.1', hasPredecessor: async () => hasPredecessor })
  onTestFinished(() => early.close())
  return early
}

/** A client that is connected, for all it knows; it sends a ping each time. */
async function aStranger(port: number) {
  const answers: string[] = []
  const socket = createSocket('udp4').on('message', (bytes) => answers.push(bytes.toString('hex')))
  onTestFinished(() => void socket.close())
  const ping = () => void socket.send(Buffer.from('50070001' + '85ff0001', 'hex'), port, '127.0.0.1')
  return { answers, ping }
}

test('a client of the process before is told to come back while the relay is being started, which then has the port', async () => {
  const early = await anEarlyPort(false)
  const { answers, ping } = await aStranger(early.port)
  await vi.waitFor(() => {
    ping()
    expect(answers.length).toBeGreaterThan(0)
  }, SOON)
  // The session of the client, to its only peer: DISCONNECT, 1.
  expect(answers[0]).toBe('100044ff000000000001')
  await early.close()
  const relay = await openUdp({ port: early.port, address: '127.0.0.1', onDatagram: () => {} })
  await relay.close()
})

test('no client hears anything while another relay may have them', async () => {
  const { port } = await anEarlyPort(true)
  const { answers, ping } = await aStranger(port)
  ping()
  await sleep(200)
  expect(answers).toEqual([])
})

test('a client that connects early is neither refused nor connected', async () => {
  const { port } = await anEarlyPort(false)
  const happened: string[] = []
  const socket = createSocket('udp4').on('message', (bytes) => client.receive(bytes, '127.0.0.1', port))
  const client: EnetClient = new EnetClient({
    ...{ clock: () => performance.now(), address: '127.0.0.1', port },
    send: (bytes, offset, length) => socket.send(Uint8Array.from(bytes.subarray(offset, offset + length)), port, '127.0.0.1'),
    onConnect: () => happened.push('connected'),
    onMessage: () => {},
    onDisconnect: () => happened.push('ended'),
  })
  const timer = setInterval(() => client.service(), 10)
  onTestFinished(() => {
    clearInterval(timer)
    socket.close()
  })
  await sleep(300)
  expect(happened).toEqual([])
})

test('the addresses of other relays are those of a name that are not of this machine, unless the port differs', async () => {
  expect(await otherAddressesOf({ host: '127.0.0.1', port: 7_778, ownPort: 7_778 })).toEqual([])
  expect(await otherAddressesOf({ host: '127.0.0.1', port: 7_779, ownPort: 7_778 })).toEqual(['127.0.0.1'])
  expect(await otherAddressesOf({ host: '203.0.113.7', port: 7_778, ownPort: 7_778 })).toEqual(['203.0.113.7'])
})
