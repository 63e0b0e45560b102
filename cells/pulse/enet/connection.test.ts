import { expect, test } from 'vitest'
import { aClient, aConnection, aHost, calm, Network, serverAddress, serverPort } from './fixtures.ts'

const texts = (messages: readonly { channel: number; bytes: Buffer }[]): string[] =>
  messages.map(({ channel, bytes }) => `${channel}:${bytes}`)

test('a client connects, both send on every channel, and the client leaves', () => {
  const { network, server, client, peer } = aConnection()
  expect(client.happened).toEqual(['connect'])
  client.peer.sendReliable(0, Buffer.from('hello'))
  client.peer.sendUnreliable(1, Buffer.from('here'))
  client.peer.sendUnsequenced(2, Buffer.from('also'))
  peer.sendReliable(0, Buffer.from('welcome'))
  peer.sendUnreliable(1, Buffer.from('there'))
  peer.sendUnsequenced(2, Buffer.from('too'))
  network.run(100)
  expect(texts(server.messages)).toEqual(['0:hello', '1:here', '2:also'])
  expect(texts(client.messages)).toEqual(['0:welcome', '1:there', '2:too'])
  client.peer.disconnect(0)
  network.run(200)
  expect(server.happened).toEqual(['connect 50000', 'left 50000 0'])
  expect(client.peer.state).toBe('closed')
  expect(client.happened).toEqual(['connect'])
  expect(server.host.size).toBe(0)
})

test('a connection without messages stays up, and its round trip is measured', () => {
  const { network, client, peer } = aConnection()
  network.run(60_000)
  expect(client.peer.state).toBe('connected')
  expect(peer.state).toBe('connected')
  // 20 ms each way, and up to 10 ms until the other side is serviced.
  expect(peer.sender.roundTrip.ms).toBeGreaterThanOrEqual(40)
  expect(peer.sender.roundTrip.ms).toBeLessThan(70)
})

test('a peer that is heard of is not asked for a sign of life', () => {
  const { network, server, client } = aConnection()
  const before = server.host.counters.datagramsOut
  for (let i = 0; i < 100; i++) {
    client.peer.sendUnreliable(1, Buffer.from('here'))
    network.run(100)
  }
  // What it is sent answers the client, which asks because nothing else comes.
  expect(server.host.counters.datagramsOut - before).toBeLessThanOrEqual(20)
  expect(server.messages).toHaveLength(100)
})

test('the last messages before a polite end arrive, then the reason', () => {
  const { network, client, peer } = aConnection()
  network.weather = { ...calm, loss: 0.3 }
  for (let i = 0; i < 20; i++) peer.sendReliable(0, Buffer.from(`${i}`))
  peer.disconnect(4)
  expect(peer.sendReliable(0, Buffer.from('late'))).toBe(false)
  network.run(5_000)
  expect(texts(client.messages)).toEqual(Array.from({ length: 20 }, (_, i) => `0:${i}`))
  expect(client.happened).toEqual(['connect', 'left 4'])
})

test('an immediate end needs one datagram, and takes what was written before along', () => {
  const { network, server, client, peer } = aConnection()
  peer.sendUnreliable(1, Buffer.from('last'))
  peer.disconnectNow(9)
  expect(server.host.size).toBe(0)
  network.run(100)
  expect(texts(client.messages)).toEqual(['1:last'])
  expect(client.happened).toEqual(['connect', 'left 9'])
  // The host ended it itself.
  expect(server.happened).toEqual(['connect 50000'])
})

test('a client that is gone is lost after five to thirty seconds', () => {
  const { network, server } = aConnection()
  network.detach('198.51.100.1', 50_000)
  const silent = { ...calm, loss: 1 }
  network.weather = silent
  network.run(4_500)
  expect(server.happened).toEqual(['connect 50000'])
  network.run(8_000)
  expect(server.happened).toEqual(['connect 50000', 'lost 50000 0'])
})

test('a client that knows no host gives up', () => {
  const network = new Network()
  const client = aClient(network)
  network.run(30_000)
  expect(client.happened).toEqual(['lost 0'])
})

test('a client that starts anew on its port takes the place of its old connection', () => {
  const { network, server } = aConnection()
  const again = aClient(network, 50_000, { random: (below) => below - 1 })
  network.run(200)
  expect(again.happened).toEqual(['connect'])
  expect(server.happened).toEqual(['connect 50000', 'lost 50000 0', 'connect 50000'])
  expect(server.host.size).toBe(1)
})

test('a full host says so at once', () => {
  const network = new Network()
  const server = aHost(network, { maxPeers: 1 })
  const first = aClient(network, 50_000)
  network.run(200)
  const second = aClient(network, 50_001, {}, '198.51.100.2')
  network.run(200)
  expect(first.happened).toEqual(['connect'])
  expect(second.happened).toEqual(['left 6'])
  expect(server.host.counters.refused).toBe(1)
})

test('another process on the port makes its clients connect again within seconds', () => {
  const { network, client } = aConnection()
  aHost(network)
  network.run(2_000)
  expect(client.happened).toEqual(['connect', 'left 1'])
})

test('commands that were sent again are counted, also those of connections that are over', () => {
  const { network, server, peer } = aConnection()
  network.weather = { ...calm, loss: 1 }
  peer.sendReliable(0, Buffer.from('lost'))
  network.run(2_000)
  const { resent } = server.host
  expect(resent).toBeGreaterThan(1)
  peer.disconnectNow(0)
  expect(server.host.resent).toBe(resent)
})

test('a message longer than any explorer sends is refused before it is sent', () => {
  const { peer } = aConnection()
  expect(() => peer.sendReliable(0, Buffer.alloc(8193))).toThrow(RangeError)
  expect(() => peer.sendUnreliable(3, Buffer.alloc(1))).toThrow('no channel 3')
})

test('a peer that acknowledges nothing costs a limited amount of memory', () => {
  const { network, server, client, peer } = aConnection()
  network.weather = { ...calm, loss: 1 }
  let accepted = 0
  while (peer.sendReliable(0, Buffer.alloc(1000))) accepted += 1
  expect(accepted * 1000).toBeLessThan(512 * 1024)
  network.weather = calm
  network.run(200)
  expect(server.happened).toEqual(['connect 50000', 'overflow 50000 1'])
  expect(client.happened).toEqual(['connect', 'left 1'])
})

test('IDs are used again with other session bits, so that datagrams of an old connection mean nothing', () => {
  const network = new Network()
  const server = aHost(network, { maxPeers: 1 })
  for (const session of [0, 1, 2, 3, 0]) {
    const client = aClient(network, 50_000)
    network.run(200)
    expect(client.peer.session).toBe(session)
    client.peer.disconnectNow(0)
    network.run(100)
  }
  expect(server.happened.filter((each) => each.startsWith('left'))).toHaveLength(5)
})

test('datagrams from another address or port are not those of the peer', () => {
  const { network, server, peer } = aConnection()
  const header = Buffer.from([0x40 | (peer.id >>> 8), peer.id & 0xff, 0, 0])
  const end = Buffer.concat([header, Buffer.from('44ff000000000000', 'hex')])
  server.host.receive(end, '198.51.100.1', 50_001)
  server.host.receive(end, '198.51.100.2', 50_000)
  expect(peer.state).toBe('connected')
  expect(server.host.counters.unknown).toBe(2)
  server.host.receive(end, '198.51.100.1', 50_000)
  expect(peer.state).toBe('closed')
  expect(network.sent.get(`${serverAddress} ${serverPort}`)).toBeGreaterThan(0)
})
