import { isIPv4 } from 'node:net'
import { MAX_DATAGRAM_BYTES, MTU } from './datagram.ts'
import { DatagramBatch } from './datagram-batch.ts'
import type { SendDatagram } from './host-options.ts'
import { AF_INET, AF_INET6, portAt, SOCKADDR_BYTES, SocketAddresses } from './socket-addresses.ts'
import type { SocketLibrary } from './socket-library.ts'
import type { UdpCounters, UdpOptions } from './udp-port.ts'

/** Datagrams of one call. More of them gain nothing: the kernel takes the most of the time. */
const BATCH = 64
/** Longer datagrams are refused, so of those one byte more than the longest is enough. */
const INCOMING_BYTES = MAX_DATAGRAM_BYTES + 4
/** Datagrams that are received in one turn of the event loop, some milliseconds: then timers and the rest have their turn. */
const MAX_PER_TURN = 1_024

/** EAGAIN and ENOBUFS: the kernel takes no more for now. */
const FULL: ReadonlySet<number> = new Set([11, 105])
const IPPROTO_IPV6 = 41
const IPV6_V6ONLY = 26

/** The same socket as `node:dgram` sees it. */
export interface SingleSocket {
  /** Sends one datagram, to any address. It waits in a queue where the kernel takes no more. */
  send: SendDatagram
  /** How long that queue is. */
  queued(): number
}

interface BatchOptions extends Pick<UdpOptions, 'onDatagram'> {
  counters: UdpCounters
}

/**
 * A socket that is bound to an address, for `node:dgram` to go on with by its file descriptor.
 *
 * @returns undefined when it cannot be opened so; `node:dgram` by itself then says what is wrong
 */
export function openDescriptor(library: SocketLibrary, address: string, port: number): number | undefined {
  const family = familyOf(address)
  const structure = structureOf(library, family, address, port)
  const fd = structure ? library.open(family) : -1
  if (!structure || fd < 0) return undefined
  const isOfBoth = family === AF_INET || library.setOption(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0) === 0
  if (isOfBoth && library.bind(fd, structure) === 0) return fd
  library.close(fd)
  return undefined
}

const familyOf = (address: string): number => (isIPv4(address) ? AF_INET : AF_INET6)

function structureOf(library: SocketLibrary, family: number, address: string, port: number): Uint8Array | undefined {
  const bytes = Buffer.alloc(SOCKADDR_BYTES[family] as number)
  bytes.writeUInt16LE(family)
  bytes.writeUInt16BE(port, 2)
  return library.parse(family, address, bytes.subarray(family === AF_INET ? 4 : 8)) ? bytes : undefined
}

/** Sends and receives the datagrams of a socket many at a time. */
export class BatchedSocket {
  readonly #library: SocketLibrary
  readonly #fd: number
  readonly #single: SingleSocket
  readonly #counters: UdpCounters
  readonly #onDatagram: UdpOptions['onDatagram']
  readonly #addresses: SocketAddresses
  readonly #incoming: DatagramBatch
  readonly #outgoing: DatagramBatch
  /** How many datagrams wait to be sent. */
  #waiting = 0
  #receivedInTurn = 0
  #isClosed = false

  /** @param fd of a socket for the family of `address`, which stays open until this is closed */
  constructor(library: SocketLibrary, fd: number, address: string, single: SingleSocket, options: BatchOptions) {
    const family = familyOf(address)
    this.#library = library
    this.#fd = fd
    this.#single = single
    this.#counters = options.counters
    this.#onDatagram = options.onDatagram
    this.#addresses = new SocketAddresses(family, library)
    this.#incoming = new DatagramBatch(library, family, BATCH, INCOMING_BYTES)
    this.#outgoing = new DatagramBatch(library, family, BATCH, MTU)
  }

  /** Takes what has arrived, as much as one turn of the event loop may take. */
  receive(): void {
    if (this.#receivedInTurn === 0) setImmediate(this.#nextTurn)
    for (let count = BATCH; count === BATCH && this.#receivedInTurn < MAX_PER_TURN && !this.#isClosed; ) {
      count = this.#library.receive(this.#fd, this.#incoming.headersFrom(0), BATCH)
      for (let slot = 0; slot < count; slot++) this.#take(slot)
      this.#receivedInTurn += Math.max(1, count)
    }
  }

  /** Sends or drops a datagram, at the end of this turn at the latest. */
  readonly send: SendDatagram = (bytes, offset, length, port, address) => {
    if (length > MTU) return
    const batch = this.#outgoing
    const slot = this.#waiting
    if (this.#isClosed || !this.#addresses.write(address, port, batch.words, batch.addressAt(slot))) {
      // An address of a form that is rare. What was sent before leaves before.
      this.flush()
      this.#single.send(bytes, offset, length, port, address)
      return
    }
    bytes.copy(batch.bytes[slot] as Buffer, 0, offset, offset + length)
    batch.setLength(slot, length)
    this.#waiting += 1
    if (slot === 0) queueMicrotask(this.flush)
    if (this.#waiting === BATCH) this.flush()
  }

  /** Sends what waits. */
  readonly flush = (): void => {
    const end = this.#waiting
    this.#waiting = 0
    let next = 0
    while (next < end && this.#single.queued() === 0) {
      const sent = this.#library.send(this.#fd, this.#outgoing.headersFrom(next), end - next)
      if (sent < 0 && FULL.has(this.#library.errno())) break
      // An error is that of one datagram: that there is no route to its address, for example.
      if (sent <= 0) this.#counters.sendErrors += 1
      next += Math.max(1, sent)
    }
    for (; next < end; next++) this.#sendSingle(next)
  }

  /** Sends what waits, and receives nothing more. To be called before the socket is closed. */
  close(): void {
    this.flush()
    this.#isClosed = true
  }

  /** How many datagrams were dropped since they arrived faster than they were taken. */
  get missed(): number {
    return this.#isClosed ? 0 : (this.#library.missed(this.#fd) ?? 0)
  }

  readonly #nextTurn = (): void => {
    this.#receivedInTurn = 0
  }

  #take(slot: number): void {
    const { words, bytes } = this.#incoming
    const at = this.#incoming.addressAt(slot)
    const port = portAt(words, at)
    // Nothing can be sent to port 0.
    if (port === 0 || this.#isClosed) return
    try {
      this.#onDatagram(bytes[slot] as Buffer, this.#addresses.textAt(words, at), port, this.#incoming.receivedLength(slot))
    } catch (error) {
      // As if the datagram had come alone: those that came with it are taken nevertheless.
      queueMicrotask(() => {
        throw error
      })
    }
  }

  /** Leaves it to the queue of `node:dgram`, behind what is there: explorers drop states that others have overtaken. */
  #sendSingle(slot: number): void {
    const { words, bytes } = this.#outgoing
    const at = this.#outgoing.addressAt(slot)
    const length = this.#outgoing.lengthOf(slot)
    this.#single.send(bytes[slot] as Buffer, 0, length, portAt(words, at), this.#addresses.textAt(words, at))
  }
}
