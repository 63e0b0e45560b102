import { type Fragment, writeFragment, writeUnreliable } from './command-writer.ts'
import { CommandKind, UNSEQUENCED_FLAG } from './commands.ts'
import { copyBytes, copyWords, type OutgoingDatagram } from './datagram.ts'
import type { OutgoingChannel } from './outgoing.ts'

/** Where commands are written that are sent once. */
export interface Output {
  readonly datagram: OutgoingDatagram
  /** Makes room for a command: a full datagram is sent first. */
  place(size: number): number
}

/** Messages are mostly copied from the same memory. */
let viewed: { bytes: Uint8Array; view: DataView } = { bytes: new Uint8Array(), view: new DataView(new ArrayBuffer(0)) }

function viewOf(bytes: Uint8Array): DataView {
  if (viewed.bytes !== bytes) viewed = { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) }
  return viewed.view
}

/** Writes the messages to one peer that may be lost straight into its datagrams: they are not kept. */
export class UnreliableSender {
  /** The number of the last unsequenced message. */
  group = 0
  readonly #output: Output

  constructor(output: Output) {
    this.#output = output
  }

  /** A message that never arrives after a newer one of its channel; in pieces if it does not fit into a datagram. */
  sequenced(channel: number, numbers: OutgoingChannel, source: Uint8Array, start: number, end: number, pieceBytes: number): void {
    numbers.unreliable += 1
    if (this.fits(end - start)) {
      this.#write(CommandKind.SEND_UNRELIABLE, channel, numbers.reliable, numbers.unreliable, source, start, end)
      return
    }
    const totalBytes = end - start
    const count = Math.ceil(totalBytes / pieceBytes)
    for (let number = 0; number < count; number++) {
      const offset = number * pieceBytes
      const length = Math.min(pieceBytes, totalBytes - offset)
      const fragment: Fragment = { startSequence: numbers.unreliable, count, number, totalBytes, offset, length }
      const at = this.#output.place(24 + length)
      const { bytes } = this.#output.datagram
      writeFragment(bytes, at, CommandKind.SEND_UNRELIABLE_FRAGMENT, channel, numbers.reliable, fragment)
      copyBytes(source, start + offset, start + offset + length, bytes, at + 24)
    }
  }

  /**
   * Messages of a channel from the one at `first` on, in parts of `source` that begin and end where `ranges` says.
   *
   * @returns the index of one that has to be sent in another way, or `count`
   */
  allSequenced(
    channel: number,
    numbers: OutgoingChannel,
    source: Uint8Array,
    ranges: Uint32Array,
    first: number,
    count: number,
  ): number {
    const output = this.#output
    const { datagram } = output
    const { reliable } = numbers
    const words = viewOf(source)
    for (let i = first; i < count; i++) {
      const start = ranges[2 * i] ?? 0
      const end = ranges[2 * i + 1] ?? 0
      const length = end - start
      if (numbers.unreliable === 0xffff || !this.fits(length)) return i
      numbers.unreliable += 1
      const at = output.place(8 + length)
      const { view } = datagram
      // The same as `writeUnreliable`, in words.
      view.setUint32(at, (CommandKind.SEND_UNRELIABLE << 24) | (channel << 16) | reliable)
      view.setUint32(at + 4, (numbers.unreliable << 16) | length)
      copyWords(words, start, end, view, at + 8)
    }
    return count
  }

  /** A message that others may overtake. */
  unsequenced(channel: number, source: Uint8Array, start: number, end: number): void {
    this.group = (this.group + 1) & 0xffff
    this.#write(CommandKind.SEND_UNSEQUENCED | UNSEQUENCED_FLAG, channel, 0, this.group, source, start, end)
  }

  /** Whether a message of this length fits into a datagram. */
  fits(length: number): boolean {
    return 8 + length <= this.#output.datagram.limit - 4
  }

  #write(
    kind: number,
    channel: number,
    sequence: number,
    unreliableSequence: number,
    source: Uint8Array,
    start: number,
    end: number,
  ): void {
    const at = this.#output.place(8 + end - start)
    const { bytes } = this.#output.datagram
    writeUnreliable(bytes, at, kind, channel, sequence, unreliableSequence, end - start)
    copyBytes(source, start, end, bytes, at + 8)
  }
}
