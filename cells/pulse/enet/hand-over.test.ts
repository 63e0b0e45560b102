import fc from 'fast-check'
import { expect, test } from 'vitest'
import { aClient, aConnection, aHost, attachHost, calm, Network, randomFrom, serverAddress, serverPort } from './fixtures.ts'
import { EnetHost } from './host.ts'
import type { EnetHostOptions } from './host-options.ts'
import type { EnetPeer } from './peer.ts'

/** A host that goes on where another one stopped, in a process whose clock began at another time. */
function aSuccessor(network: Network, frozen: Buffer, options: Partial<EnetHostOptions> = {}) {
  const happened: string[] = []
  const messages: { channel: number; bytes: Buffer }[] = []
  const host = new EnetHost(
    {
      clock: () => network.now - 987_654.3,
      send: network.from(serverAddress, serverPort),
      random: randomFrom(8),
      onConnect: (peer) => happened.push(`connect ${peer.port}`),
      onMessage: (_, channel, bytes) => messages.push({ channel, bytes: Buffer.from(bytes) }),
      onDisconnect: (peer, reason, cause) => happened.push(`${cause} ${peer.port} ${reason}`),
      ...options,
    },
    frozen,
  )
  attachHost(network, host)
  const [peer] = host.peers()
  return { host, happened, messages, peer }
}

function messageOf(number: number, size: number): Buffer {
  const bytes = Buffer.alloc(size, number)
  bytes.writeUInt32BE(number)
  return bytes
}

const numbersOf = (messages: readonly { channel: number; bytes: Buffer }[], channel: number): number[] =>
  messages.filter((each) => each.channel === channel).map(({ bytes }) => bytes.readUInt32BE())

test('a client does not notice that another process takes over its connection in the middle of traffic', () => {
  const anyWeather = fc.record({
    loss: fc.double({ min: 0, max: 0.15, noNaN: true }),
    duplicates: fc.double({ min: 0, max: 0.3, noNaN: true }),
    minMs: fc.integer({ min: 0, max: 50 }),
    maxMs: fc.integer({ min: 50, max: 150 }),
  })
  const sizes = fc.array(fc.oneof(fc.integer({ min: 8, max: 300 }), fc.integer({ min: 8, max: 8192 })), {
    minLength: 30,
    maxLength: 60,
    size: 'max',
  })
  fc.assert(
    fc.property(anyWeather, fc.nat(), sizes, fc.nat(29), fc.nat(2_000), (weather, seed, messages, at, awayMs) => {
      const { network, server, client, peer } = aConnection(new Network(weather, seed))
      let [sending, received]: [EnetPeer, { channel: number; bytes: Buffer }[]] = [peer, []]
      let ids: number[] = []
      for (const [i, size] of messages.entries()) {
        if (i === at) {
          const frozen = server.host.freeze()
          network.detach(serverAddress, serverPort)
          network.run(awayMs)
          const successor = aSuccessor(network, frozen)
          if (!successor.peer) throw new Error('the connection was not taken over')
          ids = [peer.id, successor.peer.id]
          sending = successor.peer
          received = successor.messages
        }
        expect(sending.sendReliable(0, messageOf(i, size))).toBe(true)
        sending.sendUnreliable(1, messageOf(i, 30))
        client.peer.sendReliable(0, messageOf(i, size))
        client.peer.sendUnreliable(1, messageOf(i, 30))
        network.run(20)
      }
      network.run(30_000)
      const all = messages.map((_, i) => i)
      expect(numbersOf(client.messages, 0)).toEqual(all)
      expect(
        client.messages.every(({ channel, bytes }) => channel !== 0 || bytes.length === messages[bytes.readUInt32BE()]),
      ).toBe(true)
      expect(numbersOf([...server.messages, ...received], 0)).toEqual(all)
      for (const each of [client.messages, [...server.messages, ...received]]) {
        const unreliable = numbersOf(each, 1)
        expect(unreliable).toEqual([...new Set(unreliable)].sort((a, b) => a - b))
      }
      expect(client.happened).toEqual(['connect'])
      expect(ids[0]).toBe(ids[1])
    }),
    { numRuns: Number(process.env.FUZZ_RUNS ?? 60), seed: 20_261_128 },
  )
}, 120_000)

test('a host that was frozen sends and receives nothing more, and its peers neither', () => {
  const { network, server, client, peer } = aConnection()
  server.host.freeze()
  const before = network.sent.get(`${serverAddress} ${serverPort}`)
  expect(peer.sendReliable(0, Buffer.from('late'))).toBe(false)
  client.peer.sendReliable(0, Buffer.from('late'))
  peer.disconnectNow(1)
  network.run(1_000)
  expect(server.messages).toEqual([])
  expect(server.happened).toEqual(['connect 50000'])
  expect(network.sent.get(`${serverAddress} ${serverPort}`)).toBe(before)
})

test('a connection that is half-open when the host is frozen is completed by its successor', () => {
  const network = new Network({ ...calm, minMs: 100, maxMs: 100 })
  const first = aHost(network)
  const client = aClient(network)
  network.run(150)
  expect(first.host.halfOpen).toBe(1)
  const successor = aSuccessor(network, first.host.freeze())
  network.run(300)
  expect(client.happened).toEqual(['connect'])
  expect(successor.happened).toEqual(['connect 50000'])
  client.peer.sendReliable(0, Buffer.from('hello'))
  network.run(300)
  expect(successor.messages.map(({ bytes }) => `${bytes}`)).toEqual(['hello'])
})

test('a polite end that is under way becomes an immediate one', () => {
  const { network, server, client, peer } = aConnection()
  peer.disconnect(5)
  const successor = aSuccessor(network, server.host.freeze())
  network.run(200)
  expect(client.happened).toEqual(['connect', 'left 5'])
  expect(successor.host.size).toBe(0)
})

test('IDs in use are not given to others, and those that were used get other session bits', () => {
  const network = new Network()
  const first = aHost(network, { maxPeers: 2 })
  const leaving = aClient(network, 50_000)
  network.run(200)
  const staying = aClient(network, 50_001)
  network.run(200)
  leaving.peer.disconnectNow(0)
  network.run(200)
  const successor = aSuccessor(network, first.host.freeze(), { maxPeers: 2 })
  const newcomer = aClient(network, 50_002)
  network.run(200)
  expect(newcomer.happened).toEqual(['connect'])
  expect(newcomer.peer.session).toBe(1)
  expect(newcomer.peer.remoteId).not.toBe(staying.peer.remoteId)
  const late = aClient(network, 50_003)
  network.run(200)
  expect(late.happened).toEqual(['left 6'])
  expect(successor.host.size).toBe(2)
})

test('the successor loses peers that do not answer, by its own clock', () => {
  const { network, server } = aConnection()
  const successor = aSuccessor(network, server.host.freeze())
  network.detach('198.51.100.1', 50_000)
  network.run(4_000)
  expect(successor.happened).toEqual([])
  network.run(8_000)
  expect(successor.happened).toEqual(['lost 50000 0'])
})

test('a quiet peer takes less than 300 bytes', () => {
  const network = new Network()
  const { host } = aHost(network)
  for (let i = 0; i < 50; i++) aClient(network, 50_000 + i, {}, `2001:db8:85a3:8d3:1319:8a2e:370:${i}`)
  network.run(1_000)
  expect(host.size).toBe(50)
  // Besides the session bits of all 4095 IDs.
  expect((host.freeze().length - 4_200) / 50).toBeLessThan(300)
})

test('a state of another version, or a damaged one, is an error and takes over nothing that is not there', () => {
  const { network, server, peer, client } = aConnection()
  network.weather = { ...calm, loss: 1 }
  peer.sendReliable(0, Buffer.alloc(5_000))
  client.peer.sendReliable(0, Buffer.alloc(5_000))
  network.run(20)
  const frozen = server.host.freeze()
  const thaw = (bytes: Buffer) => aSuccessor(new Network(), bytes)
  expect(() => thaw(Buffer.concat([Buffer.from([0x45, 0x4e, 0x46, 0x02]), frozen.subarray(4)]))).toThrow('another version')
  for (const length of [0, 3, 20, 4_200, frozen.length - 1])
    expect(() => thaw(frozen.subarray(0, length))).toThrow('cannot be read')
  expect(() => thaw(Buffer.concat([frozen, Buffer.alloc(1)]))).toThrow('bytes follow')
  const random = randomFrom(3)
  for (let i = 0; i < 500; i++) {
    const damaged = Buffer.from(frozen)
    damaged[random(2) === 0 ? 4_100 + random(300) : random(damaged.length)] = random(256)
    try {
      thaw(damaged)
    } catch (error) {
      expect(String(error)).toContain('the state of an ENet host cannot be read')
    }
  }
})
