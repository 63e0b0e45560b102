import { randomInt } from 'node:crypto'
import { ConnectedPeers } from './connected-peers.ts'
import { ConnectionRequests, endpointKey, type RequestOwner } from './connection-requests.ts'
import {
  DatagramMemory,
  HEADER_BYTES,
  MAX_COMMANDS_OF_CLIENT,
  MAX_DATAGRAM_BYTES,
  NO_PEER_ID,
  peerIdOf,
  SENT_TIME_FLAG,
  sessionOf,
  writeHeader,
} from './datagram.ts'
import { freezeHost, thawHost } from './frozen-host.ts'
import type { HalfOpen } from './half-open.ts'
import { EnetCounters, type EnetHostOptions } from './host-options.ts'
import { MemoryBudget } from './memory-budget.ts'
import { EnetPeer, type PeerOwner } from './peer.ts'
import { type EndCause, EndReason, type PeerIdentity } from './peer-identity.ts'
import { MAX_PEERS, PeerIds } from './peer-ids.ts'
import { Strangers } from './strangers.ts'

/** Of all peers together: what arrived too early, and what was not acknowledged. */
const INCOMING_BYTES = 64 * 1024 * 1024
const OUTGOING_BYTES = 256 * 1024 * 1024
/**
 * The server's end of all connections. It is driven from outside and uses no sockets or timers itself:
 *
 *     const host = new EnetHost({ clock: () => performance.now(), send, onConnect, onMessage, onDisconnect })
 *     host.receive(bytes, address, port)     // each datagram that arrives
 *     host.service()                         // each 10 to 20 ms: resends, signs of life, time-outs; sends what is due
 *     peer.sendReliable(0, bytes)            // true: arrives once and in order, or the connection ends
 *     peer.sendUnreliable(1, bytes, from, to) // may be lost; copies a range without an object
 *     host.flush()                           // after a batch of messages: sends the datagrams that they filled partly
 *     const state = host.freeze()            // hand-over: `new EnetHost(options, state)` in another process goes on, see `peers()`
 *     peer.disconnect(1)                     // once the peer has what was sent before; onDisconnect is not called for it
 *
 * `openUdp` in udp.ts connects it with a socket. Messages of one peer are collected in datagrams of at most 1200 bytes, a full one is
 * sent at once. Callbacks run during `receive` and `service`, and may send and disconnect.
 */
export class EnetHost implements PeerOwner, RequestOwner {
  readonly counters = new EnetCounters()
  readonly maxCommands = MAX_COMMANDS_OF_CLIENT
  readonly datagramMemory = new DatagramMemory()
  readonly incomingBudget = new MemoryBudget(INCOMING_BYTES)
  readonly outgoingBudget = new MemoryBudget(OUTGOING_BYTES)
  readonly #options: EnetHostOptions
  readonly #peers = new ConnectedPeers()
  readonly #ids: PeerIds
  readonly #requests: ConnectionRequests
  readonly #strangers: Strangers
  readonly #queued: EnetPeer[] = []
  /** The clock of a host that was frozen goes on. */
  #timeOffset = 0
  #isFrozen = false

  /**
   * @param frozen the state of another host, of any process: its peers are connected to this one, under their IDs
   * @throws when that state is damaged
   */
  constructor(options: EnetHostOptions, frozen?: Buffer) {
    const { channels = 3, random = randomInt, maxPeers = MAX_PEERS } = options
    this.#options = options
    this.#ids = new PeerIds(maxPeers, random)
    this.#requests = new ConnectionRequests(this, this.#ids, channels, random, this.now())
    this.#strangers = new Strangers(this, options.resetsPerSecond, random(2 ** 32), this.now())
    if (frozen) this.#thaw(frozen)
  }

  /** How many peers are connected. */
  get size(): number {
    return this.#peers.size
  }

  /** How many clients have not shown yet that they receive what is sent to them. */
  get halfOpen(): number {
    return this.#requests.table.size
  }

  /** How many reliable commands were sent again. */
  get resent(): number {
    return this.#peers.resent
  }

  /** All connected peers. */
  peers(): Iterable<EnetPeer> {
    return this.#peers.all()
  }

  now(): number {
    return Math.floor(this.#options.clock()) + this.#timeOffset
  }

  /** Handles a datagram. Whatever it contains, nothing is thrown except by the callbacks. */
  receive(bytes: Buffer, address: string, port: number, length = bytes.length): void {
    if (this.#isFrozen) return
    this.counters.datagramsIn += 1
    this.counters.bytesIn += length
    if (!this.#dispatch(bytes, address, port, length)) this.counters.malformed += 1
  }

  /** Sends again what was not acknowledged in time, asks silent peers for a sign of life, ends lost connections, and flushes. */
  service(): void {
    this.resend()
    this.flush()
  }

  /** As `service`, but what is to be sent waits for the messages that the next flush sends anyway. */
  resend(): void {
    if (this.#isFrozen) return
    const now = this.now()
    this.#peers.service(now)
    this.#requests.expire(now)
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

  /**
   * Stops this host for another one, which is made with the returned state and receives the datagrams from then on. Peers notice nothing
   * if that takes less than their time-out of five seconds. This host and its peers do nothing more, and no callback is called.
   */
  freeze(): Buffer {
    this.flush()
    const peers = [...this.peers()].filter(({ state }) => state === 'connected')
    const halfOpen = this.#requests.table.entries()
    const state = freezeHost({ now: this.now(), sessions: this.#ids.sessions, halfOpen }, peers)
    for (const peer of [...this.peers()]) peer.freeze()
    this.#isFrozen = true
    return state
  }

  /** Of a peer: see `PeerOwner`. */
  hasOutput(peer: EnetPeer): void {
    if (peer.isQueued) return
    peer.isQueued = true
    this.#queued.push(peer)
  }

  needsService(peer: EnetPeer): void {
    this.#peers.needsService(peer)
  }

  transmit(peer: EnetPeer): void {
    const { datagram } = peer
    if (datagram.isEmpty) return
    const { bytes, length } = datagram
    writeHeader(bytes, peer.remoteId, peer.session, this.now() & 0xffff)
    this.sendTo(peer.address, peer.port, bytes, length)
    datagram.clear()
  }

  message(peer: EnetPeer, channel: number, bytes: Buffer): void {
    this.#options.onMessage(peer, channel, bytes)
  }

  /** The host never connects to another one. */
  agree(): void {}
  connected(): void {}

  ended(peer: EnetPeer, cause: EndCause | undefined, reason: number): void {
    this.#peers.remove(peer)
    this.#ids.give(peer.id)
    peer.datagram.clear()
    if (cause !== undefined) this.#options.onDisconnect(peer, reason, cause)
  }

  /** Of connection requests: see `RequestOwner`. */
  sendTo(address: string, port: number, bytes: Buffer, length: number): void {
    this.counters.datagramsOut += 1
    this.counters.bytesOut += length
    this.#options.send(bytes, 0, length, port, address)
  }

  isConnected(endpoint: string, connectId: number): boolean {
    return this.#peers.at(endpoint)?.terms.connectId === connectId
  }

  full(address: string, port: number, remoteId: number, receivedBytes: number): void {
    this.#strangers.answer({ address, port, remoteId, session: 0 }, receivedBytes, EndReason.SERVER_FULL, this.now())
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
    if (id === NO_PEER_ID) return this.#requests.connect(bytes, start, length, address, port, this.now())
    const peer = this.#peers.withId(id)
    if (peer && peer.port === port && peer.session === sessionOf(header) && peer.address === address)
      return peer.receive(bytes, start, length, sentTime)
    const halfOpen = this.#requests.table.withId(id)
    if (halfOpen?.port === port && halfOpen.session === sessionOf(header) && halfOpen.address === address)
      return this.#continue(halfOpen, bytes, start, length, sentTime)
    this.#unknown(sessionOf(header), length, address, port)
    return true
  }

  /** A datagram of a client that is half-open: with the right acknowledgement it is connected. */
  #continue(entry: HalfOpen, bytes: Buffer, start: number, end: number, sentTime: number): boolean {
    const outcome = this.#requests.continue(entry, bytes, start, end, this.now())
    if (outcome !== 'acknowledged') return outcome === 'waiting'
    // The client on this port has started anew.
    this.#peers.at(entry.endpoint)?.close('lost', 0)
    const peer = this.#admit(entry)
    peer.sender.control.reliable = 1
    if (entry.sends === 1) peer.sender.roundTrip.add(this.now() - entry.sentAt)
    this.#options.onConnect(peer)
    return peer.receive(bytes, start, end, sentTime)
  }

  #admit(identity: PeerIdentity): EnetPeer {
    const peer = new EnetPeer(this, identity)
    this.#peers.add(peer)
    return peer
  }

  #thaw(frozen: Buffer): void {
    const ids = new Set<number>()
    const take = (id: number) => {
      if (id >= MAX_PEERS || ids.has(id)) throw new RangeError(`the ID ${id} is used twice or too high`)
      ids.add(id)
    }
    thawHost(frozen, {
      begin: (now, sessions) => {
        this.#timeOffset = now - Math.floor(this.#options.clock())
        this.#ids.sessions.set(sessions)
      },
      peer: (identity) => {
        take(identity.id)
        return this.#admit(identity)
      },
      halfOpen: (entry) => {
        take(entry.id)
        this.#requests.table.add({ ...entry, endpoint: endpointKey(entry.address, entry.port) }, this.now())
      },
    })
    this.#ids.reserve(ids)
  }

  #unknown(session: number, length: number, address: string, port: number): void {
    this.counters.unknown += 1
    // Who sends in the name of a connected client must not end its connection.
    if (this.#peers.at(endpointKey(address, port))) return
    this.#strangers.answer({ address, port, remoteId: 0, session }, length, EndReason.RETRY, this.now())
  }
}
