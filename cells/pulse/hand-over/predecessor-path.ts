import type { SendDatagram } from '../enet/host-options.ts'
import { FRAME, type Link, type Receive, readDatagram } from './link.ts'

const keyOf = (address: string, port: number): string => `${address}|${port}`

/**
 * The way between clients and this relay over its predecessor. Clients know the address at which they reached the predecessor, and take
 * no answer from another one: what is for them leaves from there until they reach this relay itself.
 */
export class PredecessorPath {
  readonly #direct: SendDatagram
  readonly #links = new Map<string, Link>()

  constructor(direct: SendDatagram) {
    this.#direct = direct
  }

  /** @param clients those that the predecessor had */
  open(link: Link, clients: Iterable<{ address: string; port: number }>, receive: Receive): void {
    for (const { address, port } of clients) this.#links.set(keyOf(address, port), link)
    const take: Receive = (bytes, address, port) => {
      this.#links.set(keyOf(address, port), link)
      receive(bytes, address, port)
    }
    link.onFrame = (kind, frame) => {
      if (kind !== FRAME.datagram || !readDatagram(frame, take)) link.close()
    }
    link.onClose = () => {
      for (const [client, via] of this.#links) if (via === link) this.#links.delete(client)
    }
  }

  /** A client has reached this relay itself. */
  arrived(address: string, port: number): void {
    if (this.#links.size > 0) this.#links.delete(keyOf(address, port))
  }

  send: SendDatagram = (bytes, offset, length, port, address) => {
    const link = this.#links.size > 0 ? this.#links.get(keyOf(address, port)) : undefined
    if (link) link.sendDatagram(bytes.subarray(offset, offset + length), address, port)
    else this.#direct(bytes, offset, length, port, address)
  }
}
