import type { ConnectionTerms } from './command-writer.ts'
import { MAX_MESSAGE_BYTES } from './commands.ts'
import { copyBytes, type DatagramMemory, OutgoingDatagram } from './datagram.ts'
import { MemoryBudget } from './memory-budget.ts'
import { type Outgoing, ReliableSender } from './outgoing.ts'
import { type Output, UnreliableSender } from './unreliable.ts'

/** Kept for one peer: what it has not acknowledged. */
const OUTGOING_BYTES = 512 * 1024
/** What the header and a fragment's command take of a datagram, as explorers count it. */
const FRAGMENT_OVERHEAD_BYTES = 36

/** What an outbox needs of the host or client it belongs to. */
export interface OutboxOwner {
  now(): number
  readonly datagramMemory: DatagramMemory
  readonly outgoingBudget: MemoryBudget
}

/** The half of a connection that sends: its messages share datagrams. */
export abstract class Outbox implements Output {
  state: 'connecting' | 'connected' | 'disconnecting' | 'closed' = 'connected'
  readonly datagram: OutgoingDatagram
  readonly sender: ReliableSender
  readonly unreliable = new UnreliableSender(this)
  /** The peer has taken in so little that it is to be disconnected. */
  protected isOverflown = false
  readonly #owner: OutboxOwner

  constructor(owner: OutboxOwner, { mtu, channels, windowBytes }: ConnectionTerms) {
    this.#owner = owner
    this.datagram = new OutgoingDatagram(owner.datagramMemory)
    this.datagram.limit = mtu
    const budget = new MemoryBudget(OUTGOING_BYTES, owner.outgoingBudget)
    this.sender = new ReliableSender(channels, windowBytes, budget, (each: Outgoing) => this.#write(each.bytes))
  }

  /** There is something to transmit. */
  protected abstract hasOutput(): void
  /** Something is to be done of its own accord: it may be sent again, or the connection is to end. */
  protected abstract needsService(): void
  /** Sends the datagram now, and clears it. */
  protected abstract transmit(): void

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
    if (!isSent) this.#overflow()
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

  /** Sends what has been written since the last time, without waiting for the owner to flush. */
  flush(): void {
    if (this.state !== 'closed') this.transmit()
  }

  /** Of an output: makes room for a command. */
  place(size: number): number {
    if (!this.datagram.fits(size)) this.transmit()
    this.hasOutput()
    return this.datagram.place(size)
  }

  get #pieceBytes(): number {
    return this.datagram.limit - FRAGMENT_OVERHEAD_BYTES
  }

  #canSend(channel: number, length: number): boolean {
    if (length > MAX_MESSAGE_BYTES) throw new RangeError(`a message has at most ${MAX_MESSAGE_BYTES} bytes, this one ${length}`)
    if (channel >= this.sender.channels.length) throw new RangeError(`the connection has no channel ${channel}`)
    return this.state === 'connected' && !this.isOverflown
  }

  #overflow(): void {
    this.isOverflown = true
    this.needsService()
  }

  /** A command that is sent again in time. */
  #write(bytes: Buffer): void {
    const at = this.place(bytes.length)
    copyBytes(bytes, 0, bytes.length, this.datagram.bytes, at)
    this.needsService()
  }
}
