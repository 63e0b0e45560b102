import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { withPart } from '../../../testing/parts/with-part.ts'
import { aClient, aHost, attachHost, calm, Network, randomFrom, serverAddress, serverPort, type Weather } from './fixtures.ts'
import { EnetHost } from './host.ts'
import type { EnetPeer } from './peer.ts'

/** A link that loses a tenth of what it carries, repeats another and lets datagrams overtake each other. */
const bad: Weather = { loss: 0.1, duplicates: 0.1, minMs: 0, maxMs: 20 }
const quick: Weather = { ...calm, minMs: 1, maxMs: 1 }

const clientAddress = '198.51.100.1'
const clientPort = 50_000

/** The other implementation, on a simulated network: it does what is due when its turn comes, and lives in the network's time. */
class Oracle {
  readonly said: string[] = []
  readonly #network: Network
  readonly #input: NodeJS.WritableStream
  #arrived = ''
  #answered: () => void = () => undefined

  constructor(network: Network, program: string, role: 'client' | 'server') {
    this.#network = network
    const child = spawn(program, [role], { stdio: ['pipe', 'pipe', 'inherit'] })
    onTestFinished(() => void child.kill('SIGKILL'))
    this.#input = child.stdin
    const [address, port, to, toPort] =
      role === 'client'
        ? ([clientAddress, clientPort, serverAddress, serverPort] as const)
        : ([serverAddress, serverPort, clientAddress, clientPort] as const)
    const send = network.from(address, port)
    network.attach(address, port, this.#receive, () => undefined)
    createInterface(child.stdout).on('line', (line) => {
      const bytes = Buffer.from(line.slice(2), 'hex')
      if (line === '.') this.#answered()
      else if (line.startsWith('> ')) send(bytes, 0, bytes.length, toPort, to)
      else this.said.push(line)
    })
  }

  async run(ms: number): Promise<void> {
    for (const end = this.#network.now + ms; this.#network.now < end; ) {
      this.#network.run(10)
      const answered = new Promise<void>((resolve) => {
        this.#answered = resolve
      })
      this.#input.write(`${this.#network.now}${this.#arrived}\n`)
      this.#arrived = ''
      await answered
    }
  }

  /** Lets time pass until the condition is met. */
  async until(condition: () => boolean, what: () => unknown, ms = 15_000): Promise<void> {
    for (const end = this.#network.now + ms; !condition(); await this.run(10))
      expect(this.#network.now, `after ${ms} ms: ${JSON.stringify(what())}`).toBeLessThan(end)
  }

  #receive = (bytes: Buffer): void => {
    this.#arrived += ` ${bytes.toString('hex')}`
  }
}

interface Connection {
  network: Network
  oracle: Oracle
  peer: EnetPeer
  received: { channel: number; bytes: Buffer }[]
  happened: string[]
}

async function asHost(program: string): Promise<Connection & { host: EnetHost }> {
  const network = new Network(quick)
  const { host, happened, messages, connected } = aHost(network)
  const oracle = new Oracle(network, program, 'client')
  await oracle.until(
    () => connected.length > 0 && oracle.said.length > 0,
    () => happened,
  )
  const [peer] = connected
  expect(peer?.connectData).toBe(42)
  happened.length = 0
  return { network, oracle, host, peer: peer as EnetPeer, received: messages, happened }
}

async function asClient(program: string): Promise<Connection> {
  const network = new Network(quick)
  const oracle = new Oracle(network, program, 'server')
  await oracle.run(10)
  const { peer, happened, messages } = aClient(network, clientPort, { connectData: 42 }, clientAddress)
  await oracle.until(
    () => oracle.said.includes('connect 42') && happened.length > 0,
    () => happened,
  )
  happened.length = 0
  return { network, oracle, peer, received: messages, happened }
}

function messageOf(number: number, size: number): Buffer {
  const bytes = Buffer.alloc(size, number)
  bytes.writeUInt32BE(number)
  return bytes
}

const numbersOf = (received: Connection['received'], channel: number): number[] =>
  received.filter((each) => each.channel === channel).map(({ bytes }) => bytes.readUInt32BE())

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

/** What is not back yet, and what each side thinks of the connection. */
const missing = (received: Connection['received'], count: number, { said }: Oracle, peer: EnetPeer | undefined) => {
  const back = new Set(numbersOf(received, 0))
  const inFlight = peer?.sender.channels.map((channel) => channel.inFlight.size)
  const early = peer?.channels.map(({ held, reliable }) => `${held?.size ?? 0} after ${reliable}`)
  return { missing: upTo(count).filter((i) => !back.has(i)), said, state: peer?.state, inFlight, early }
}

withPart('enet', 'an implementation of ENet of another make', (program) => {
  for (const [role, connect] of [
    ['host', asHost],
    ['client', asClient],
  ] as const) {
    test(`as ${role}: messages of every kind and size go there and back`, async () => {
      const { oracle, peer, received } = await connect(program)
      const sizes = [4, 1150, 1164, 1165, 1200, 4000, 8192]
      for (const [i, size] of sizes.entries()) peer.sendReliable(0, messageOf(i, size))
      for (const [i, size] of sizes.entries()) peer.sendUnreliable(1, messageOf(i, size))
      for (const [i, size] of sizes.entries()) if (size < 1180) peer.sendUnsequenced(2, messageOf(i, size))
      await oracle.run(2_000)
      for (const channel of [0, 1, 2]) expect(numbersOf(received, channel)).toEqual(upTo(channel === 2 ? 4 : 7))
      for (const { bytes } of received)
        expect(bytes.equals(messageOf(bytes.readUInt32BE(), sizes[bytes.readUInt32BE()] ?? 0))).toBe(true)
    })

    test(`as ${role}: over a bad link reliable messages are back once and in order, unreliable ones never go back`, async () => {
      const { network, oracle, peer, received } = await connect(program)
      network.weather = bad
      for (const i of upTo(300)) {
        peer.sendReliable(0, messageOf(i, i % 50 === 0 ? 5_000 : 100))
        peer.sendUnreliable(1, messageOf(i, 30))
        if (i % 10 === 0) await oracle.run(10)
      }
      await oracle.until(
        () => numbersOf(received, 0).length >= 300,
        () => missing(received, 300, oracle, peer),
        60_000,
      )
      expect(numbersOf(received, 0)).toEqual(upTo(300))
      const unreliable = numbersOf(received, 1)
      expect(unreliable).toEqual([...new Set(unreliable)].sort((a, b) => a - b))
      expect(unreliable.length).toBeGreaterThan(20)
    })

    test(`as ${role}: sequence numbers of both sides begin anew`, async () => {
      const { oracle, peer, received } = await connect(program)
      const count = 70_000
      for (let sent = 0; sent < count; ) {
        for (const end = sent + 100; sent < end; sent++) {
          peer.sendReliable(0, messageOf(sent, 4))
          peer.sendUnreliable(1, messageOf(sent, 4))
        }
        await oracle.run(10)
      }
      await oracle.run(5_000)
      expect(numbersOf(received, 0)).toEqual(upTo(count))
      const unreliable = numbersOf(received, 1)
      expect(unreliable).toEqual([...new Set(unreliable)].sort((a, b) => a - b))
      expect(unreliable.at(-1)).toBe(count - 1)
    }, 120_000)

    test(`as ${role}: the other side ends the connection, and says why`, async () => {
      const { oracle, peer, happened } = await connect(program)
      peer.sendReliable(0, Buffer.from('end 7'))
      await oracle.run(500)
      expect(peer.state).toBe('closed')
      expect(happened).toEqual([role === 'host' ? `left ${clientPort} 7` : 'left 7'])
      expect(oracle.said.at(-1)).toMatch(/^disconnect/)
    })

    test(`as ${role}: this side ends the connection politely, or at once`, async () => {
      for (const end of ['disconnect', 'disconnectNow'] as const) {
        const { oracle, peer, happened } = await connect(program)
        peer[end](16)
        await oracle.run(500)
        expect(oracle.said).toContain('disconnect 16')
        expect(peer.state).toBe('closed')
        expect(happened).toEqual([])
      }
    })

    test(`as ${role}: a connection stays up without messages, and is lost when the other side is gone`, async () => {
      const { network, oracle, peer, happened } = await connect(program)
      await oracle.run(70_000)
      expect(peer.state).toBe('connected')
      expect(peer.sender.roundTrip.hasSample).toBe(true)
      network.run(30_000)
      expect(happened).toEqual([role === 'host' ? `lost ${clientPort} 0` : 'lost 0'])
    })
  }

  test('a client takes in a datagram with more commands than it would send', async () => {
    const { oracle, host, peer, received } = await asHost(program)
    const before = host.counters.datagramsOut
    for (let i = 0; i < 90; i++) peer.sendUnreliable(1, messageOf(i, 4))
    host.flush()
    expect(host.counters.datagramsOut - before).toBe(1)
    await oracle.run(1_000)
    expect(numbersOf(received, 1)).toEqual(upTo(90))
  })

  test('a client of a full host learns it at once', async () => {
    const network = new Network(quick)
    aHost(network, { maxPeers: 1 })
    aClient(network, 50_001)
    network.run(100)
    const oracle = new Oracle(network, program, 'client')
    await oracle.run(200)
    expect(oracle.said).toEqual(['disconnect 6'])
  })

  test('a client of an earlier process learns at once that its connection is gone', async () => {
    const { network, oracle } = await asHost(program)
    aHost(network)
    await oracle.run(1_500)
    expect(oracle.said).toContain('disconnect 1')
  })

  test.each(upTo(Number(process.env.FUZZ_RUNS ?? 20)))(
    'a client does not notice that another process takes over (%i)',
    async (seed) => {
      const random = randomFrom(seed)
      const { network, oracle, host, peer, received } = await asHost(program)
      // Without loss: after a gap of seconds, ENet waits as long again before it repeats what was lost once more, and gives up soon.
      network.weather = { loss: 0, duplicates: random(2) * 0.1, minMs: random(3), maxMs: 3 + random(40) }
      // Shortly before the 16 bits of the time on the wire begin anew, now and then.
      if (random(2) === 0) await oracle.run((65_536 - (network.now & 0xffff) + 65_000) % 65_536)
      await oracle.run(10 + random(700))
      let sending: EnetPeer | undefined = peer
      const send = (from: number) => {
        for (let i = from; i < from + 100; i++)
          expect(sending?.sendReliable(0, messageOf(i, i % 10 === 0 ? 5_000 : 50))).toBe(true)
      }
      send(0)
      if (random(3) > 0) await oracle.run(random(60))
      const frozen = host.freeze()
      await oracle.run(random(2_000))
      const options = {
        clock: () => network.now - 987_654.3,
        send: network.from(serverAddress, serverPort),
        onConnect: () => undefined,
        onMessage: (_: EnetPeer, channel: number, bytes: Buffer) => void received.push({ channel, bytes: Buffer.from(bytes) }),
        onDisconnect: () => undefined,
      }
      const successor = new EnetHost(options, frozen)
      attachHost(network, successor)
      ;[sending] = successor.peers()
      send(100)
      await oracle.until(
        () => received.length >= 200,
        () => missing(received, 200, oracle, sending),
        60_000,
      )
      expect(numbersOf(received, 0)).toEqual(upTo(200))
      expect(oracle.said).toEqual(['connect 0'])
    },
  )
})
