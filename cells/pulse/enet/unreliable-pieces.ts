import type { Command } from './commands.ts'
import { copyBytes } from './datagram.ts'
import { type MemoryBudget, OVERHEAD_BYTES } from './memory-budget.ts'
import { isAfter } from './sequence.ts'

/** An unreliable message whose fragments do not arrive for so long has lost one. */
const TIMEOUT_MS = 5_000

interface Pieces {
  startSequence: number
  count: number
  /** Bit n is set when fragment n is there. */
  arrived: number
  bytes: Buffer
  length: number
  since: number
}

/** The fragments of the newest unreliable message of a channel, which may arrive in any order. An older message is given up for it. */
export class UnreliablePieces {
  readonly #budget: MemoryBudget
  #pieces: Pieces | undefined

  constructor(budget: MemoryBudget) {
    this.#budget = budget
  }

  /** @returns the message when this was its last fragment, `null` when they do not fit together, undefined while some are missing */
  add(command: Command, bytes: Buffer, now: number): Buffer | null | undefined {
    const { fragmentCount: count, totalBytes, fragmentNumber, fragmentOffset, dataStart, dataEnd } = command
    const pieces = this.#of(command, now)
    if (!pieces) return undefined
    if (pieces.count !== count || pieces.bytes.length !== totalBytes || (pieces.arrived >>> fragmentNumber) & 1) return undefined
    pieces.arrived |= 1 << fragmentNumber
    pieces.length += dataEnd - dataStart
    copyBytes(bytes, dataStart, dataEnd, pieces.bytes, fragmentOffset)
    if (pieces.arrived >>> 0 !== (count === 32 ? 0xffffffff : (1 << count) - 1)) return undefined
    this.drop()
    return pieces.length === totalBytes ? pieces.bytes : null
  }

  /** A message with this number was delivered: earlier ones are out of date. */
  dropUntil(sequence: number): void {
    if (this.#pieces && !isAfter(this.#pieces.startSequence, sequence)) this.drop()
  }

  expire(now: number): void {
    if (this.#pieces && now - this.#pieces.since >= TIMEOUT_MS) this.drop()
  }

  drop(): void {
    if (this.#pieces) this.#budget.give(this.#pieces.bytes.length + OVERHEAD_BYTES)
    this.#pieces = undefined
  }

  #of({ startSequence, fragmentCount: count, totalBytes }: Command, now: number): Pieces | undefined {
    if (this.#pieces && this.#pieces.startSequence !== startSequence) {
      if (!isAfter(startSequence, this.#pieces.startSequence)) return undefined
      this.drop()
    }
    if (!this.#pieces) {
      if (!this.#budget.take(totalBytes + OVERHEAD_BYTES)) return undefined
      this.#pieces = { startSequence, count, arrived: 0, bytes: Buffer.alloc(totalBytes), length: 0, since: now }
    }
    return this.#pieces
  }
}
