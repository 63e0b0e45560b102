import { randomInt } from 'node:crypto'
import { networkOfAddress } from '../../chassis/client-address.ts'
import {
  CONTROL_CHANNEL,
  Command,
  CommandKind,
  readCommand,
  UNSEQUENCED_FLAG,
  writeDisconnect,
  writeVerifyConnect,
} from './commands.ts'
import {
  HEADER_BYTES,
  MAX_DATAGRAM_BYTES,
  MIN_MTU,
  MTU,
  NO_PEER_ID,
  type OutgoingDatagram,
  peerIdOf,
  SENT_TIME_FLAG,
  sessionOf,
  writeHeader,
} from './datagram.ts'
import { type HalfOpen, HalfOpenTable, mayResend, VERIFY_BYTES } from './half-open.ts'
import { MemoryBudget } from './memory-budget.ts'
import { type EndCause, EndReason, EnetPeer, type PeerIdentity, type PeerOwner } from './peer.ts'
import { RESET_BYTES, ResetLimiter } from './reset-limiter.ts'

/** The peer ID has 12 bits, of which the last value means none. */
export const MAX_PEERS = 4095
/** Of all peers together: what arrived too early, and what was not acknowledged. */
const INCOMING_BYTES = 64 * 1024 * 1024
const OUTGOING_BYTES = 256 * 1024 * 1024
const MIN_WINDOW_BYTES = 4096
const MAX_WINDOW_BYTES = 65_536

/** Puts a datagram on its way. The bytes are valid during the call only: they are used again for the next datagram. */
export type SendDatagram = (bytes: Buffer, offset: number, length: number, port: number, address: string) => void

export interface EnetHostOptions {
  /** Milliseconds since an arbitrary start, never going back. */
  clock: () => number
  send: SendDatagram
  /** How many connections there may be, half-open ones included; 4095 by default, and at most. */
  maxPeers?: number
  /** How many channels a peer may have; 3 by default. */
  channels?: number
  /** How many clients of an earlier process are told each second that their connection is gone; 100 by default. */
  resetsPerSecond?: number
  /** A random integer from 0 to `below` - 1; cryptographic by default. */
  random?: (below: number) => number
  onConnect(peer: EnetPeer): void
  /** The bytes are valid during the call only. */
  onMessage(peer: EnetPeer, channel: number, bytes: Buffer): void
  /** The peer has left or was lost, for a connection that this side did not end. `reason` is the number that the peer gave. */
  onDisconnect(peer: EnetPeer, reason: number, cause: EndCause): void
}

/** What has happened since the host was made. */
export interface EnetCounters {
  datagramsIn: number
  bytesIn: number
  datagramsOut: number
  bytesOut: number
  /** Datagrams, or the rest of one, that no ENet host sends. */
  malformed: number
  /** Datagrams that belong to no connection. */
  unknown: number
  /** Answers to those. */
  resets: number
  /** CONNECTs that were refused since the host was full, or too many came from one network. */
  refused: number
  /** Half-open connections that were not completed. */
  abandoned: number
  /** Reliable commands that were sent again, of connections that are over. */
  resent: number
}

/**
 * The server's end of all connections. It is driven from outside and uses no sockets or timers itself:
 *
 *     const host = new EnetHost({ clock: () => performance.now(), send, onConnect, onMessage, onDisconnect })
 *     host.receive(bytes, address, port)     // each datagram that arrives
 *     host.service()                         // each 10 to 20 ms: resends, signs of life, time-outs; sends what is due
 *     peer.sendReliable(0, bytes)            // true: arrives once and in order, or the connection ends
 *     peer.sendUnreliable(1, bytes, from, to) // may be lost; copies a range without an object
 *     host.flush()                           // after a batch of messages: sends the datagrams that they filled partly
 *     peer.disconnect(1)                     // once the peer has what was sent before; onDisconnect is not called for it
 *
 * `openUdp` in udp.ts connects it with a socket. Messages of one peer are collected in datagrams of at most 1200 bytes, a full one is
 * sent at once. Callbacks run during `receive` and `service`, and may send and disconnect.
 */
export class EnetHost implements PeerOwner {
  readonly counters: EnetCounters = {
    ...{ datagramsIn: 0, bytesIn: 0, datagramsOut: 0, bytesOut: 0 },
    ...{ malformed: 0, unknown: 0, resets: 0, refused: 0, abandoned: 0, resent: 0 },
  }
  readonly incomingBudget = new MemoryBudget(INCOMING_BYTES)
  readonly outgoingBudget = new MemoryBudget(OUTGOING_BYTES)
  readonly #options: EnetHostOptions
  readonly #channels: number
  readonly #random: (below: number) => number
  readonly #peers: (EnetPeer | undefined)[] = []
  readonly #byEndpoint = new Map<string, EnetPeer>()
  readonly #halfOpen = new HalfOpenTable()
  readonly #resets: ResetLimiter
  readonly #freeIds: number[]
  /** The session bits that each ID had the last time; 3 at first, so that they begin with 0. */
  readonly #sessions = new Uint8Array(MAX_PEERS).fill(3)
  readonly #queued: EnetPeer[] = []
  readonly #spareDatagrams: OutgoingDatagram[] = []
  readonly #scratch = Buffer.alloc(VERIFY_BYTES)
  readonly #command = new Command()

  constructor(options: EnetHostOptions) {
    this.#options = options
    this.#channels = options.channels ?? 3
    this.#random = options.random ?? randomInt
    this.#freeIds = Array.from({ length: Math.min(options.maxPeers ?? MAX_PEERS, MAX_PEERS) }, (_, id) => id)
    this.#resets = new ResetLimiter(options.resetsPerSecond ?? 100, this.#random(2 ** 32), this.now())
  }

  /** How many peers are connected. */
  get size(): number {
    return this.#byEndpoint.size
  }

  get halfOpen(): number {
    return this.#halfOpen.size
  }

  /** All connected peers. */
  peers(): Iterable<EnetPeer> {
    return this.#byEndpoint.values()
  }

  now(): number {
    return Math.floor(this.#options.clock())
  }

  /** Handles a datagram. Whatever it contains, nothing is thrown except by the callbacks. */
  receive(bytes: Buffer, address: string, port: number, length = bytes.length): void {
    this.counters.datagramsIn += 1
    this.counters.bytesIn += length
    if (!this.#dispatch(bytes, address, port, length)) this.counters.malformed += 1
  }

  /** Sends again what was not acknowledged in time, asks silent peers for a sign of life, ends lost connections, and flushes. */
  service(): void {
    const now = this.now()
    for (const peer of this.#peers) peer?.service(now)
    for (let entry = this.#halfOpen.expired(now); entry; entry = this.#halfOpen.expired(now)) this.#abandon(entry)
    this.flush()
  }

  /** Sends what has been written since the last time. */
  flush(): void {
    for (let i = 0; i < this.#queued.length; i++) {
      const peer = this.#queued[i]
      if (!peer) continue
      peer.isQueued = false
      if (peer.state !== 'closed') this.transmit(peer)
    }
    this.#queued.length = 0
  }

  /** Of a peer: see `PeerOwner`. */
  hasOutput(peer: EnetPeer): void {
    if (peer.isQueued) return
    peer.isQueued = true
    this.#queued.push(peer)
  }

  transmit(peer: EnetPeer): void {
    const { datagram } = peer
    if (datagram.isEmpty) return
    writeHeader(datagram.bytes, peer.remoteId, peer.session, this.now() & 0xffff)
    const { length } = datagram
    datagram.clear()
    this.#send(datagram.bytes, length, peer.port, peer.address)
  }

  message(peer: EnetPeer, channel: number, bytes: Buffer): void {
    this.#options.onMessage(peer, channel, bytes)
  }

  /** The host never connects to another one. */
  agree(): void {}
  connected(): void {}

  ended(peer: EnetPeer, cause: EndCause | undefined, reason: number): void {
    this.#peers[peer.id] = undefined
    this.#byEndpoint.delete(endpointOf(peer.address, peer.port))
    this.#freeIds.push(peer.id)
    this.#spareDatagrams.push(peer.datagram)
    this.counters.resent += peer.sender.resent
    if (cause !== undefined) this.#options.onDisconnect(peer, reason, cause)
  }

  /** @returns false for what no ENet host sends */
  #dispatch(bytes: Buffer, address: string, port: number, length: number): boolean {
    if (length < 2 || length > MAX_DATAGRAM_BYTES) return false
    const header = bytes.readUInt16BE(0)
    const hasTime = (header & SENT_TIME_FLAG) !== 0
    const start = hasTime ? HEADER_BYTES : 2
    if (header >= 0x8000 || length <= start) return false
    const sentTime = hasTime ? bytes.readUInt16BE(2) : -1
    const id = peerIdOf(header)
    if (id === NO_PEER_ID) return this.#connect(bytes, start, length, address, port)
    const peer = this.#peers[id]
    if (peer && peer.port === port && peer.session === sessionOf(header) && peer.address === address)
      return peer.receive(bytes, start, length, sentTime)
    const halfOpen = this.#halfOpen.withId(id)
    if (halfOpen?.port === port && halfOpen.session === sessionOf(header) && halfOpen.address === address)
      return this.#continue(halfOpen, bytes, start, length, sentTime)
    this.#unknown(sessionOf(header), length, address, port)
    return true
  }

  #connect(bytes: Buffer, start: number, length: number, address: string, port: number): boolean {
    const command = this.#command
    const end = readCommand(bytes, start, length, command)
    if (end < 0 || command.kind !== CommandKind.CONNECT || command.channels === 0 || command.peerId >= NO_PEER_ID) return false
    const now = this.now()
    const endpoint = endpointOf(address, port)
    const { connectId } = command
    if (this.#byEndpoint.get(endpoint)?.terms.connectId === connectId) return true
    const known = this.#halfOpen.at(endpoint)
    if (known?.terms.connectId === connectId) {
      known.receivedBytes += length
      if (mayResend(known, now)) this.#verify(known, now)
    } else {
      if (known) this.#abandon(known)
      this.#accept(command, endpoint, length, { address, port }, now)
    }
    return true
  }

  #accept(
    command: Command,
    endpoint: string,
    length: number,
    { address, port }: { address: string; port: number },
    now: number,
  ): void {
    const network = networkOfAddress(address)
    if (!this.#halfOpen.hasRoomFor(network)) {
      this.counters.refused += 1
      return
    }
    const surplus = this.#halfOpen.surplus()
    if (surplus) this.#abandon(surplus)
    const id = this.#takeId()
    if (id === undefined) {
      this.counters.refused += 1
      if (this.#resets.take(address, length, now)) this.#reset(command.peerId, 0, EndReason.SERVER_FULL, port, address)
      return
    }
    const session = ((this.#sessions[id] ?? 0) + 1) & 3
    this.#sessions[id] = session
    const terms = {
      peerId: id,
      session,
      mtu: clamp(command.mtu, MIN_MTU, MTU),
      windowBytes: clamp(command.windowBytes, MIN_WINDOW_BYTES, MAX_WINDOW_BYTES),
      channels: Math.min(command.channels, this.#channels),
      throttleInterval: command.throttleInterval,
      throttleAcceleration: command.throttleAcceleration,
      throttleDeceleration: command.throttleDeceleration,
      connectId: command.connectId,
    }
    const identity = { address, port, id, remoteId: command.peerId, session, terms, connectData: command.data }
    this.#verify(this.#halfOpen.add(identity, endpoint, network, this.#random(0x10000), length, now), now)
  }

  #verify(entry: HalfOpen, now: number): void {
    writeHeader(this.#scratch, entry.remoteId, entry.session, entry.cookie)
    writeVerifyConnect(this.#scratch, HEADER_BYTES, entry.terms)
    entry.sentBytes += VERIFY_BYTES
    entry.sends += 1
    entry.sentAt = now
    this.#send(this.#scratch, VERIFY_BYTES, entry.port, entry.address)
  }

  /** A datagram of a client that has not acknowledged yet. */
  #continue(entry: HalfOpen, bytes: Buffer, start: number, end: number, sentTime: number): boolean {
    const command = this.#command
    const now = this.now()
    entry.receivedBytes += end
    for (let at = start; at < end; ) {
      at = readCommand(bytes, at, end, command)
      if (at < 0) return false
      if (command.kind === CommandKind.DISCONNECT) {
        this.#abandon(entry)
        return true
      }
      if (command.kind !== CommandKind.ACKNOWLEDGE || command.channel !== CONTROL_CHANNEL) continue
      if (command.receivedSequence === 1 && command.receivedSentTime === entry.cookie)
        return this.#promote(entry, now).receive(bytes, start, end, sentTime)
    }
    if (mayResend(entry, now)) this.#verify(entry, now)
    return true
  }

  #promote(entry: HalfOpen, now: number): EnetPeer {
    this.#halfOpen.remove(entry)
    // The client on this port has started anew.
    this.#byEndpoint.get(entry.endpoint)?.close('lost', 0)
    const peer = this.#admit(entry)
    peer.sender.control.reliable = 1
    if (entry.sends === 1) peer.sender.roundTrip.add(now - entry.sentAt)
    this.#options.onConnect(peer)
    return peer
  }

  #admit(identity: PeerIdentity): EnetPeer {
    const peer = new EnetPeer(this, identity, this.#spareDatagrams.pop())
    this.#peers[peer.id] = peer
    this.#byEndpoint.set(endpointOf(peer.address, peer.port), peer)
    return peer
  }

  #abandon(entry: HalfOpen): void {
    this.#halfOpen.remove(entry)
    this.#freeIds.push(entry.id)
    this.counters.abandoned += 1
  }

  /** Any free ID, so that strangers cannot know which one a client has. */
  #takeId(): number | undefined {
    const last = this.#freeIds.length - 1
    if (last < 0) return undefined
    const index = this.#random(last + 1)
    const id = this.#freeIds[index]
    this.#freeIds[index] = this.#freeIds[last] as number
    this.#freeIds.length = last
    return id
  }

  #unknown(session: number, length: number, address: string, port: number): void {
    this.counters.unknown += 1
    if (!this.#resets.take(address, length, this.now())) return
    // Who sends in the name of a connected client must not end its connection.
    if (!this.#byEndpoint.has(endpointOf(address, port))) this.#reset(0, session, EndReason.RETRY, port, address)
  }

  #reset(peerId: number, session: number, reason: number, port: number, address: string): void {
    this.counters.resets += 1
    this.#scratch.writeUInt16BE(peerId | (session << 12))
    writeDisconnect(this.#scratch, 2, UNSEQUENCED_FLAG, 0, reason)
    this.#send(this.#scratch, RESET_BYTES, port, address)
  }

  #send(bytes: Buffer, length: number, port: number, address: string): void {
    this.counters.datagramsOut += 1
    this.counters.bytesOut += length
    this.#options.send(bytes, 0, length, port, address)
  }
}

const clamp = (value: number, least: number, most: number): number => Math.min(Math.max(value, least), most)

const endpointOf = (address: string, port: number): string => `${address}|${port}`
