import { expect, test } from 'vitest'
import { writeConnect } from './command-writer.ts'
import { writeHeader } from './datagram.ts'
import { aClient, aConnection, aHost, Network, randomFrom, serverAddress, serverPort } from './fixtures.ts'

/** `ENET_DATAGRAMS=1000000 npx vitest run cells/pulse/enet/hostile-datagrams.test.ts` for a long run. */
const DATAGRAMS = Number(process.env.ENET_DATAGRAMS ?? 100_000)

const sentBy = (network: Network, address = serverAddress, port = serverPort): number =>
  network.sent.get(`${address} ${port}`) ?? 0

function aConnect(connectId: number): Buffer {
  const bytes = Buffer.alloc(52)
  const throttle = { throttleInterval: 5000, throttleAcceleration: 2, throttleDeceleration: 2 }
  writeHeader(bytes, 0xfff, 0, 0)
  writeConnect(bytes, 4, { peerId: 0, session: 0xff, mtu: 1392, windowBytes: 65_536, channels: 3, ...throttle, connectId }, 0)
  return bytes
}

/** Datagrams that real connections sent, the material of mutations. */
function recordedDatagrams(): Buffer[] {
  const recorded: Buffer[] = []
  const network = new Network()
  const record = (address: string, port: number) => {
    const send = network.from(address, port)
    return (...[bytes, offset, length, ...to]: Parameters<typeof send>) => {
      recorded.push(Buffer.from(bytes.subarray(offset, offset + length)))
      send(bytes, offset, length, ...to)
    }
  }
  aHost(network)
  const { client, peer } = aClient(network, 50_000, { send: record('198.51.100.1', 50_000) })
  network.run(200)
  for (const size of [10, 100, 3_000]) {
    peer.sendReliable(0, Buffer.alloc(size, size))
    peer.sendUnreliable(1, Buffer.alloc(size, size))
    if (size < 1_000) peer.sendUnsequenced(2, Buffer.alloc(size, size))
    client.flush()
    network.run(1_000)
  }
  return recorded
}

function mutated(original: Buffer, other: Buffer, random: (below: number) => number): Buffer {
  const bytes = Buffer.from(original)
  const choice = random(6)
  if (choice === 0) return bytes.subarray(0, random(bytes.length + 1))
  if (choice === 1) return Buffer.concat([bytes, other.subarray(random(other.length))])
  if (choice === 2) return Buffer.from(Array.from({ length: random(300) }, () => random(256)))
  for (let flips = 1 + random(4); flips > 0; flips--) {
    // Numbers and lengths near their limits do more harm than other values.
    bytes[4 + random(Math.min(bytes.length - 4, 60))] = [0, 1, 0x7f, 0x80, 0xff, random(256)][random(6)] ?? 0
  }
  return bytes
}

test('random and mutated datagrams of a connected client throw nothing and cost a limited amount of memory', () => {
  const random = randomFrom(20_261_128)
  const recorded = recordedDatagrams()
  const { network, server, client } = aConnection()
  let [hostile, peer] = [client, server.connected[0]]
  let port = 50_000
  let reconnects = 0
  for (let i = 0; i < DATAGRAMS; i++) {
    const bytes = mutated(
      recorded[random(recorded.length)] ?? Buffer.alloc(4),
      recorded[random(recorded.length)] ?? Buffer.alloc(4),
      random,
    )
    if (peer && bytes.length >= 2 && random(10) > 0) bytes.writeUInt16BE(0x4000 | (peer.session << 12) | peer.id)
    server.host.receive(bytes, '198.51.100.1', port)
    if (i % 100 === 0) network.run(10)
    if (peer?.state === 'closed') {
      // A mutation has ended the connection: go on with a new one.
      reconnects += 1
      network.detach('198.51.100.1', port)
      port = 50_000 + (reconnects % 1_000)
      hostile = aClient(network, port, { random })
      network.run(100)
      peer = server.connected.at(-1)
      expect(hostile.happened).toContain('connect')
    }
    server.messages.length = 0
  }
  expect(reconnects).toBeGreaterThan(0)
  expect(64 * 1024 * 1024 - server.host.incomingBudget.leftBytes).toBeLessThanOrEqual(128 * 1024 * server.host.size)
  // Everything is given back at the end.
  network.weather = { ...network.weather, loss: 1 }
  network.run(60_000)
  expect(server.host.size + server.host.halfOpen).toBe(0)
  expect(server.host.incomingBudget.leftBytes).toBe(64 * 1024 * 1024)
  expect(server.host.outgoingBudget.leftBytes).toBe(256 * 1024 * 1024)
}, 600_000)

test('random datagrams of strangers throw nothing', () => {
  const random = randomFrom(4)
  const network = new Network()
  const { host } = aHost(network)
  let received = 0
  for (let i = 0; i < DATAGRAMS; i++) {
    const bytes = Buffer.from(Array.from({ length: random(80) }, () => random(256)))
    // Every second one tries to connect.
    if (i % 2 === 0 && bytes.length > 5) Buffer.from('4fff000082', 'hex').copy(bytes)
    received += bytes.length
    host.receive(bytes, `198.51.${random(100)}.${random(256)}`, random(65_536))
    if (i % 100 === 0) network.run(10)
  }
  expect(host.size).toBe(0)
  expect(host.halfOpen).toBeLessThanOrEqual(512)
  expect(sentBy(network)).toBeLessThanOrEqual(received)
}, 600_000)

test('a server that sends random datagrams does no harm to a client', () => {
  const random = randomFrom(9)
  const { network, client } = aConnection()
  for (let i = 0; i < 20_000; i++) {
    const bytes = Buffer.from(Array.from({ length: 2 + random(60) }, () => random(256)))
    bytes.writeUInt16BE(0x4000)
    client.client.receive(bytes, serverAddress, serverPort)
    if (i % 100 === 0) network.run(10)
  }
  expect(['connected', 'closed']).toContain(client.peer.state)
})

test('a flood of CONNECTs in the name of others brings them fewer bytes than it costs, and keeps no honest client away', () => {
  const { network, server, client } = aConnection()
  const random = randomFrom(5)
  const before = sentBy(network)
  let floodBytes = 0
  const newcomers = []
  for (let round = 0; round < 300; round++) {
    // 4 000 a second, each from another address; some are repeated, as a client would.
    for (let i = 0; i < 40; i++) {
      const connect = aConnect(random(2 ** 32))
      const address = `${1 + random(90)}.${random(256)}.${random(256)}.${random(256)}`
      for (let repeats = random(3); repeats >= 0; repeats--) {
        floodBytes += connect.length
        server.host.receive(connect, address, 1024 + random(60_000))
      }
    }
    if (round % 10 === 0) newcomers.push(aClient(network, 51_000 + round, {}, '192.0.2.9'))
    client.peer.sendReliable(0, Buffer.from(`${round}`))
    network.run(10)
    expect(server.host.halfOpen).toBeLessThanOrEqual(512)
  }
  network.run(5_000)
  expect(server.messages.map(({ bytes }) => `${bytes}`)).toEqual(Array.from({ length: 300 }, (_, i) => `${i}`))
  expect(newcomers.map(({ happened }) => happened)).toEqual(newcomers.map(() => ['connect']))
  expect(client.happened).toEqual(['connect'])
  expect(sentBy(network) - before).toBeLessThan(floodBytes + 300 * 100)
  expect(server.host.size).toBe(31)
})

test('a flood of CONNECTs is answered at a limited rate, and a client that repeats its own connects once it ends', () => {
  const network = new Network()
  const server = aHost(network)
  const random = randomFrom(6)
  const flood = (rounds: number) => {
    for (let round = 0; round < rounds; round++) {
      for (let i = 0; i < 400; i++) {
        const address = `${1 + random(90)}.${random(256)}.${random(256)}.${random(256)}`
        server.host.receive(aConnect(random(2 ** 32)), address, 5000)
      }
      network.run(10)
    }
  }
  flood(100)
  // A second of the long-term rate and what may come at once.
  expect(sentBy(network) / 48).toBeLessThanOrEqual(1_500 + 512)
  expect(server.host.counters.refused).toBeGreaterThan(37_000)
  const client = aClient(network)
  flood(10)
  network.run(3_000)
  expect(client.happened).toEqual(['connect'])
})

test('what is sent to an address before it has answered is never more than came from it', () => {
  const network = new Network()
  const { host } = aHost(network)
  const connect = aConnect(77)
  let received = 0
  for (let i = 0; i < 1_000; i++) {
    // A client whose answer is lost: the CONNECT again, now and then, or the sign of life of a client that has the VERIFY_CONNECT.
    if (i % 7 === 0) {
      received += connect.length
      host.receive(connect, '192.0.2.1', 5000)
    }
    network.run(10)
    expect(sentBy(network)).toBeLessThanOrEqual(received)
  }
  expect(host.size).toBe(0)
})

test('a VERIFY_CONNECT is repeated three times at most, and only when it is asked for', () => {
  const network = new Network()
  const { host } = aHost(network)
  for (let i = 0; i < 100; i++) {
    host.receive(aConnect(77), '192.0.2.1', 5000)
    network.run(40)
  }
  expect(sentBy(network)).toBe(4 * 48)
  const quiet = new Network()
  aHost(quiet).host.receive(aConnect(77), '192.0.2.1', 5000)
  quiet.run(10_000)
  expect(sentBy(quiet)).toBe(48)
})

test('an acknowledgement by one who cannot see what was sent opens no connection', () => {
  const network = new Network()
  const { host, happened } = aHost(network, { maxPeers: 1 })
  host.receive(aConnect(77), '192.0.2.1', 5000)
  for (let time = 0; time < 0x10000; time += 16) {
    const bytes = Buffer.from('4000000001ff000100010000', 'hex')
    bytes.writeUInt16BE(time, 10)
    host.receive(bytes, '192.0.2.1', 5000)
  }
  // One in sixteen times was tried, and the right one was not among them.
  expect(happened).toEqual([])
})

test('one address has 32 half-open connections at most, one network of IPv6 too', () => {
  const network = new Network()
  const { host } = aHost(network)
  for (let port = 1; port <= 100; port++) host.receive(aConnect(port), '192.0.2.1', port)
  expect(host.halfOpen).toBe(32)
  for (let port = 1; port <= 100; port++) host.receive(aConnect(port), '::ffff:192.0.2.2', port)
  expect(host.halfOpen).toBe(64)
  for (let port = 1; port <= 100; port++) host.receive(aConnect(port), `2001:db8:1:2::${port}`, port)
  expect(host.halfOpen).toBe(96)
  expect(host.counters.refused).toBe(3 * 68)
  network.run(6_000)
  expect(host.halfOpen).toBe(0)
  expect(host.counters.abandoned).toBe(96)
})

test('a client of an earlier process gets a reset of ten bytes, once a second and never more bytes than it sent', () => {
  const network = new Network()
  const { host } = aHost(network)
  const sent: string[] = []
  network.attach(
    '192.0.2.1',
    5000,
    (bytes) => sent.push(bytes.toString('hex')),
    () => undefined,
  )
  // A sign of life has eight bytes, so the second one is answered.
  const ping = Buffer.from('6005000085ff0001', 'hex')
  host.receive(ping, '192.0.2.1', 5000)
  network.run(100)
  expect(sent).toEqual([])
  for (let i = 0; i < 50; i++) {
    host.receive(ping, '192.0.2.1', 5000)
    network.run(10)
  }
  network.run(100)
  expect(sent).toEqual(['200044ff000000000001'])
  expect(host.counters).toMatchObject({ unknown: 51, resets: 1 })
})

test('every client of an earlier process behind one address gets its reset', () => {
  const network = new Network()
  const { host } = aHost(network)
  for (let round = 0; round < 3; round++) {
    for (let port = 1; port <= 200; port++) host.receive(Buffer.from('6005000085ff000185ff0002', 'hex'), '192.0.2.1', port)
  }
  // Clients that meet in an entry of the table wait for each other.
  expect(host.counters.resets).toBeGreaterThan(180)
  expect(host.counters.resets).toBeLessThanOrEqual(200)
})

test('resets are limited in all', () => {
  const network = new Network()
  const { host } = aHost(network, { resetsPerSecond: 10 })
  for (let i = 0; i < 1_000; i++) host.receive(Buffer.from('6005000085ff000185ff0002', 'hex'), `192.0.${i >> 8}.${i & 255}`, 5000)
  expect(host.counters.resets).toBe(10)
})

test('who sends in the name of a connected client does not end its connection', () => {
  const { network, server, client, peer } = aConnection()
  const stray = Buffer.from('6005000085ff000185ff0002', 'hex')
  stray.writeUInt16BE(0x4000 | ((peer.id + 1) % 4095))
  for (let i = 0; i < 100; i++) {
    server.host.receive(stray, '198.51.100.1', 50_000)
    network.run(100)
  }
  expect(client.peer.state).toBe('connected')
  expect(server.host.counters.resets).toBe(0)
})

test('a message that never ends is given up with its connection', () => {
  const { network, server, peer, client } = aConnection()
  const fragment = Buffer.from('88000001 0001 0002 00000002 00000000 00000004 00000000 abcd'.replaceAll(' ', ''), 'hex')
  const header = Buffer.from([0x40 | (peer.session << 4) | (peer.id >>> 8), peer.id & 0xff, 0, 0])
  server.host.receive(Buffer.concat([header, fragment]), '198.51.100.1', 50_000)
  network.run(29_000)
  expect(client.happened).toEqual(['connect'])
  network.run(3_000)
  // An honest client may come back: perhaps it was this host that had no memory for more.
  expect(client.happened).toEqual(['connect', 'left 1'])
  expect(server.happened).toEqual(['connect 50000', 'violation 50000 1'])
})

test('a message that is too long ends the connection of its sender only', () => {
  const { network, server, peer, client } = aConnection()
  const other = aClient(network, 50_001)
  network.run(200)
  const fragment = Buffer.from('88000001 0001 0002 00000002 00000000 00004000 00000000 abcd'.replaceAll(' ', ''), 'hex')
  const header = Buffer.from([0x40 | (peer.session << 4) | (peer.id >>> 8), peer.id & 0xff, 0, 0])
  server.host.receive(Buffer.concat([header, fragment]), '198.51.100.1', 50_000)
  network.run(200)
  expect(client.happened).toEqual(['connect', 'left 16'])
  expect(other.happened).toEqual(['connect'])
})

test('messages after a gap are kept up to a limit, and the rest arrives when it is sent again', () => {
  const { network, server, client } = aConnection()
  network.weather = { ...network.weather, loss: 1 }
  client.peer.sendReliable(0, Buffer.from('first'))
  network.run(10)
  network.weather = { ...network.weather, loss: 0 }
  for (let i = 0; i < 60; i++) client.peer.sendReliable(0, Buffer.alloc(1_000, i))
  network.run(30)
  expect(64 * 1024 * 1024 - server.host.incomingBudget.leftBytes).toBeLessThanOrEqual(192 * 1024)
  network.run(20_000)
  expect(server.messages.length).toBe(61)
  expect(server.messages.slice(1).every(({ bytes }, i) => bytes[0] === i)).toBe(true)
  expect(server.host.incomingBudget.leftBytes).toBe(64 * 1024 * 1024)
})
