import { type ConnectionTerms, writeAcknowledge, writeDisconnect } from './command-writer.ts'
import {
  ACKNOWLEDGE_FLAG,
  CONTROL_CHANNEL,
  Command,
  CommandKind,
  MESSAGE_TOO_LONG,
  readCommand,
  UNSEQUENCED_FLAG,
} from './commands.ts'
import { IncomingChannel } from './incoming.ts'
import { MemoryBudget } from './memory-budget.ts'
import { Outbox, type OutboxOwner } from './outbox.ts'
import { type EndCause, EndReason, type PeerIdentity } from './peer-identity.ts'
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
/** How often is looked for messages that their sender does not complete. */
const CHECK_INTERVAL_MS = 1_000

/** What a connection needs of the host or client it belongs to. */
export interface PeerOwner extends OutboxOwner {
  /** The peer has something to send when the owner flushes. */
  hasOutput(peer: EnetPeer): void
  /** `service` of the peer is to be called next time: until then it was not to be called before the time that it returned. */
  needsService(peer: EnetPeer): void
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
}

/** What it holds is used before the next command is read: one is enough for all peers of a process. */
const command = new Command()

/** One connection, in either role. After its end it sends nothing and delivers nothing. */
export class EnetPeer extends Outbox {
  readonly address: string
  readonly port: number
  readonly connectData: number
  readonly terms: ConnectionTerms
  readonly id: number
  remoteId: number
  session: number
  readonly channels: IncomingChannel[]
  /** Used by the owner: it is in the list of peers to flush. */
  isQueued = false
  lastReceivedAt: number
  readonly unsequenced = new UnsequencedWindow()
  readonly #owner: PeerOwner
  #endReason = 0
  #lingersUntil = Number.POSITIVE_INFINITY
  #checkAt = 0

  constructor(owner: PeerOwner, identity: PeerIdentity) {
    super(owner, identity.terms)
    this.#owner = owner
    this.address = identity.address
    this.port = identity.port
    this.connectData = identity.connectData
    this.terms = identity.terms
    this.id = identity.id
    this.remoteId = identity.remoteId
    this.session = identity.session
    this.lastReceivedAt = owner.now()
    const incomingBudget = new MemoryBudget(INCOMING_BYTES, owner.incomingBudget)
    const deliver = (channel: number, bytes: Buffer) => {
      if (this.state === 'connected') owner.message(this, channel, bytes)
    }
    this.channels = this.sender.channels.map((_, channel) => new IncomingChannel(channel, incomingBudget, deliver))
  }

  /** Ends the connection once the peer has what was sent before, for at most two seconds. Nothing more is received from it. */
  disconnect(reason: number): void {
    if (this.state === 'connecting') this.disconnectNow(reason)
    if (this.state !== 'connected') return
    this.state = 'disconnecting'
    this.#endReason = reason
    this.#lingersUntil = this.#owner.now() + LINGER_MS
    this.needsService()
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

  /**
   * Resends, asks for signs of life, and gives up a peer that is lost. To be called every few milliseconds.
   *
   * @returns until when it need not be called again, unless the owner is told otherwise by `needsService`
   */
  service(now: number): number {
    if (this.state === 'closed') return Number.POSITIVE_INFINITY
    if (this.sender.resend(now, this.lastReceivedAt) === 'lost') this.close('lost', 0)
    else if (this.isOverflown) this.#endNow('overflow', EndReason.RETRY)
    else if (this.#hasGap(now)) this.#endNow('violation', EndReason.RETRY)
    else if (this.state === 'disconnecting') this.#linger(now)
    else if (this.state === 'connected' && this.sender.isIdle && now - this.lastReceivedAt >= PING_INTERVAL_MS)
      this.sender.ping(now)
    if (this.state !== 'connected') return now
    return Math.min(this.sender.dueAt, this.#checkAt, this.lastReceivedAt + PING_INTERVAL_MS)
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
    const at = this.place(8)
    writeAcknowledge(this.datagram.bytes, at, channel, sequence, sentTime)
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
      this.transmit()
    }
    this.close(this.state === 'disconnecting' ? undefined : 'left', reason)
  }

  #endNow(cause: EndCause | undefined, reason: number): void {
    if (this.state === 'closed') return
    const at = this.place(8)
    writeDisconnect(this.datagram.bytes, at, UNSEQUENCED_FLAG, 0, reason)
    this.transmit()
    this.close(cause, reason)
  }

  protected hasOutput(): void {
    this.#owner.hasOutput(this)
  }

  protected needsService(): void {
    this.#owner.needsService(this)
  }

  protected transmit(): void {
    this.#owner.transmit(this)
  }
}
