/**
 * The datagram around the commands: two bytes with the receiver's number for the sender (12 bits), the session (2 bits) and a flag, then
 * the time at which it was sent, if the flag is set.
 */

/** The flag of a header that has a time. (The original ENet has it in bit 15: its hosts and these do not understand each other.) */
export const SENT_TIME_FLAG = 0x4000
/** Addresses a host before it has given the sender a number. */
export const NO_PEER_ID = 0xfff
/** The length of a header with a time. */
export const HEADER_BYTES = 4
/** The MTU of a host here: passes every network without fragments of IP, also below a tunnel. */
export const MTU = 1200
/** The smallest MTU that ENet allows. */
export const MIN_MTU = 576
/** The longest datagram that ENet allows; longer ones are refused unread. */
export const MAX_DATAGRAM_BYTES = 4096
/** The most commands that a client puts into a datagram: ENet sends no more. But it takes any number that fits, so that a host sends more. */
export const MAX_COMMANDS_OF_CLIENT = 32

/** The peer ID of a header. */
export const peerIdOf = (header: number): number => header & 0xfff
/** The session bits of a header. */
export const sessionOf = (header: number): number => (header >>> 12) & 3
/** Writes a header with a time. */
export function writeHeader(bytes: Buffer, peerId: number, session: number, sentTime: number): void {
  const header = peerId | (session << 12) | SENT_TIME_FLAG
  bytes[0] = header >>> 8
  bytes[1] = header
  bytes[2] = sentTime >>> 8
  bytes[3] = sentTime
}

/** Memory for datagrams that are being written: what was given back last is taken first, since it is in the cache of the processor. */
export class DatagramMemory {
  readonly #free: ViewedBytes[] = []

  take(): ViewedBytes {
    return this.#free.pop() ?? viewed(Buffer.allocUnsafeSlow(MTU))
  }

  give(memory: ViewedBytes): void {
    this.#free.push(memory)
  }
}

/** Bytes, and the same as words. */
interface ViewedBytes {
  readonly bytes: Buffer
  readonly view: DataView
}

const viewed = (bytes: Buffer): ViewedBytes => ({ bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length) })

const NOTHING = viewed(Buffer.alloc(0))

/** A datagram that commands are written into until it is full or the host flushes it. It has memory only while there is something in it. */
export class OutgoingDatagram {
  #lent = NOTHING
  /** How long it may become. */
  limit = MTU
  length = HEADER_BYTES
  maxCommands = MTU
  commands = 0
  readonly #memory: DatagramMemory

  constructor(memory: DatagramMemory) {
    this.#memory = memory
  }

  /** What was written; only while it is not empty. */
  get bytes(): Buffer {
    return this.#lent.bytes
  }

  get view(): DataView {
    return this.#lent.view
  }

  get isEmpty(): boolean {
    return this.commands === 0
  }

  fits(size: number): boolean {
    return this.length + size <= this.limit && this.commands < this.maxCommands
  }

  /** Where a command of `size` bytes is to be written in `bytes`. Only after `fits`. */
  place(size: number): number {
    if (this.commands === 0) this.#lent = this.#memory.take()
    const at = this.length
    this.length += size
    this.commands += 1
    return at
  }

  /** What was written is sent, or of no use any more. */
  clear(): void {
    if (this.commands > 0) this.#memory.give(this.#lent)
    this.#lent = NOTHING
    this.length = HEADER_BYTES
    this.commands = 0
  }
}

/** Longer pieces are copied by the runtime, which costs an object each time; shorter ones are copied faster by hand. */
const COPY_BY_HAND_BYTES = 256

/** Copies `source` from `start` to `end` into `target`. */
export function copyBytes(source: Uint8Array, start: number, end: number, target: Buffer, at: number): void {
  if (end - start > COPY_BY_HAND_BYTES) target.set(source.subarray(start, end), at)
  else for (let from = start, to = at; from < end; from++, to++) target[to] = source[from] as number
}

/** Copies `source` from `start` to `end`, four bytes at a time, which for some tens of bytes is the fastest of all ways. */
export function copyWords(source: DataView, start: number, end: number, target: DataView, at: number): void {
  let from = start
  let to = at
  for (; from + 4 <= end; from += 4, to += 4) target.setUint32(to, source.getUint32(from, true), true)
  for (; from < end; from++, to++) target.setUint8(to, source.getUint8(from))
}
