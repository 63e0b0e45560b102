import { type Command, CommandKind } from './commands.ts'
import { copyBytes } from './datagram.ts'
import { type MemoryBudget, OVERHEAD_BYTES } from './memory-budget.ts'
import { isAfter, stepsAhead } from './sequence.ts'
import { UnreliablePieces } from './unreliable-pieces.ts'

/** How far a reliable command may be ahead of the last one delivered; one further ahead is not acknowledged, so it is sent again. */
const MAX_SEQUENCES_AHEAD = 2048
/** Once a peer's early commands take so much memory, they are kept without a word until the peer sends them again. */
const ACKNOWLEDGED_AT_ONCE_BYTES = 64 * 1024
/** A peer sends a reliable command again until it is acknowledged: who leaves a gap for so long only wants memory to be taken. */
const GAP_TIMEOUT_MS = 30_000
/** Where a fragment belongs. */
export interface FragmentPlace {
  startSequence: number
  count: number
  number: number
  totalBytes: number
  offset: number
}

/** A reliable command that arrived before an earlier one. */
export interface Held {
  bytes: Buffer
  fragment: FragmentPlace | undefined
}

/** The beginning of a reliable message: its fragments arrive here in order. */
export interface Assembly {
  startSequence: number
  count: number
  nextNumber: number
  bytes: Buffer
  length: number
}

/** Receives a message. The bytes are valid during the call only. */
export type Deliver = (channel: number, bytes: Buffer) => void

/** One channel in the direction of this host: what was delivered, and what waits for an earlier command. */
export class IncomingChannel {
  /** The number of the last reliable command that was delivered. */
  reliable = 0
  /** The number of the last unreliable message that was delivered since that reliable command. */
  unreliable = 0
  held: Map<number, Held> | undefined
  assembly: Assembly | undefined
  readonly #channel: number
  readonly #budget: MemoryBudget
  readonly #deliver: Deliver
  readonly #pieces: UnreliablePieces
  #advancedAt = 0

  constructor(channel: number, budget: MemoryBudget, deliver: Deliver) {
    this.#channel = channel
    this.#budget = budget
    this.#deliver = deliver
    this.#pieces = new UnreliablePieces(budget)
  }

  /** @returns whether to acknowledge it: it was delivered before or now, or is kept until the ones before it arrive */
  reliableCommand(command: Command, bytes: Buffer, now: number): boolean {
    const steps = stepsAhead(this.reliable, command.sequence)
    if (steps === 0 || steps >= 0x8000) {
      // An exception of the application may have kept what follows.
      this.#drain()
      return true
    }
    if (steps > MAX_SEQUENCES_AHEAD) return false
    const place = command.kind === CommandKind.SEND_FRAGMENT ? placeOf(command) : undefined
    if (!this.held && !this.assembly) this.#advancedAt = now
    if (steps > 1) return this.#hold(command, bytes, place)
    if (!this.#take(bytes, command.dataStart, command.dataEnd, place)) return false
    this.#advancedAt = now
    this.#drain()
    return true
  }

  /** Delivers a message if it is newer than the last one; messages before or after another reliable command are out of date or early. */
  unreliableMessage(command: Command, bytes: Buffer): void {
    if (command.sequence !== this.reliable || !isAfter(command.unreliableSequence, this.unreliable)) return
    this.unreliable = command.unreliableSequence
    this.#pieces.dropUntil(this.unreliable)
    this.#deliver(this.#channel, bytes.subarray(command.dataStart, command.dataEnd))
  }

  unreliableFragment(command: Command, bytes: Buffer, now: number): void {
    if (command.sequence !== this.reliable || !isAfter(command.startSequence, this.unreliable)) return
    const message = this.#pieces.add(command, bytes, now)
    if (message === undefined) return
    this.unreliable = command.startSequence
    // Fragments that overlap or leave a hole are no message.
    if (message) this.#deliver(this.#channel, message)
  }

  /** Takes over a command that another process has acknowledged. @throws RangeError when there is no memory for it */
  restoreHeld(sequence: number, held: Held, now: number): void {
    this.#advancedAt = now
    this.#keep(sequence, held)
  }

  /** Takes over the beginning of a message. @throws RangeError when there is no memory for it, or it is longer than the message */
  restoreAssembly(
    progress: Pick<Assembly, 'startSequence' | 'count' | 'nextNumber'>,
    totalBytes: number,
    begun: Buffer,
    now: number,
  ): void {
    if (begun.length > totalBytes) throw new RangeError('a message has more bytes than it announced')
    this.#advancedAt = now
    if (!this.#budget.take(totalBytes + OVERHEAD_BYTES)) throw new RangeError('there is no room for a message')
    const bytes = Buffer.allocUnsafeSlow(totalBytes)
    copyBytes(begun, 0, begun.length, bytes, 0)
    this.assembly = { ...progress, bytes, length: begun.length }
  }

  /** Forgets an unreliable message that has lost a fragment. @returns whether the peer has left a gap for too long */
  expire(now: number): boolean {
    this.#pieces.expire(now)
    return (this.held !== undefined || this.assembly !== undefined) && now - this.#advancedAt >= GAP_TIMEOUT_MS
  }

  /** Gives the memory back, and delivers nothing more. */
  close(): void {
    this.#pieces.drop()
    this.#dropAssembly()
    for (const { bytes } of this.held?.values() ?? []) this.#budget.give(bytes.length + OVERHEAD_BYTES)
    this.held = undefined
  }

  /**
   * Keeps an early command. Without an acknowledgement a peer runs out of its window and sends nothing new; but it may repeat early
   * commands before the missing one, each until it is acknowledged, so none of those in its window may be refused.
   */
  #hold(command: Command, bytes: Buffer, fragment: FragmentPlace | undefined): boolean {
    if (this.held?.has(command.sequence)) return true
    const isAcknowledged = this.#budget.takenBytes < ACKNOWLEDGED_AT_ONCE_BYTES
    const length = command.dataEnd - command.dataStart
    if (!this.#budget.takeSparing(length + OVERHEAD_BYTES)) return false
    const copy = Buffer.allocUnsafeSlow(length)
    copyBytes(bytes, command.dataStart, command.dataEnd, copy, 0)
    this.held ??= new Map()
    this.held.set(command.sequence, { bytes: copy, fragment })
    return isAcknowledged
  }

  #drain(): void {
    for (let next = this.#release(); next; next = this.#release()) {
      if (this.#take(next.bytes, 0, next.bytes.length, next.fragment)) continue
      this.#keep((this.reliable + 1) & 0xffff, next)
      return
    }
  }

  /** Removes the next command in order from those that are kept, before it is delivered: that may close the connection. */
  #release(): Held | undefined {
    const sequence = (this.reliable + 1) & 0xffff
    const next = this.held?.get(sequence)
    if (!next) return undefined
    this.#budget.give(next.bytes.length + OVERHEAD_BYTES)
    this.held?.delete(sequence)
    if (this.held?.size === 0) this.held = undefined
    return next
  }

  #keep(sequence: number, held: Held): void {
    if (!this.#budget.take(held.bytes.length + OVERHEAD_BYTES)) throw new RangeError('there is no room for a command')
    this.held ??= new Map()
    this.held.set(sequence, held)
  }

  /** Takes the next command in order. @returns false when there is no memory for the message it begins */
  #take(bytes: Buffer, start: number, end: number, place: FragmentPlace | undefined): boolean {
    if (!place) {
      this.#advance()
      this.#dropAssembly()
      this.#deliver(this.#channel, bytes.subarray(start, end))
      return true
    }
    if (place.number === 0) {
      this.#dropAssembly()
      if (!this.#budget.take(place.totalBytes + OVERHEAD_BYTES)) return false
      const { startSequence, count, totalBytes } = place
      this.assembly = { startSequence, count, nextNumber: 0, bytes: Buffer.allocUnsafeSlow(totalBytes), length: 0 }
    }
    this.#advance()
    const { assembly } = this
    if (!assembly) return true
    if (!continues(assembly, place)) this.#dropAssembly()
    else {
      copyBytes(bytes, start, end, assembly.bytes, assembly.length)
      assembly.length += end - start
      assembly.nextNumber += 1
      if (assembly.nextNumber === assembly.count) this.#complete(assembly)
    }
    return true
  }

  #complete(assembly: Assembly): void {
    this.#dropAssembly()
    if (assembly.length === assembly.bytes.length) this.#deliver(this.#channel, assembly.bytes)
  }

  #advance(): void {
    this.reliable = (this.reliable + 1) & 0xffff
    this.unreliable = 0
    this.#pieces.drop()
  }

  #dropAssembly(): void {
    if (this.assembly) this.#budget.give(this.assembly.bytes.length + OVERHEAD_BYTES)
    this.assembly = undefined
  }
}

const placeOf = (command: Command): FragmentPlace => ({
  startSequence: command.startSequence,
  count: command.fragmentCount,
  number: command.fragmentNumber,
  totalBytes: command.totalBytes,
  offset: command.fragmentOffset,
})

/** Whether a fragment is the one that must follow; its length was checked against the total when it was read. */
const continues = (assembly: Assembly, place: FragmentPlace): boolean =>
  place.number === assembly.nextNumber &&
  place.count === assembly.count &&
  place.startSequence === assembly.startSequence &&
  place.totalBytes === assembly.bytes.length &&
  place.offset === assembly.length
