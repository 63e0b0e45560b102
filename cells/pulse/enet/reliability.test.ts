import fc from 'fast-check'
import { expect, test } from 'vitest'
import { writeReliable } from './command-writer.ts'
import { Command, CommandKind, readCommand } from './commands.ts'
import { HEADER_BYTES, writeHeader } from './datagram.ts'
import { aConnection, calm, Network, randomFrom, type Weather } from './fixtures.ts'
import type { EnetPeer } from './peer.ts'
import { isAfter } from './sequence.ts'

const anyWeather: fc.Arbitrary<Weather> = fc.record({
  loss: fc.double({ min: 0, max: 0.2, noNaN: true }),
  duplicates: fc.double({ min: 0, max: 0.3, noNaN: true }),
  minMs: fc.integer({ min: 0, max: 100 }),
  maxMs: fc.integer({ min: 100, max: 250 }),
})

interface Sending {
  kind: 'reliable' | 'unreliable'
  channel: number
  size: number
  /** How long the sender waits before it. */
  pauseMs: number
}

const anySending: fc.Arbitrary<Sending> = fc.record({
  kind: fc.constantFrom('reliable', 'unreliable'),
  channel: fc.nat(2),
  // Mostly small, some in up to eight fragments.
  size: fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 8, max: 200 }) }, fc.integer({ min: 8, max: 8192 })),
  pauseMs: fc.constantFrom(0, 0, 0, 10, 60),
})

/** A message whose content follows from its number: a mix-up of fragments shows. */
function messageOf(number: number, size: number): Buffer {
  const random = randomFrom(number)
  const bytes = Buffer.alloc(size, random(256))
  for (let at = 4; at < size; at += 50) bytes[at] = random(256)
  bytes.writeUInt32BE(number)
  return bytes
}

function send(peer: EnetPeer, { kind, channel }: Sending, bytes: Buffer): void {
  if (kind === 'reliable') expect(peer.sendReliable(channel, bytes)).toBe(true)
  else peer.sendUnreliable(channel, bytes)
}

/** What arrived must be what was sent; of each channel the reliable messages all and in order, of the unreliable ones some in order. */
function verify(sendings: readonly Sending[], messages: readonly { channel: number; bytes: Buffer }[]): void {
  for (const { channel, bytes } of messages) {
    const sending = sendings[bytes.readUInt32BE()]
    expect(sending?.channel).toBe(channel)
    expect(bytes.equals(messageOf(bytes.readUInt32BE(), sending?.size ?? 0))).toBe(true)
  }
  for (const channel of [0, 1, 2]) {
    const arrived = messages.filter((each) => each.channel === channel).map(({ bytes }) => bytes.readUInt32BE())
    expect(arrived).toEqual([...new Set(arrived)].sort((a, b) => a - b))
    const reliable = sendings.flatMap((each, number) => (each.channel === channel && each.kind === 'reliable' ? [number] : []))
    expect(arrived.filter((number) => sendings[number]?.kind === 'reliable')).toEqual(reliable)
  }
}

test('reliable messages arrive once and in order and unreliable ones never go back, whatever the network does', () => {
  const sendings = fc.array(anySending, { maxLength: 60, size: 'max' })
  fc.assert(
    fc.property(anyWeather, fc.nat(), sendings, sendings, fc.nat(65_535), (weather, seed, up, down, sequence) => {
      const { network, server, client, peer } = aConnection(new Network(weather, seed))
      // The numbers of a connection of any age, also shortly before they begin anew.
      for (const [index, channel] of [...peer.sender.channels, ...client.peer.sender.channels].entries()) {
        channel.reliable = sequence
        const other = index < 3 ? client.peer : peer
        const incoming = other.channels[index % 3]
        if (incoming) incoming.reliable = sequence
      }
      for (let i = 0; i < Math.max(up.length, down.length); i++) {
        const [ascending, descending] = [up[i], down[i]]
        if (ascending) send(client.peer, ascending, messageOf(i, ascending.size))
        if (descending) send(peer, descending, messageOf(i, descending.size))
        network.run((ascending?.pauseMs ?? 0) + (descending?.pauseMs ?? 0))
      }
      network.run(60_000)
      verify(up, server.messages)
      verify(down, client.messages)
      expect(peer.state).toBe('connected')
      for (const { sender } of [peer, client.peer]) {
        expect(sender.queue).toEqual([])
        for (const { inFlight } of sender.channels) expect(inFlight.size).toBe(0)
      }
    }),
    { numRuns: Number(process.env.FUZZ_RUNS ?? 100), seed: 20_261_128 },
  )
}, 120_000)

test('on a calm network every unreliable message arrives', () => {
  const { network, client, peer } = aConnection()
  for (let i = 0; i < 500; i++) peer.sendUnreliable(1, messageOf(i, 8 + (i % 5) * 1000))
  network.run(100)
  expect(client.messages.map(({ bytes }) => bytes.readUInt32BE())).toEqual(Array.from({ length: 500 }, (_, i) => i))
})

test('sequence numbers of both kinds begin anew after 65 535 messages', () => {
  const { network, client, peer } = aConnection()
  const count = 70_000
  const bytes = Buffer.alloc(8)
  const send = (kind: 'sendReliable' | 'sendUnreliable', channel: number) => {
    for (let i = 0; i < count; i++) {
      bytes.writeUInt32BE(i)
      peer[kind](channel, bytes)
      if (i % 400 === 399) network.run(50)
    }
    network.run(1_000)
  }
  send('sendUnreliable', 1)
  expect(client.messages.length).toBe(count)
  expect(client.messages.every((message, i) => message.bytes.readUInt32BE() === i)).toBe(true)
  client.messages.length = 0
  send('sendReliable', 0)
  expect(client.messages.length).toBe(count)
  expect(client.messages.every((message, i) => message.bytes.readUInt32BE() === i)).toBe(true)
})

test('a message waits for the reliable one before it, not for those of other channels', () => {
  const { network, client, peer } = aConnection()
  network.weather = { ...calm, loss: 1 }
  peer.sendReliable(0, Buffer.from('lost'))
  network.run(10)
  network.weather = calm
  peer.sendReliable(0, Buffer.from('second'))
  peer.sendReliable(2, Buffer.from('other'))
  network.run(30)
  expect(client.messages.map(({ bytes }) => `${bytes}`)).toEqual(['other'])
  network.run(1_000)
  expect(client.messages.map(({ bytes }) => `${bytes}`)).toEqual(['other', 'lost', 'second'])
})

test.each([50, 300, 1_100])('a peer that repeats early messages of %i bytes before the missing one gets on', (size) => {
  const { network, server, peer } = aConnection()
  const acknowledged = new Set<number>()
  const read = new Command()
  const take = (bytes: Buffer): void => {
    for (let at = HEADER_BYTES; at >= 0 && at < bytes.length; ) {
      at = readCommand(bytes, at, bytes.length, read)
      if (read.kind === CommandKind.ACKNOWLEDGE && read.channel === 0) acknowledged.add(read.receivedSequence)
    }
  }
  network.attach(peer.address, peer.port, take, () => undefined)
  network.weather = { ...calm, minMs: 0, maxMs: 0 }
  const send = (sequence: number): void => {
    const datagram = Buffer.alloc(HEADER_BYTES + 6 + size, sequence)
    writeHeader(datagram, peer.id, peer.session, 0)
    writeReliable(datagram, HEADER_BYTES, 0, sequence, size)
    server.host.receive(datagram, peer.address, peer.port)
    server.host.flush()
    network.run(10)
  }
  // As the original ENet: what is not acknowledged stays in the window, and nothing new is sent once that is full.
  const unacknowledged: number[] = []
  for (let sequence = 2; unacknowledged.length * size < peer.terms.windowBytes; sequence++) {
    send(sequence)
    if (!acknowledged.has(sequence)) unacknowledged.push(sequence)
  }
  for (const sequence of unacknowledged) {
    for (let attempt = 0; attempt < 3 && !acknowledged.has(sequence); attempt++) send(sequence)
    expect(acknowledged).toContain(sequence)
  }
  expect(server.messages).toEqual([])
  send(1)
  expect(server.messages.map(({ bytes }) => bytes[0])).toEqual(Array.from(acknowledged, (_, i) => (i + 1) & 0xff))
})

test('a long queue is sent window by window', () => {
  const { network, client, peer } = aConnection()
  for (let i = 0; i < 300; i++) expect(peer.sendReliable(0, messageOf(i, 1000))).toBe(true)
  expect(peer.sender.queue.length).toBeGreaterThan(200)
  network.run(3_000)
  expect(client.messages.map(({ bytes }) => bytes.readUInt32BE())).toEqual(Array.from({ length: 300 }, (_, i) => i))
})

test('an early duplicate of a client with a short round trip is acknowledged again and delivered once', () => {
  const { network, server, client } = aConnection(new Network({ ...calm, duplicates: 1 }))
  client.peer.sendReliable(0, Buffer.from('once'))
  network.run(500)
  expect(server.messages.length).toBe(1)
  expect(client.peer.sender.isIdle).toBe(true)
})

test('unsequenced messages arrive once each, in any order', () => {
  const { network, client, peer } = aConnection(new Network({ loss: 0, duplicates: 0.5, minMs: 0, maxMs: 100 }))
  for (let i = 0; i < 3_000; i++) {
    peer.sendUnsequenced(2, messageOf(i, 8))
    if (i % 30 === 0) network.run(10)
  }
  network.run(500)
  const numbers = client.messages.map(({ bytes }) => bytes.readUInt32BE())
  expect([...numbers].sort((a, b) => a - b)).toEqual(Array.from({ length: 3_000 }, (_, i) => i))
})

test('a number is after another for half of the circle', () => {
  expect([isAfter(1, 0), isAfter(0, 65_535), isAfter(0x7fff, 0)]).toEqual([true, true, true])
  expect([isAfter(0, 0), isAfter(0x8000, 0), isAfter(65_535, 0)]).toEqual([false, false, false])
})

test('an exception of the application at a message does not keep the messages after it', () => {
  let failures = 0
  const messages: string[] = []
  const onMessage = (_: EnetPeer, __: number, bytes: Buffer) => {
    if (`${bytes}` === 'second' && failures++ === 0) throw new Error('a bug')
    messages.push(`${bytes}`)
  }
  const { network, server, client } = aConnection(new Network(), { onMessage })
  network.weather = { ...calm, loss: 1 }
  client.peer.sendReliable(0, Buffer.from('first'))
  network.run(10)
  network.weather = calm
  for (const text of ['second', 'third']) client.peer.sendReliable(0, Buffer.from(text))
  expect(() => network.run(5_000)).toThrow('a bug')
  network.run(60_000)
  expect(messages).toEqual(['first', 'third'])
  expect(server.happened).toEqual(['connect 50000'])
})

test('a peer that claims a long round trip is resent to and given up no later than others', () => {
  const { network, server, peer, client } = aConnection()
  for (let i = 0; i < 50; i++) peer.sender.roundTrip.add(30_000)
  network.weather = { ...calm, loss: 1 }
  peer.sendReliable(0, Buffer.from('x'))
  network.run(36_000)
  expect(server.happened).toEqual(['connect 50000', 'lost 50000 0'])
  expect(client.peer.state).toBe('closed')
})
