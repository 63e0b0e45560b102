import { createSocket } from 'node:dgram'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { EnetClient } from './client.ts'
import { MAX_DATAGRAM_BYTES } from './datagram.ts'
import { EnetHost } from './host.ts'
import { openUdp } from './udp.ts'
import type { UdpOptions, UdpPort } from './udp-port.ts'

const clock = () => performance.now()

async function until(condition: () => boolean, timeoutMs = 10_000): Promise<void> {
  for (const end = performance.now() + timeoutMs; !condition(); ) {
    expect(performance.now(), 'in time').toBeLessThan(end)
    await sleep(5)
  }
}

/** Sockets of this system by themselves, and with calls that move many datagrams. */
describe.each([false, process.platform === 'linux'])('in batches: %s', (inBatches) => {
  async function aSocket(onDatagram: UdpOptions['onDatagram'], address?: string): Promise<UdpPort> {
    const socket = await openUdp({ port: 0, inBatches, onDatagram, ...(address === undefined ? {} : { address }) })
    expect(socket.isInBatches).toBe(inBatches)
    onTestFinished(() => socket.close())
    return socket
  }

  function serviced(service: () => void): void {
    const timer = setInterval(service, 10)
    onTestFinished(() => clearInterval(timer))
  }

  async function anEchoHost(address?: string) {
    const ended: string[] = []
    const socket = await aSocket((...datagram) => host.receive(...datagram), address)
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
    const own = await aSocket((...datagram) => client.receive(...datagram))
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
    const receiver = await aSocket((bytes, _, __, length) => {
      if (bytes.subarray(0, length).every((byte) => byte === bytes[0])) received.push(bytes.readUInt8())
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
    const again = openUdp({ port: socket.port, inBatches, address: '127.0.0.1', onDatagram: () => undefined })
    await expect(again).rejects.toThrow('EADDRINUSE')
  })

  test('a closed socket receives nothing more and frees its port', async () => {
    const received: number[] = []
    const socket = await aSocket((_, __, ___, length) => received.push(length), '127.0.0.1')
    await socket.close()
    const stranger = createSocket('udp4')
    onTestFinished(() => void stranger.close())
    await new Promise((resolve) => stranger.send('late', socket.port, '127.0.0.1', resolve))
    await sleep(50)
    expect(received).toEqual([])
    const next = await openUdp({ port: socket.port, inBatches, address: '127.0.0.1', onDatagram: () => undefined })
    await next.close()
  })

  test.each([
    ['127.0.0.1', '127.0.0.1', '127.0.0.1'],
    [undefined, '127.0.0.1', '::ffff:127.0.0.1'],
    [undefined, '::1', '::1'],
  ])('of a socket at %s, who sends from %s has the address %s, however many arrive at once', async (at, from, address) => {
    const senders = new Set<string>()
    const lengths: number[] = []
    const socket = await aSocket((_, sender, port, length) => {
      senders.add(`${sender} ${port}`)
      lengths.push(length)
    }, at)
    const stranger = createSocket(from.includes(':') ? 'udp6' : 'udp4')
    onTestFinished(() => void stranger.close())
    await new Promise<void>((resolve) => stranger.bind(0, from, resolve))
    const bytes = Buffer.alloc(300)
    // More than one call moves; all are there before the socket is looked at.
    for (let i = 1; i <= 150; i++) stranger.send(bytes, 0, i, socket.port, from)
    await until(() => lengths.length === 150)
    expect([...senders]).toEqual([`${address} ${stranger.address().port}`])
    expect(lengths).toEqual(Array.from({ length: 150 }, (_, i) => i + 1))
  })

  test('a datagram that is too long is not taken for a shorter one', async () => {
    const lengths: number[] = []
    const socket = await aSocket((_, __, ___, length) => lengths.push(length), '127.0.0.1')
    const stranger = createSocket('udp4')
    onTestFinished(() => void stranger.close())
    for (const length of [1, 9_000, MAX_DATAGRAM_BYTES, 9_000]) stranger.send(Buffer.alloc(length), socket.port, '127.0.0.1')
    await until(() => lengths.length === 4)
    expect(lengths.map((length) => length > MAX_DATAGRAM_BYTES)).toEqual([false, true, false, true])
  })
})

test('what fails with a datagram costs none of those that came with it', async () => {
  const thrown: unknown[] = []
  const listeners = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.on('uncaughtException', (error) => thrown.push(error.message))
  onTestFinished(() => {
    process.removeAllListeners('uncaughtException')
    for (const listener of listeners) process.on('uncaughtException', listener)
  })
  let received = 0
  const onDatagram = () => {
    received += 1
    if (received % 10 === 0) throw new Error(`number ${received}`)
  }
  const socket = await openUdp({ port: 0, address: '127.0.0.1', inBatches: true, onDatagram })
  onTestFinished(() => socket.close())
  for (let i = 0; i < 30; i++) socket.send(Buffer.alloc(9), 0, 9, socket.port, '127.0.0.1')
  await until(() => received === 30)
  await until(() => thrown.length === 3)
  expect(thrown).toEqual(['number 10', 'number 20', 'number 30'])
})

test.runIf(process.platform === 'linux')('datagrams for which the kernel has no room are counted', async () => {
  const received: number[] = []
  const onDatagram = (_: Buffer, __: string, ___: number, length: number) => received.push(length)
  const [inBatches, address] = [true, '127.0.0.1']
  const socket = await openUdp({ port: 0, address, inBatches, receiveBufferBytes: 4_096, onDatagram })
  onTestFinished(() => socket.close())
  expect(socket.missed).toBe(0)
  for (let i = 0; i < 200; i++) socket.send(Buffer.alloc(1_000), 0, 1_000, socket.port, address)
  await until(() => received.length > 0 && received.length + socket.missed === 200)
  expect(socket.missed).toBeGreaterThan(100)
})
