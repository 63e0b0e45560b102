import { createSocket } from 'node:dgram'
import { once } from 'node:events'

const BYTES = 640

/** Where datagrams go. */
export interface Destination {
  address: string
  port: number
}

/** A loop that does nothing but send datagrams from one buffer: what `node:dgram` and the kernel cost, beside which to see the relay. */
export class BareSender {
  readonly #socket = createSocket({
    type: 'udp6',
    sendBufferSize: 4 * 1024 * 1024,
    lookup: (address, _, callback) => callback(null, address, address.includes(':') ? 6 : 4),
  })
  readonly #bytes = Buffer.alloc(BYTES)
  #sent = 0
  #cpuMicroseconds = 0

  async open(): Promise<void> {
    // With such a look-up it may listen before `bind` returns.
    const listening = once(this.#socket, 'listening')
    this.#socket.bind(0, '::')
    await listening
  }

  /** Sends one datagram to each. */
  send(destinations: Iterable<Destination>): void {
    const cpu = process.cpuUsage()
    for (const { address, port } of destinations) {
      this.#socket.send(this.#bytes, 0, BYTES, port, address)
      this.#sent++
    }
    const { user, system } = process.cpuUsage(cpu)
    this.#cpuMicroseconds += user + system
  }

  /** Datagrams per second of a processor's time. */
  get perSecond(): number {
    return (this.#sent * 1e6) / this.#cpuMicroseconds
  }

  close(): void {
    this.#socket.close()
  }
}
