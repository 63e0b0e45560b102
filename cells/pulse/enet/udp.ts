import { createSocket, type Socket } from 'node:dgram'
import { isIPv4 } from 'node:net'
import { BatchedSocket, openDescriptor } from './batched-socket.ts'
import { MTU } from './datagram.ts'
import type { SendDatagram } from './host-options.ts'
import { loadSocketLibrary } from './socket-library.ts'
import type { UdpCounters, UdpOptions, UdpPort } from './udp-port.ts'

/** Some hundred milliseconds of a crowd's datagrams, should this process be busy. The kernel may grant less (net.core.rmem_max). */
const BUFFER_BYTES = 4 * 1024 * 1024
/** Datagrams that the kernel has not taken yet; further ones are dropped, as a full kernel would do. */
const MAX_QUEUED = 1024
/** After so many datagrams without an error, the outcome of one of so many is asked for. */
const GOOD_OUTCOMES = 1024
const SAMPLE = 16

/** Opens a socket. @throws when the port is taken or the address is not one of this machine */
export async function openUdp(options: UdpOptions): Promise<UdpPort> {
  if (options.address !== undefined) return bind(options, isIPv4(options.address) ? 'udp4' : 'udp6', options.address)
  try {
    return await bind(options, 'udp6', '::')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && /^(EAFNOSUPPORT|EADDRNOTAVAIL|EINVAL)$/.test(String(error.code))))
      throw error
    return bind(options, 'udp4', '0.0.0.0')
  }
}

/** Addresses come from the socket itself. Without this, each send would wait a turn of the event loop for their look-up. */
const lookUpNothing = (
  address: string,
  _: unknown,
  callback: (error: NodeJS.ErrnoException | null, address: string, family: number) => void,
): void => callback(null, address, address.includes(':') ? 6 : 4)

async function bind(options: UdpOptions, type: 'udp4' | 'udp6', address: string): Promise<UdpPort> {
  const { port, inBatches = false, receiveBufferBytes = BUFFER_BYTES, sendBufferBytes = BUFFER_BYTES } = options
  const buffers = { recvBufferSize: receiveBufferBytes, sendBufferSize: sendBufferBytes }
  const socket = createSocket({ type, lookup: lookUpNothing, ...buffers })
  const library = inBatches ? await loadSocketLibrary() : undefined
  const fd = library && openDescriptor(library, address, port)
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('error', reject)
      socket.bind(fd === undefined ? { port, address } : { fd }, () => resolve())
    })
  } catch (error) {
    socket.close()
    throw error
  }
  socket.removeAllListeners('error')
  const counters: UdpCounters = { sendErrors: 0, dropped: 0 }
  socket.on('error', () => {
    counters.sendErrors += 1
  })
  const { onDatagram } = options
  const single = { send: sender(socket, counters), queued: () => socket.getSendQueueCount() }
  const batched =
    library && fd !== undefined ? new BatchedSocket(library, fd, address, single, { counters, onDatagram }) : undefined
  socket.on('message', (bytes, from) => {
    // Nothing can be sent to port 0.
    if (from.port !== 0) onDatagram(bytes, from.address, from.port, bytes.length)
    batched?.receive()
  })
  return {
    port: socket.address().port,
    counters,
    isInBatches: batched !== undefined,
    get missed() {
      return batched?.missed ?? 0
    },
    send: batched?.send ?? single.send,
    addressOf: (ip) => (type === 'udp6' && isIPv4(ip) ? `::ffff:${ip}` : ip),
    close() {
      batched?.close()
      return closed(socket)
    },
  }
}

/**
 * The kernel mostly takes a datagram at once, but may leave it in a queue, which refers to the memory it was given. So each is copied into
 * one of more buffers than the queue may become long, and the next one into the same buffer if the queue is empty: it is in the cache.
 */
function sender(socket: Socket, counters: UdpCounters): SendDatagram {
  // Most sockets never leave a datagram in the queue.
  const ring: Buffer[] = []
  const outcomes = new SampledOutcomes(counters)
  let next = 0
  /** How many were left in the queue at last: it only becomes shorter by itself, and to ask costs. */
  let queued = 0
  return (bytes, offset, length, port, address) => {
    if (length > MTU) return
    const target = ring[next] ?? Buffer.allocUnsafeSlow(MTU)
    ring[next] = target
    try {
      if (queued >= MAX_QUEUED && socket.getSendQueueCount() >= MAX_QUEUED) {
        counters.dropped += 1
        return
      }
      bytes.copy(target, 0, offset, offset + length)
      socket.send(target, 0, length, port, address, outcomes.callback())
      queued = socket.getSendQueueCount()
      if (queued > 0) next = (next + 1) % (MAX_QUEUED + 1)
    } catch {
      // The socket is closed, or the address is none.
      counters.sendErrors += 1
    }
  }
}

/**
 * The outcomes of sending. To ask for one costs a sixth of sending itself: as long as all goes well, only every sixteenth is asked for, and
 * an error among them counts for those that were not.
 */
class SampledOutcomes {
  readonly #counters: UdpCounters
  /** Outcomes that were good, one after the other. */
  #good = 0
  #unasked = 0

  constructor(counters: UdpCounters) {
    this.#counters = counters
  }

  /** What to pass along with the next datagram. */
  callback(): ((error: Error | null) => void) | undefined {
    if (this.#good < GOOD_OUTCOMES || this.#unasked === SAMPLE - 1) {
      this.#unasked = 0
      return this.#take
    }
    this.#unasked += 1
    return undefined
  }

  readonly #take = (error: Error | null): void => {
    if (!error) {
      this.#good += 1
      return
    }
    this.#counters.sendErrors += this.#good < GOOD_OUTCOMES ? 1 : SAMPLE
    this.#good = 0
  }
}

const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    socket.removeAllListeners('message')
    try {
      socket.close(() => resolve())
    } catch {
      resolve()
    }
  })
