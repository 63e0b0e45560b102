import { type ConnectionTerms, writeAcknowledge, writeDisconnect } from './command-writer.ts'
import {
  ACKNOWLEDGE_FLAG,
  CONTROL_CHANNEL,
  Command,
  CommandKind,
  MAX_MESSAGE_BYTES,
  MESSAGE_TOO_LONG,
  readCommand,
  UNSEQUENCED_FLAG,
} from './commands.ts'
import { copyBytes, OutgoingDatagram } from './datagram.ts'
import { IncomingChannel } from './incoming.ts'
import { MemoryBudget } from './memory-budget.ts'
import { type Outgoing, ReliableSender } from './outgoing.ts'
import { type EndCause, EndReason, type PeerIdentity } from './peer-identity.ts'
import { type Output, UnreliableSender } from './unreliable.ts'
import { UnsequencedWindow } from './unsequenced-window.ts'

/**
 * A peer that is not heard of for so long is asked for a sign of life, as in the original ENet. One that is heard of needs no asking: the
 * answers of some thousand peers would be a fifth of all that arrives.
 */
const PING_INTERVAL_MS = 500
/** Before a polite end the peer gets so long to take in what was sent before. */
const LINGER_MS = 2_000
/** Kept for one peer: what arrived too early, of which half is a window beyond what is acknowledged at once. */
const INCOMING_BYTES = 384 * 1024
/** Kept for one peer: what it has not acknowledged. */
const OUTGOING_BYTES = 512 * 1024
/** What the header and a fragment's command take of a datagram, as explorers count it. */
const FRAGMENT_OVERHEAD_BYTES = 36
/** How often is looked for messages that their sender does not complete. */
const CHECK_INTERVAL_MS = 1_000

/** What a connection needs of the host or client it belongs to. */
export interface PeerOwner {
  now(): number
  /** The peer has something to send when the owner flushes. */
  hasOutput(peer: EnetPeer): void
  /** Sends the datagram of a peer now, and clears it. */
  transmit(peer: EnetPeer): void
  message(peer: EnetPeer, channel: number, bytes: Buffer): void
  /** A client takes over what the server's answer says. */
  agree(peer: EnetPeer, answer: Command): void
  /** A client is connected. */
  connected(peer: EnetPeer): void
  /** The connection is over, the owner forgets it. `cause` is missing when this side ended it. */
  ended(peer: EnetPeer, cause: EndCause | undefined, reason: number): void
  /** How many commands a peer may put into a datagram; the rest of a longer one is malformed. */
  readonly maxCommands: number
  readonly incomingBudget: MemoryBudget
  readonly outgoingBudget: MemoryBudget
}

/** What it holds is used before the next command is read: one is enough for all peers of a process. */
const command = new Command()

/** One connection, in either role. After its end it sends nothing and delivers nothing. */
export class EnetPeer implements Output {
  readonly address: string
  readonly port: number
  readonly connectData: number
  readonly terms: ConnectionTerms
  readonly id: number
  remoteId: number
  session: number
  state: 'connecting' | 'connected' | 'disconnecting' | 'closed' = 'connected'
  readonly datagram: OutgoingDatagram
  readonly sender: ReliableSender
  readonly channels: IncomingChannel[]
  /** Used by the owner: it is in the list of peers to flush. */
  isQueued = false
  lastReceivedAt: number
  readonly unsequenced = new UnsequencedWindow()
  readonly unreliable = new UnreliableSender(this)
  readonly #owner: PeerOwner
  #endReason = 0
  #lingersUntil = Number.POSITIVE_INFINITY
  #isOverflown = false
  #checkAt = 0

  constructor(owner: PeerOwner, identity: PeerIdentity, datagram = new OutgoingDatagram()) {
    const now = owner.now()
    this.#owner = owner
    this.address = identity.address
    this.port = identity.port
    this.connectData = identity.connectData
    this.terms = identity.terms
    this.id = identity.id
    this.remoteId = identity.remoteId
    this.session = identity.session
    this.lastReceivedAt = now
    this.datagram = datagram
    datagram.clear()
    datagram.limit = identity.terms.mtu
    const incomingBudget = new MemoryBudget(INCOMING_BYTES, owner.incomingBudget)
    const outgoingBudget = new MemoryBudget(OUTGOING_BYTES, owner.outgoingBudget)
    const write = (each: Outgoing) => this.#write(each.bytes)
    this.sender = new ReliableSender(identity.terms.channels, identity.terms.windowBytes, outgoingBudget, write)
    const deliver = (channel: number, bytes: Buffer) => {
      if (this.state === 'connected') owner.message(this, channel, bytes)
    }
    this.channels = this.sender.channels.map((_, channel) => new IncomingChannel(channel, incomingBudget, deliver))
  }

  /**
   * Sends a message that arrives once and in order with the other reliable messages of the channel. The bytes are copied.
   *
   * @returns false when the connection is over, or the peer has taken in so little that it is about to be disconnected
   * @throws RangeError for a message of more than 8192 bytes or a channel that does not exist
   */
  sendReliable(channel: number, bytes: Uint8Array, start = 0, end = bytes.length): boolean {
    if (!this.#canSend(channel, end - start)) return false
    const now = this.#owner.now()
    const piece = this.#pieceBytes
    const isSent =
      end - start <= piece
        ? this.sender.message(channel, bytes, start, end, now)
        : this.sender.fragments(channel, bytes, start, end, piece, now)
    if (!isSent) this.#isOverflown = true
    return isSent
  }

  /** Sends a message that may be lost and never arrives after a newer one. The bytes are copied. Otherwise as `sendReliable`. */
  sendUnreliable(channel: number, bytes: Uint8Array, start = 0, end = bytes.length): boolean {
    if (!this.#canSend(channel, end - start)) return false
    const numbers = this.sender.channels[channel]
    // Receivers compare the numbers without wrapping around; a reliable message starts them anew.
    if (!numbers || numbers.unreliable === 0xffff) return this.sendReliable(channel, bytes, start, end)
    this.unreliable.sequenced(channel, numbers, bytes, start, end, this.#pieceBytes)
    return true
  }

  /** As `sendUnreliable` for each of `count` parts of `bytes`: `ranges` has the beginning and the end of each. */
  sendAllUnreliable(channel: number, bytes: Uint8Array, ranges: Uint32Array, count: number): void {
    const numbers = this.sender.channels[channel]
    if (!numbers) throw new RangeError(`the connection has no channel ${channel}`)
    for (let sent = 0; sent < count; sent++) {
      if (!this.#canSend(channel, 0)) return
      sent = this.unreliable.allSequenced(channel, numbers, bytes, ranges, sent, count)
      // One that is long, or begins the numbers anew.
      if (sent < count) this.sendUnreliable(channel, bytes, ranges[2 * sent], ranges[2 * sent + 1])
    }
  }

  /** Sends a message that may be lost or overtaken by others. It has to fit into a datagram. Otherwise as `sendReliable`. */
  sendUnsequenced(channel: number, bytes: Uint8Array, start = 0, end = bytes.length): boolean {
    if (!this.#canSend(channel, end - start)) return false
    if (!this.unreliable.fits(end - start)) throw new RangeError('an unsequenced message has to fit into a datagram')
    this.unreliable.unsequenced(channel, bytes, start, end)
    return true
  }

  /** Ends the connection once the peer has what was sent before, for at most two seconds. Nothing more is received from it. */
  disconnect(reason: number): void {
    if (this.state === 'connecting') this.disconnectNow(reason)
    if (this.state !== 'connected') return
    this.state = 'disconnecting'
    this.#endReason = reason
    this.#lingersUntil = this.#owner.now() + LINGER_MS
  }

  /** Ends the connection with one datagram that may be lost, after what is to be flushed. */
  disconnectNow(reason: number): void {
    this.#endNow(undefined, reason)
  }

  /** Stops without a word: another process goes on with the connection. A polite end that is under way happens now. */
  freeze(): void {
    if (this.state === 'disconnecting') this.#endNow(undefined, this.#endReason)
    this.state = 'closed'
  }

  /**
   * Handles the commands of a datagram.
   *
   * @param sentTime the time in its header, or -1
   * @returns false when it was malformed; commands before the first malformed one are in effect
   */
  receive(bytes: Buffer, start: number, end: number, sentTime: number): boolean {
    const now = this.#owner.now()
    this.lastReceivedAt = now
    let at = start
    for (let count = 0; at < end && this.state !== 'closed'; count++) {
      at = count < this.#owner.maxCommands ? readCommand(bytes, at, end, command) : -1
      if (at === MESSAGE_TOO_LONG) this.#endNow('violation', EndReason.CORRUPTED)
      const { kind, flags, channel, sequence } = command
      if (at < 0 || ((flags & ACKNOWLEDGE_FLAG) !== 0 && sentTime < 0)) return false
      if (kind === CommandKind.DISCONNECT) this.#ended(flags, channel, sequence, sentTime, command.data)
      else if (kind === CommandKind.VERIFY_CONNECT) this.#verified(command, sentTime)
      else if (this.#handle(command, bytes, now) && (flags & ACKNOWLEDGE_FLAG) !== 0)
        this.#acknowledge(channel, sequence, sentTime)
    }
    return true
  }

  /** Resends, asks for signs of life, and gives up a peer that is lost. To be called every few milliseconds. */
  service(now: number): void {
    if (this.state === 'closed') return
    if (this.sender.resend(now, this.lastReceivedAt) === 'lost') this.close('lost', 0)
    else if (this.#isOverflown) this.#endNow('overflow', EndReason.RETRY)
    else if (this.#hasGap(now)) this.#endNow('violation', EndReason.RETRY)
    else if (this.state === 'disconnecting') this.#linger(now)
    else if (this.state === 'connected' && this.sender.isIdle && now - this.lastReceivedAt >= PING_INTERVAL_MS)
      this.sender.ping(now)
  }

  /** Forgets the connection without a word to the peer. */
  close(cause: EndCause | undefined, reason: number): void {
    if (this.state === 'closed') return
    this.state = 'closed'
    this.sender.close()
    for (const channel of this.channels) channel.close()
    this.#owner.ended(this, cause, reason)
  }

  /** The other host has fewer channels than this one asked for. */
  limitChannels(channels: number): void {
    this.channels.length = Math.min(this.channels.length, channels)
    this.sender.channels.length = this.channels.length
  }

  /** Sends what has been written since the last time, without waiting for the owner to flush. */
  flush(): void {
    if (this.state !== 'closed') this.#owner.transmit(this)
  }

  /** Of an output: makes room for a command. */
  place(size: number): number {
    if (!this.datagram.fits(size)) this.#owner.transmit(this)
    this.#owner.hasOutput(this)
    return this.datagram.place(size)
  }

  get #pieceBytes(): number {
    return this.datagram.limit - FRAGMENT_OVERHEAD_BYTES
  }

  #hasGap(now: number): boolean {
    if (now < this.#checkAt) return false
    this.#checkAt = now + CHECK_INTERVAL_MS
    let hasGap = false
    for (const channel of this.channels) hasGap = channel.expire(now) || hasGap
    return hasGap
  }

  #linger(now: number): void {
    if (this.#lingersUntil === Number.POSITIVE_INFINITY || (!this.sender.isIdle && now < this.#lingersUntil)) return
    this.#lingersUntil = Number.POSITIVE_INFINITY
    this.sender.disconnect(this.#endReason, now)
  }

  #canSend(channel: number, length: number): boolean {
    if (length > MAX_MESSAGE_BYTES) throw new RangeError(`a message has at most ${MAX_MESSAGE_BYTES} bytes, this one ${length}`)
    if (channel >= this.channels.length) throw new RangeError(`the connection has no channel ${channel}`)
    return this.state === 'connected' && !this.#isOverflown
  }

  /** @returns whether the command is to be acknowledged, if it wants that */
  #handle(received: Command, bytes: Buffer, now: number): boolean {
    const { kind, channel } = received
    if (kind === CommandKind.ACKNOWLEDGE) {
      this.#acknowledged(received, now)
      return false
    }
    if (this.state === 'connecting') return false
    const incoming = this.channels[channel]
    switch (kind) {
      case CommandKind.SEND_RELIABLE:
      case CommandKind.SEND_FRAGMENT:
        return (
          (received.flags & ACKNOWLEDGE_FLAG) !== 0 && incoming !== undefined && incoming.reliableCommand(received, bytes, now)
        )
      case CommandKind.SEND_UNRELIABLE:
        incoming?.unreliableMessage(received, bytes)
        return incoming !== undefined
      case CommandKind.SEND_UNRELIABLE_FRAGMENT:
        incoming?.unreliableFragment(received, bytes, now)
        return incoming !== undefined
      case CommandKind.SEND_UNSEQUENCED:
        if (incoming && this.unsequenced.take(received.unreliableSequence) && this.state === 'connected')
          this.#owner.message(this, channel, bytes.subarray(received.dataStart, received.dataEnd))
        return incoming !== undefined
      default:
        // A PING, or limits of bandwidth that have no meaning here.
        return kind !== CommandKind.CONNECT
    }
  }

  #acknowledged({ channel, receivedSequence, receivedSentTime }: Command, now: number): void {
    const sampleMs = (now - receivedSentTime) & 0xffff
    const sent = this.sender.acknowledge(channel, receivedSequence, sampleMs < 0x8000 ? sampleMs : -1, now)
    const isEnd = sent?.channel === CONTROL_CHANNEL && ((sent.bytes[0] ?? 0) & 0x0f) === CommandKind.DISCONNECT
    if (isEnd) this.close(undefined, this.#endReason)
  }

  #acknowledge(channel: number, sequence: number, sentTime: number): void {
    if (this.state === 'closed') return
    writeAcknowledge(this.datagram.bytes, this.place(8), channel, sequence, sentTime)
  }

  /** A server accepts this client. The acknowledgement has to precede what the client then sends. */
  #verified(received: Command, sentTime: number): void {
    const { channel, sequence, connectId } = received
    if (connectId !== this.terms.connectId || sentTime < 0) return
    if (this.state === 'connecting') this.#owner.agree(this, received)
    this.#acknowledge(channel, sequence, sentTime)
    if (this.state !== 'connecting') return
    this.state = 'connected'
    this.#owner.connected(this)
  }

  #ended(flags: number, channel: number, sequence: number, sentTime: number, reason: number): void {
    if ((flags & ACKNOWLEDGE_FLAG) !== 0) {
      this.#acknowledge(channel, sequence, sentTime)
      this.#owner.transmit(this)
    }
    this.close(this.state === 'disconnecting' ? undefined : 'left', reason)
  }

  #endNow(cause: EndCause | undefined, reason: number): void {
    if (this.state === 'closed') return
    writeDisconnect(this.datagram.bytes, this.place(8), UNSEQUENCED_FLAG, 0, reason)
    this.#owner.transmit(this)
    this.close(cause, reason)
  }

  #write(bytes: Buffer): void {
    copyBytes(bytes, 0, bytes.length, this.datagram.bytes, this.place(bytes.length))
  }
}
