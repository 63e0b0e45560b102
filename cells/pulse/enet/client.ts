import { randomInt } from 'node:crypto'
import { writeConnect } from './command-writer.ts'
import type { Command } from './commands.ts'
import {
  DatagramMemory,
  HEADER_BYTES,
  MAX_COMMANDS_OF_CLIENT,
  MAX_DATAGRAM_BYTES,
  MIN_MTU,
  MTU,
  NO_PEER_ID,
  peerIdOf,
  SENT_TIME_FLAG,
  sessionOf,
  writeHeader,
} from './datagram.ts'
import type { SendDatagram } from './host-options.ts'
import { MemoryBudget } from './memory-budget.ts'
import { EnetPeer, type PeerOwner } from './peer.ts'
import type { EndCause } from './peer-identity.ts'

export interface EnetClientOptions {
  /** Milliseconds since an arbitrary start, never going back. */
  clock: () => number
  send: SendDatagram
  /** Where the server is; the address as the socket reports it of a datagram that it receives. */
  address: string
  port: number
  channels?: number
  /** A number for the application of the server. */
  connectData?: number
  random?: (below: number) => number
  onConnect?(peer: EnetPeer): void
  /** The bytes are valid during the call only. */
  onMessage?(peer: EnetPeer, channel: number, bytes: Buffer): void
  /** The server has ended or refused the connection, or does not answer (`lost`). */
  onDisconnect?(peer: EnetPeer, reason: number, cause: EndCause): void
}

/** What ENet's throttle starts with; the server repeats it. */
const THROTTLE = { throttleInterval: 5000, throttleAcceleration: 2, throttleDeceleration: 2 }

/**
 * A client with one connection, driven as `EnetHost` is: `receive` each datagram, call `service` each 10 to 20 ms. It asks for the
 * connection when it is made, and `peer` sends messages once `onConnect` was called.
 */
export class EnetClient implements PeerOwner {
  readonly peer: EnetPeer
  readonly maxCommands = MAX_DATAGRAM_BYTES
  readonly datagramMemory = new DatagramMemory()
  readonly incomingBudget = new MemoryBudget(1024 * 1024)
  readonly outgoingBudget = new MemoryBudget(1024 * 1024)
  readonly #options: EnetClientOptions

  constructor(options: EnetClientOptions) {
    const { address, port, channels = 3, connectData = 0, random = randomInt } = options
    this.#options = options
    const connectId = random(2 ** 32)
    const terms = { peerId: 0, session: 0xff, mtu: MTU, windowBytes: 65_536, channels, ...THROTTLE, connectId }
    this.peer = new EnetPeer(this, { address, port, id: 0, remoteId: NO_PEER_ID, session: 0, terms, connectData })
    this.peer.state = 'connecting'
    this.peer.datagram.maxCommands = MAX_COMMANDS_OF_CLIENT
    const bytes = Buffer.alloc(48)
    writeConnect(bytes, 0, terms, connectData)
    this.peer.sender.start(bytes, this.now())
    this.flush()
  }

  now(): number {
    return Math.floor(this.#options.clock())
  }

  receive(bytes: Buffer, address: string, port: number, length = bytes.length): void {
    if (length < 2 || length > MAX_DATAGRAM_BYTES || port !== this.peer.port || address !== this.peer.address) return
    const header = bytes.readUInt16BE(0)
    const hasTime = (header & SENT_TIME_FLAG) !== 0
    const start = hasTime ? HEADER_BYTES : 2
    if (header >= 0x8000 || length <= start || peerIdOf(header) !== 0) return
    if (this.peer.state !== 'connecting' && this.peer.session !== sessionOf(header)) return
    this.peer.receive(bytes, start, length, hasTime ? bytes.readUInt16BE(2) : -1)
  }

  service(): void {
    this.peer.service(this.now())
    this.flush()
  }

  flush(): void {
    this.peer.isQueued = false
    if (this.peer.state !== 'closed') this.transmit(this.peer)
  }

  /** It is serviced at each call. */
  needsService(): void {}

  /** Of a peer: see `PeerOwner`. */
  hasOutput(peer: EnetPeer): void {
    peer.isQueued = true
  }

  transmit({ datagram, remoteId, session, port, address }: EnetPeer): void {
    if (datagram.isEmpty) return
    const { bytes, length } = datagram
    writeHeader(bytes, remoteId, session, this.now() & 0xffff)
    datagram.clear()
    this.#options.send(bytes, 0, length, port, address)
  }

  message(peer: EnetPeer, channel: number, bytes: Buffer): void {
    this.#options.onMessage?.(peer, channel, bytes)
  }

  agree(peer: EnetPeer, answer: Command): void {
    peer.remoteId = answer.peerId & 0xfff
    peer.session = answer.outgoingSession & 3
    peer.datagram.limit = Math.max(MIN_MTU, Math.min(MTU, answer.mtu))
    peer.sender.windowBytes = Math.min(peer.sender.windowBytes, answer.windowBytes)
    peer.limitChannels(answer.channels)
    peer.sender.acknowledge(0xff, 1, -1, this.now())
  }

  connected(peer: EnetPeer): void {
    this.#options.onConnect?.(peer)
  }

  ended(peer: EnetPeer, cause: EndCause | undefined, reason: number): void {
    if (cause !== undefined) this.#options.onDisconnect?.(peer, reason, cause)
  }
}
