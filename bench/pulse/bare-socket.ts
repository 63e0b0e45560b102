import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'

const BYTES = 640
const BUFFER_BYTES = 4 * 1024 * 1024

/** Where datagrams go. */
export interface Destination {
  address: string
  port: number
}

/**
 * A socket with which nothing is done but to send datagrams from one buffer, and to count those that arrive: what `node:dgram` and the kernel
 * cost, beside which to see the relay.
 */
export class BareSocket {
  readonly #socket = createSocket({
    type: 'udp6',
    sendBufferSize: BUFFER_BYTES,
    recvBufferSize: BUFFER_BYTES,
    lookup: (address, _, callback) => callback(null, address, address.includes(':') ? 6 : 4),
  })
  readonly #bytes = Buffer.alloc(BYTES)
  readonly #sent = { datagrams: 0, cpuMicroseconds: 0 }
  readonly #received = { datagrams: 0, cpuMicroseconds: 0 }

  async open(): Promise<void> {
    // With such a look-up it may listen before `bind` returns.
    const listening = once(this.#socket, 'listening')
    this.#socket.bind(0, '::')
    await listening
    this.#socket.on('message', () => {
      this.#received.datagrams++
    })
  }

  get port(): number {
    return this.#socket.address().port
  }

  /** Sends one datagram to each. */
  send(destinations: Iterable<Destination>): void {
    const cpu = process.cpuUsage()
    for (const { address, port } of destinations) {
      this.#socket.send(this.#bytes, 0, BYTES, port, address)
      this.#sent.datagrams++
    }
    this.#sent.cpuMicroseconds += microsecondsSince(cpu)
  }

  /** Receives what another process sends meanwhile, as long as anything arrives. */
  async receive(sending: () => Promise<unknown>): Promise<void> {
    const cpu = process.cpuUsage()
    await sending()
    for (let before = -1; before !== this.#received.datagrams; ) {
      before = this.#received.datagrams
      await setImmediate()
    }
    this.#received.cpuMicroseconds += microsecondsSince(cpu)
  }

  /** Datagrams per second of a processor's time. */
  get perSecond(): { sent: number; received: number } {
    return { sent: rate(this.#sent), received: rate(this.#received) }
  }

  close(): void {
    this.#socket.close()
  }
}

const rate = ({ datagrams, cpuMicroseconds }: { datagrams: number; cpuMicroseconds: number }): number =>
  (datagrams * 1e6) / cpuMicroseconds

function microsecondsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before)
  return user + system
}
