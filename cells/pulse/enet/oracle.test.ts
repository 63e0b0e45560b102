import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { withPart } from '../../../testing/parts/with-part.ts'
import { EnetClient } from './client.ts'
import { EnetHost } from './host.ts'
import type { EnetPeer } from './peer.ts'
import { openUdp, type UdpPort } from './udp.ts'

const clock = () => performance.now()

async function until(condition: () => boolean, what: string, timeoutMs = 15_000): Promise<void> {
  for (const end = performance.now() + timeoutMs; !condition(); ) {
    expect(performance.now(), what).toBeLessThan(end)
    await sleep(2)
  }
}

/** Starts the other implementation; it ends with the test. */
async function anOracle(program: string, ...args: string[]) {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const said: string[] = []
  createInterface(child.stdout).on('line', (line) => said.push(line))
  await until(() => said.length > 0, 'the other implementation has started')
  return { said, port: Number(said.shift()?.replace('port ', '')), stop: () => child.kill('SIGKILL') }
}

/** Delays a datagram, loses it or sends it twice. */
type Spoil = (deliver: () => void) => void

const unspoilt: Spoil = (deliver) => deliver()

/** A link that loses a tenth of what it carries, repeats another and lets datagrams overtake each other. */
function aBadLink(): Spoil {
  let count = 0
  return (deliver) => {
    count += 1
    if (count % 10 === 3) return
    for (let copies = count % 10 === 7 ? 2 : 1; copies > 0; copies--) setTimeout(deliver, (count * 7) % 20)
  }
}

async function aUdpPort(spoil: Spoil, receive: (bytes: Buffer, address: string, port: number) => void): Promise<UdpPort> {
  const socket = await openUdp({
    port: 0,
    address: '127.0.0.1',
    onDatagram: (bytes, address, port) => spoil(() => receive(bytes, address, port)),
  })
  onTestFinished(() => socket.close())
  const send: UdpPort['send'] = (bytes, offset, length, ...to) => {
    const copy = Buffer.from(bytes.subarray(offset, offset + length))
    spoil(() => socket.send(copy, 0, length, ...to))
  }
  return { ...socket, send }
}

interface Connection {
  peer: EnetPeer
  said: string[]
  received: { channel: number; bytes: Buffer }[]
  ended: string[]
  stop(): void
}

function serviced(service: () => void): void {
  const timer = setInterval(service, 5)
  onTestFinished(() => clearInterval(timer))
}

async function asHost(program: string, spoil: Spoil): Promise<Connection> {
  const [received, ended, connected]: [Connection['received'], string[], EnetPeer[]] = [[], [], []]
  const socket = await aUdpPort(spoil, (bytes, address, port) => host.receive(bytes, address, port))
  const host: EnetHost = new EnetHost({
    clock,
    send: socket.send,
    onConnect: (peer) => connected.push(peer),
    onMessage: (_, channel, bytes) => received.push({ channel, bytes: Buffer.from(bytes) }),
    onDisconnect: (_, reason, cause) => ended.push(`${cause} ${reason}`),
  })
  serviced(() => host.service())
  const { said, stop } = await anOracle(program, 'client', String(socket.port))
  await until(() => connected.length > 0, 'connected')
  const [peer] = connected
  if (!peer) throw new Error('no peer')
  expect(peer.connectData).toBe(42)
  return { peer, said, received, ended, stop }
}

async function asClient(program: string, spoil: Spoil): Promise<Connection> {
  const [received, ended, connected]: [Connection['received'], string[], EnetPeer[]] = [[], [], []]
  const { said, port, stop } = await anOracle(program, 'server')
  const socket = await aUdpPort(spoil, (bytes, address, from) => client.receive(bytes, address, from))
  const client: EnetClient = new EnetClient({
    clock,
    send: socket.send,
    address: '127.0.0.1',
    port,
    connectData: 42,
    onConnect: (peer) => connected.push(peer),
    onMessage: (_, channel, bytes) => received.push({ channel, bytes: Buffer.from(bytes) }),
    onDisconnect: (_, reason, cause) => ended.push(`${cause} ${reason}`),
  })
  serviced(() => client.service())
  await until(() => connected.length > 0, 'connected')
  await until(() => said.includes('connect 42'), 'the server knows')
  return { peer: client.peer, said, received, ended, stop }
}

function messageOf(number: number, size: number): Buffer {
  const bytes = Buffer.alloc(size, number)
  bytes.writeUInt32BE(number)
  return bytes
}

const numbersOf = (received: Connection['received'], channel: number): number[] =>
  received.filter((each) => each.channel === channel).map(({ bytes }) => bytes.readUInt32BE())

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

withPart('enet', 'an implementation of ENet of another make', (program) => {
  for (const [role, connect] of [
    ['host', asHost],
    ['client', asClient],
  ] as const) {
    test(`as ${role}: messages of every kind and size go there and back`, async () => {
      const { peer, received } = await connect(program, unspoilt)
      const sizes = [4, 1150, 1164, 1165, 1200, 4000, 8192]
      for (const [i, size] of sizes.entries()) peer.sendReliable(0, messageOf(i, size))
      for (const [i, size] of sizes.entries()) peer.sendUnreliable(1, messageOf(i, size))
      for (const [i, size] of sizes.entries()) if (size < 1180) peer.sendUnsequenced(2, messageOf(i, size))
      await until(() => received.length === 18, 'all are back')
      for (const channel of [0, 1, 2]) expect(numbersOf(received, channel)).toEqual(upTo(channel === 2 ? 4 : 7))
      for (const { bytes } of received)
        expect(bytes.equals(messageOf(bytes.readUInt32BE(), sizes[bytes.readUInt32BE()] ?? 0))).toBe(true)
    })

    test(`as ${role}: over a bad link reliable messages are back once and in order, unreliable ones never go back`, async () => {
      const { peer, received } = await connect(program, aBadLink())
      for (const i of upTo(300)) {
        peer.sendReliable(0, messageOf(i, i % 50 === 0 ? 5_000 : 100))
        peer.sendUnreliable(1, messageOf(i, 30))
        if (i % 10 === 0) await sleep(2)
      }
      await until(() => numbersOf(received, 0).length === 300, 'all are back', 60_000)
      expect(numbersOf(received, 0)).toEqual(upTo(300))
      const unreliable = numbersOf(received, 1)
      expect(unreliable).toEqual([...new Set(unreliable)].sort((a, b) => a - b))
      expect(unreliable.length).toBeGreaterThan(20)
    }, 90_000)

    test(`as ${role}: sequence numbers of both sides begin anew`, async () => {
      const { peer, received } = await connect(program, unspoilt)
      const count = 70_000
      for (let sent = 0; sent < count; ) {
        for (const end = sent + 100; sent < end; sent++) {
          peer.sendReliable(0, messageOf(sent, 4))
          peer.sendUnreliable(1, messageOf(sent, 4))
        }
        await until(() => received.at(-1) !== undefined && numbersAt(received, 0) >= sent, 'this part is back')
      }
      expect(numbersOf(received, 0)).toEqual(upTo(count))
      // Echoes of unreliable messages may be lost in a full buffer of the kernel; what counts is that they go on.
      expect(numbersOf(received, 1).at(-1)).toBe(count - 1)
      expect(numbersOf(received, 1).length).toBeGreaterThan(count * 0.9)
    }, 180_000)

    test(`as ${role}: the other side ends the connection, and says why`, async () => {
      const { peer, said, ended } = await connect(program, unspoilt)
      peer.sendReliable(0, Buffer.from('end 7'))
      await until(() => peer.state === 'closed', 'ended')
      expect(ended).toEqual(['left 7'])
      await until(() => said.some((line) => line.startsWith('disconnect')), 'the other side knows')
    })

    test(`as ${role}: this side ends the connection politely, or at once`, async () => {
      for (const end of ['disconnect', 'disconnectNow'] as const) {
        const { peer, said, ended } = await connect(program, unspoilt)
        peer[end](16)
        await until(() => said.includes('disconnect 16'), 'the other side knows why')
        await until(() => peer.state === 'closed', 'ended')
        expect(ended).toEqual([])
      }
    })

    test(`as ${role}: a connection stays up without messages, and is lost when the other side is gone`, async () => {
      const { peer, ended, stop } = await connect(program, unspoilt)
      await sleep(3_000)
      expect(peer.state).toBe('connected')
      expect(peer.sender.roundTrip.hasSample).toBe(true)
      stop()
      await until(() => peer.state === 'closed', 'lost', 30_000)
      expect(ended).toEqual(['lost 0'])
    }, 60_000)
  }

  test('a client of a full host learns it at once', async () => {
    const { port } = await aReplaceableHost(program, { maxPeers: 1 })
    const { said } = await anOracle(program, 'client', String(port))
    await until(() => said.length > 0, 'the client knows', 3_000)
    expect(said).toEqual(['disconnect 6'])
  })

  test('a client of an earlier process learns at once that its connection is gone', async () => {
    const { said, replace } = await aReplaceableHost(program)
    replace()
    await until(() => said.includes('disconnect 1'), 'the client knows', 3_000)
  })

  test('a client does not notice that another process takes over its connection', async () => {
    const { said, host, received, replace } = await aReplaceableHost(program)
    const send = (from: number) => {
      const [peer] = host().peers()
      for (let i = from; i < from + 100; i++) peer?.sendReliable(0, messageOf(i, i % 10 === 0 ? 5_000 : 50))
      host().flush()
    }
    send(0)
    const frozen = host().freeze()
    await sleep(1_000)
    replace(frozen)
    send(100)
    await until(() => received.length === 200, 'all are back')
    expect(received.map(({ bytes }) => bytes.readUInt32BE())).toEqual(upTo(200))
    expect(said).toEqual(['connect 0'])
  })
})

/** How many messages of a channel are back. */
function numbersAt(received: Connection['received'], channel: number): number {
  let count = 0
  for (const each of received) if (each.channel === channel) count += 1
  return count
}

/** A connected client of the other implementation, whose host can be replaced by one that knows nothing, or takes over a state. */
async function aReplaceableHost(program: string, limits: { maxPeers?: number } = {}) {
  const received: Connection['received'] = []
  const connected: EnetPeer[] = []
  const hosts: EnetHost[] = []
  const socket = await aUdpPort(unspoilt, (bytes, address, port) => hosts.at(-1)?.receive(bytes, address, port))
  const replace = (frozen?: Buffer): void => {
    const options = {
      ...limits,
      clock,
      send: socket.send,
      onConnect: (peer: EnetPeer) => void connected.push(peer),
      onMessage: (_: EnetPeer, channel: number, bytes: Buffer) => void received.push({ channel, bytes: Buffer.from(bytes) }),
      onDisconnect: () => undefined,
    }
    hosts.push(new EnetHost(options, frozen))
  }
  const host = (): EnetHost => hosts.at(-1) as EnetHost
  replace()
  serviced(() => host().service())
  const { said } = await anOracle(program, 'client', String(socket.port))
  await until(() => said.includes('connect 0') && connected.length === 1, 'connected')
  return { said, host, received, replace, port: socket.port }
}
