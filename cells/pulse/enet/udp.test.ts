import { createSocket } from 'node:dgram'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { EnetClient } from './client.ts'
import { EnetHost } from './host.ts'
import { openUdp, type UdpPort } from './udp.ts'

const clock = () => performance.now()

async function until(condition: () => boolean, timeoutMs = 10_000): Promise<void> {
  for (const end = performance.now() + timeoutMs; !condition(); ) {
    expect(performance.now(), 'in time').toBeLessThan(end)
    await sleep(5)
  }
}

async function aSocket(onDatagram: (bytes: Buffer, address: string, port: number) => void, address?: string): Promise<UdpPort> {
  const socket = await openUdp({ port: 0, onDatagram, ...(address === undefined ? {} : { address }) })
  onTestFinished(() => socket.close())
  return socket
}

function serviced(service: () => void): void {
  const timer = setInterval(service, 10)
  onTestFinished(() => clearInterval(timer))
}

async function anEchoHost(address?: string) {
  const ended: string[] = []
  const socket = await aSocket((bytes, from, port) => host.receive(bytes, from, port), address)
  const host: EnetHost = new EnetHost({
    clock,
    send: socket.send,
    onConnect: () => undefined,
    onMessage: (peer, channel, bytes) => peer.sendReliable(channel, bytes),
    onDisconnect: (_, reason, cause) => ended.push(`${cause} ${reason}`),
  })
  serviced(() => host.service())
  return { host, socket, ended }
}

test.each(['127.0.0.1', '::1'])('a client at %s and a host of both families exchange messages', async (ip) => {
  const { host, socket, ended } = await anEchoHost()
  const echoed: string[] = []
  const own = await aSocket((bytes, from, port) => client.receive(bytes, from, port))
  const client: EnetClient = new EnetClient({
    clock,
    send: own.send,
    address: own.addressOf(ip),
    port: socket.port,
    onConnect: (peer) => peer.sendReliable(0, Buffer.alloc(5_000, 'x')),
    onMessage: (_, channel, bytes) => echoed.push(`${channel}:${bytes.length}`),
  })
  serviced(() => client.service())
  await until(() => echoed.length === 1)
  expect(echoed).toEqual(['0:5000'])
  client.peer.disconnect(0)
  await until(() => host.size === 0)
  expect(ended).toEqual(['left 0'])
})

test('a burst arrives with the bytes that each datagram had when it was sent', async () => {
  const received: number[] = []
  const receiver = await aSocket((bytes) => {
    if (bytes.every((byte) => byte === bytes[0])) received.push(bytes.readUInt8())
  }, '127.0.0.1')
  const socket = await aSocket(() => undefined, '127.0.0.1')
  const bytes = Buffer.alloc(100)
  for (let i = 0; i < 200; i++) {
    bytes.fill(i)
    socket.send(bytes, 0, 100, receiver.port, '127.0.0.1')
  }
  await until(() => received.length + socket.counters.dropped >= 200)
  expect(received).toEqual(Array.from({ length: 200 }, (_, i) => i))
})

test('what cannot be sent is counted, and nothing is thrown', async () => {
  const socket = await aSocket(() => undefined, '127.0.0.1')
  const bytes = Buffer.alloc(10)
  // No address, an address of the other family, and a port that is none.
  socket.send(bytes, 0, 10, 5000, 'nowhere')
  socket.send(bytes, 0, 10, 5000, '2001:db8::1')
  socket.send(bytes, 0, 10, 0, '127.0.0.1')
  await until(() => socket.counters.sendErrors === 3)
  await socket.close()
  socket.send(bytes, 0, 10, 5000, '127.0.0.1')
  expect(socket.counters.sendErrors).toBe(4)
  await socket.close()
})

test('errors after a long time without any are counted for as many datagrams as fail', async () => {
  const socket = await aSocket(() => undefined, '127.0.0.1')
  const bytes = Buffer.alloc(10)
  for (let i = 0; i < 1_100; i++) socket.send(bytes, 0, 10, socket.port, '127.0.0.1')
  await sleep(50)
  for (let i = 0; i < 160; i++) {
    socket.send(bytes, 0, 10, 5000, '2001:db8::1')
    await new Promise(setImmediate)
  }
  await until(() => socket.counters.sendErrors >= 144)
  expect(socket.counters.sendErrors).toBeLessThanOrEqual(176)
})

test('a port that is taken is an error', async () => {
  const socket = await aSocket(() => undefined, '127.0.0.1')
  const again = openUdp({ port: socket.port, address: '127.0.0.1', onDatagram: () => undefined })
  await expect(again).rejects.toThrow('EADDRINUSE')
})

test('a closed socket receives nothing more and frees its port', async () => {
  const received: Buffer[] = []
  const socket = await aSocket((bytes) => received.push(bytes), '127.0.0.1')
  await socket.close()
  const stranger = createSocket('udp4')
  onTestFinished(() => void stranger.close())
  await new Promise((resolve) => stranger.send('late', socket.port, '127.0.0.1', resolve))
  await sleep(50)
  expect(received).toEqual([])
  const next = await openUdp({ port: socket.port, address: '127.0.0.1', onDatagram: () => undefined })
  await next.close()
})
