import { EnetClient, type EnetClientOptions } from './client.ts'
import { EnetHost } from './host.ts'
import type { EnetHostOptions, SendDatagram } from './host-options.ts'
import type { EnetPeer } from './peer.ts'

/** A generator of random numbers that is the same for the same seed (mulberry32). */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below)
  }
}

/** How a network treats datagrams; the shares are from 0 to 1. */
export interface Weather {
  loss: number
  duplicates: number
  /** Each datagram takes from `minMs` to `maxMs`, so that they overtake each other. */
  minMs: number
  maxMs: number
}

export const calm: Weather = { loss: 0, duplicates: 0, minMs: 20, maxMs: 20 }

type Receive = (bytes: Buffer, address: string, port: number) => void

interface UnderWay {
  at: number
  order: number
  bytes: Buffer
  from: string
  to: string
}

const keyOf = (address: string, port: number): string => `${address} ${port}`

/** Hosts and clients that exchange datagrams in simulated time. */
export class Network {
  now = 1_000_000
  weather: Weather
  readonly #random: (below: number) => number
  readonly #attached = new Map<string, { receive: Receive; service: () => void }>()
  #underWay: UnderWay[] = []
  #order = 0
  /** Bytes that each address and port has sent. */
  readonly sent = new Map<string, number>()

  constructor(weather: Weather = calm, seed = 1) {
    this.weather = weather
    this.#random = randomFrom(seed)
  }

  clock = (): number => this.now

  attach(address: string, port: number, receive: Receive, service: () => void): void {
    this.#attached.set(keyOf(address, port), { receive, service })
  }

  detach(address: string, port: number): void {
    this.#attached.delete(keyOf(address, port))
  }

  /** What a socket at this address and port sends. */
  from(address: string, port: number): SendDatagram {
    const from = keyOf(address, port)
    return (bytes, offset, length, toPort, toAddress) => {
      this.sent.set(from, (this.sent.get(from) ?? 0) + length)
      const { loss, duplicates, minMs, maxMs } = this.weather
      const copies = this.#chance(loss) ? 0 : this.#chance(duplicates) ? 2 : 1
      for (let copy = 0; copy < copies; copy++) {
        const at = this.now + minMs + this.#random(maxMs - minMs + 1)
        const copied = Buffer.from(bytes.subarray(offset, offset + length))
        this.#underWay.push({ at, order: this.#order++, bytes: copied, from, to: keyOf(toAddress, toPort) })
      }
    }
  }

  /** Lets time pass in steps of 10 ms; hosts and clients are serviced after each. */
  run(ms: number, each?: () => void): void {
    for (const end = this.now + ms; this.now < end; ) {
      this.now += 10
      const due = this.#underWay.filter(({ at }) => at <= this.now).sort((a, b) => a.at - b.at || a.order - b.order)
      this.#underWay = this.#underWay.filter(({ at }) => at > this.now)
      for (const { bytes, from, to } of due) {
        const [address = '', port] = from.split(' ')
        this.#attached.get(to)?.receive(bytes, address, Number(port))
      }
      each?.()
      for (const { service } of this.#attached.values()) service()
    }
  }

  #chance(share: number): boolean {
    return this.#random(1_000_000) < share * 1_000_000
  }
}

export const serverAddress = '203.0.113.7'
export const serverPort = 7777

/** Something that happened at a host or a client, in words that tests compare. */
export type Happening = string

/** A host on a network with what happened to it. */
export function aHost(network: Network, options: Partial<EnetHostOptions> = {}) {
  const happened: Happening[] = []
  const connected: EnetPeer[] = []
  const messages: { peer: EnetPeer; channel: number; bytes: Buffer }[] = []
  const host: EnetHost = new EnetHost({
    clock: network.clock,
    send: network.from(serverAddress, serverPort),
    random: randomFrom(7),
    onConnect: (peer) => {
      connected.push(peer)
      happened.push(`connect ${peer.port}`)
    },
    onMessage: (peer, channel, bytes) => messages.push({ peer, channel, bytes: Buffer.from(bytes) }),
    onDisconnect: (peer, reason, cause) => happened.push(`${cause} ${peer.port} ${reason}`),
    ...options,
  })
  attachHost(network, host)
  return { host, happened, connected, messages }
}

export function attachHost(network: Network, host: EnetHost): void {
  const receive: Receive = (bytes, address, port) => host.receive(bytes, address, port)
  network.attach(serverAddress, serverPort, receive, () => host.service())
}

/** A client on a network with what happened to it. */
export function aClient(network: Network, port = 50_000, options: Partial<EnetClientOptions> = {}, address = '198.51.100.1') {
  const happened: Happening[] = []
  const messages: { channel: number; bytes: Buffer }[] = []
  const client = new EnetClient({
    clock: network.clock,
    send: network.from(address, port),
    address: serverAddress,
    port: serverPort,
    random: randomFrom(port),
    onConnect: () => happened.push('connect'),
    onMessage: (_, channel, bytes) => messages.push({ channel, bytes: Buffer.from(bytes) }),
    onDisconnect: (_, reason, cause) => happened.push(`${cause} ${reason}`),
    ...options,
  })
  const receive: Receive = (bytes, from, fromPort) => client.receive(bytes, from, fromPort)
  network.attach(address, port, receive, () => client.service())
  return { client, peer: client.peer, happened, messages }
}

/** A host and a client that are connected. */
export function aConnection(network = new Network(), options: Partial<EnetHostOptions> = {}) {
  const weather = network.weather
  network.weather = calm
  const server = aHost(network, options)
  const client = aClient(network)
  network.run(200)
  network.weather = weather
  const [peer] = server.connected
  if (!peer) throw new Error('the client is not connected')
  return { network, server, client, peer }
}
