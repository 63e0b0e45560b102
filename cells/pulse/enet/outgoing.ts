import { type Fragment, writeDisconnect, writeFragment, writePing, writeReliable } from './command-writer.ts'
import { ACKNOWLEDGE_FLAG, CONTROL_CHANNEL, CommandKind } from './commands.ts'
import { copyBytes } from './datagram.ts'
import { type MemoryBudget, OVERHEAD_BYTES } from './memory-budget.ts'
import { RoundTrip } from './round-trip.ts'
import { stepsAhead } from './sequence.ts'

/** How far the newest command in flight may be ahead of the oldest one of its channel: any receiver keeps that many. */
const MAX_SEQUENCES_IN_FLIGHT = 512
/** After so many doublings (the original ENet's limit of 32) a peer is lost if nothing at all came from it for `SILENCE_MS`. */
const LOST_RESENDS = 5
const SILENCE_MS = 5_000
/** The oldest a command may become, however many others were acknowledged. */
const MAX_AGE_MS = 30_000

/** A command that is kept until the peer acknowledges it. */
export interface Outgoing {
  channel: number
  sequence: number
  /** The whole command, as it is written into a datagram. */
  bytes: Buffer
  firstSentAt: number
  sentAt: number
  /** How many times it was sent again; -1 while it waits in the queue. */
  resends: number
}

/** The sequence numbers of one channel in the direction of the peer, and what the peer has not acknowledged. */
export class OutgoingChannel {
  reliable = 0
  unreliable = 0
  /** By sequence number, the oldest first. */
  readonly inFlight = new Map<number, Outgoing>()
}

/** Whether everything is on its way, or the peer must be given up. */
export type Delivery = 'pending' | 'lost'

/**
 * The reliable commands to one peer: sent in order, within a window, again and again until the peer acknowledges them. Messages that
 * do not fit into the window wait in a queue, whose memory is limited.
 */
export class ReliableSender {
  readonly control = new OutgoingChannel()
  readonly channels: OutgoingChannel[]
  readonly roundTrip = new RoundTrip()
  readonly queue: Outgoing[] = []
  windowBytes: number
  resent = 0
  readonly #budget: MemoryBudget
  readonly #write: (command: Outgoing) => void
  #inFlightBytes = 0
  #dueAt = Number.POSITIVE_INFINITY

  /** @param write puts a command into the next datagram to the peer */
  constructor(channels: number, windowBytes: number, budget: MemoryBudget, write: (command: Outgoing) => void) {
    this.channels = Array.from({ length: channels }, () => new OutgoingChannel())
    this.windowBytes = windowBytes
    this.#budget = budget
    this.#write = write
  }

  /** When `resend` must be called next. */
  get dueAt(): number {
    return this.#dueAt
  }

  get isIdle(): boolean {
    return this.#inFlightBytes === 0 && this.queue.length === 0
  }

  /** @returns false when the peer has taken so little that no memory is left for it */
  message(channel: number, source: Uint8Array, start: number, end: number, now: number): boolean {
    const length = end - start
    if (!this.#budget.take(length + 6 + OVERHEAD_BYTES)) return false
    const command = this.#next(channel, 6 + length)
    writeReliable(command.bytes, 0, channel, command.sequence, length)
    copyBytes(source, start, end, command.bytes, 6)
    this.#enqueue(command, now)
    return true
  }

  /** A message in pieces of at most `pieceBytes`. */
  fragments(channel: number, source: Uint8Array, start: number, end: number, pieceBytes: number, now: number): boolean {
    const totalBytes = end - start
    const count = Math.ceil(totalBytes / pieceBytes)
    if (!this.#budget.take(totalBytes + count * (24 + OVERHEAD_BYTES))) return false
    const startSequence = ((this.channels[channel]?.reliable ?? 0) + 1) & 0xffff
    for (let number = 0; number < count; number++) {
      const offset = number * pieceBytes
      const length = Math.min(pieceBytes, totalBytes - offset)
      const fragment: Fragment = { startSequence, count, number, totalBytes, offset, length }
      const command = this.#next(channel, 24 + length)
      writeFragment(command.bytes, 0, CommandKind.SEND_FRAGMENT | ACKNOWLEDGE_FLAG, channel, command.sequence, fragment)
      copyBytes(source, start + offset, start + offset + length, command.bytes, 24)
      this.#enqueue(command, now)
    }
    return true
  }

  /** Commands of the host itself overtake the queue of messages. */
  ping(now: number): void {
    const command = this.#next(CONTROL_CHANNEL, 4)
    writePing(command.bytes, 0, command.sequence)
    this.#send(command, now)
  }

  disconnect(reason: number, now: number): void {
    const command = this.#next(CONTROL_CHANNEL, 8)
    writeDisconnect(command.bytes, 0, ACKNOWLEDGE_FLAG, command.sequence, reason)
    this.#send(command, now)
  }

  /** The CONNECT of a client, which has the number 1. */
  start(connect: Buffer, now: number): void {
    this.control.reliable = 1
    this.#send({ channel: CONTROL_CHANNEL, sequence: 1, bytes: connect, firstSentAt: 0, sentAt: 0, resends: -1 }, now)
  }

  /**
   * Takes over a command that another process has accepted, and sent if its `resends` are not negative.
   *
   * @throws RangeError when there is no channel or no memory for it
   */
  restore(command: Outgoing, now: number): void {
    const numbers = this.channelOf(command.channel)
    const isControl = command.channel === CONTROL_CHANNEL
    if (!numbers || (!isControl && !this.#budget.take(command.bytes.length + OVERHEAD_BYTES)))
      throw new RangeError('there is no room for a command')
    if (command.resends < 0) this.queue.push(command)
    else {
      // What was under way when the other process stopped may be lost: the doubling begins anew.
      command.resends = 0
      this.#inFlightBytes += command.bytes.length
      numbers.inFlight.set(command.sequence, command)
      this.#dueAt = Math.min(this.#dueAt, now + this.roundTrip.timeoutMs(0))
    }
  }

  /** @param sampleMs the round trip that the acknowledgement shows; negative when it shows none */
  acknowledge(channel: number, sequence: number, sampleMs: number, now: number): Outgoing | undefined {
    const inFlight = this.channelOf(channel)?.inFlight
    const command = inFlight?.get(sequence)
    if (!inFlight || !command) return undefined
    inFlight.delete(sequence)
    this.#inFlightBytes -= command.bytes.length
    if (channel !== CONTROL_CHANNEL) this.#budget.give(command.bytes.length + OVERHEAD_BYTES)
    if (sampleMs >= 0) this.roundTrip.add(sampleMs)
    this.#drain(now)
    return command
  }

  /**
   * Sends what was not acknowledged in time once more.
   *
   * @param lastReceivedAt when anything arrived from the peer: on a bad link a few acknowledgements in a row may be lost
   */
  resend(now: number, lastReceivedAt: number): Delivery {
    if (now < this.#dueAt) return 'pending'
    this.#dueAt = Number.POSITIVE_INFINITY
    const isSilent = now - lastReceivedAt >= SILENCE_MS
    for (let channel = -1; channel < this.channels.length; channel++) {
      const { inFlight } = this.channels[channel] ?? this.control
      for (const command of inFlight.values()) {
        if (now >= command.sentAt + this.roundTrip.timeoutMs(command.resends)) {
          const ageMs = now - command.firstSentAt
          if (ageMs >= MAX_AGE_MS || (isSilent && ageMs >= SILENCE_MS && command.resends >= LOST_RESENDS)) return 'lost'
          command.resends += 1
          command.sentAt = now
          this.resent += 1
          this.#write(command)
        }
        this.#dueAt = Math.min(this.#dueAt, command.sentAt + this.roundTrip.timeoutMs(command.resends))
      }
    }
    return 'pending'
  }

  /** Gives the memory back. */
  close(): void {
    for (const { inFlight } of this.channels) {
      for (const { bytes } of inFlight.values()) this.#budget.give(bytes.length + OVERHEAD_BYTES)
      inFlight.clear()
    }
    for (const { bytes } of this.queue) this.#budget.give(bytes.length + OVERHEAD_BYTES)
    this.queue.length = 0
    this.control.inFlight.clear()
    this.#inFlightBytes = 0
  }

  channelOf(channel: number): OutgoingChannel | undefined {
    return channel === CONTROL_CHANNEL ? this.control : this.channels[channel]
  }

  #next(channel: number, size: number): Outgoing {
    const numbers = this.channelOf(channel)
    if (!numbers) throw new RangeError(`the connection has no channel ${channel}`)
    numbers.reliable = (numbers.reliable + 1) & 0xffff
    numbers.unreliable = 0
    return { channel, sequence: numbers.reliable, bytes: Buffer.allocUnsafe(size), firstSentAt: 0, sentAt: 0, resends: -1 }
  }

  #enqueue(command: Outgoing, now: number): void {
    if (this.queue.length === 0 && this.#isInWindow(command)) this.#send(command, now)
    else this.queue.push(command)
  }

  #isInWindow({ channel, sequence, bytes }: Outgoing): boolean {
    if (this.#inFlightBytes > 0 && this.#inFlightBytes + bytes.length > this.windowBytes) return false
    const oldest = this.channelOf(channel)?.inFlight.keys().next()
    return !oldest || oldest.done || stepsAhead(oldest.value, sequence) < MAX_SEQUENCES_IN_FLIGHT
  }

  #drain(now: number): void {
    let sent = 0
    for (const command of this.queue) {
      if (!this.#isInWindow(command)) break
      this.#send(command, now)
      sent += 1
    }
    if (sent > 0) this.queue.splice(0, sent)
  }

  #send(command: Outgoing, now: number): void {
    if (command.resends < 0) {
      command.firstSentAt = now
      command.resends = 0
    }
    command.sentAt = now
    this.#inFlightBytes += command.bytes.length
    this.channelOf(command.channel)?.inFlight.set(command.sequence, command)
    this.#dueAt = Math.min(this.#dueAt, now + this.roundTrip.timeoutMs(command.resends))
    this.#write(command)
  }
}
