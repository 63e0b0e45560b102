import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { setImmediate } from 'node:timers/promises'

const BYTES = 640
/** Turns of the event loop in which nothing arrives: what is missing then was lost. */
const MAX_IDLE = 20
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

  /** Receives so many datagrams that another process sends meanwhile, as long as any arrive. */
  async receive(datagrams: number, sending: () => Promise<unknown>): Promise<void> {
    const received = this.#received
    const all = received.datagrams + datagrams
    const cpu = process.cpuUsage()
    await sending()
    for (
      let idle = 0, before = 0;
      received.datagrams < all && idle < MAX_IDLE;
      idle = before === received.datagrams ? idle + 1 : 0
    ) {
      before = received.datagrams
      await setImmediate()
    }
    received.cpuMicroseconds += microsecondsSince(cpu)
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
