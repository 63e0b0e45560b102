import type { Duplex } from 'node:stream'

/** What the two relays of a hand-over say to each other. */
export const FRAME = {
  /** The successor asks for the players. */
  ask: 1,
  /** The predecessor has none to give: another relay has them. */
  refuse: 2,
  /** The predecessor has stopped: all that the successor needs. */
  state: 3,
  /** The successor has taken the players. */
  taken: 4,
  /** A datagram of a client that reached the predecessor, or one that has to leave from there. */
  datagram: 5,
} as const

/** More than the state of 4095 players in one crowd. */
const MAX_STATE_BYTES = 128 * 1024 * 1024
const MAX_SMALL_BYTES = 4_096
const HEADER_BYTES = 5
/** Datagrams are dropped, as by a network, while so much waits for the other relay. */
const MAX_WAITING_BYTES = 1024 * 1024

/** Receives a datagram with the address and port of the client. The bytes are valid during the call only. */
export type Receive = (bytes: Buffer, address: string, port: number) => void

/** The connection between two relays: frames in both directions. */
export class Link {
  /** Called for each frame; the bytes are valid during the call only. */
  onFrame: (kind: number, bytes: Buffer) => void = () => undefined
  onClose: () => void = () => undefined
  readonly #stream: Duplex
  #chunks: Buffer[] = []
  #length = 0
  #header: Buffer | undefined

  /** @param stream a stream whose errors are handled */
  constructor(stream: Duplex) {
    this.#stream = stream
    stream.on('data', (chunk: Buffer) => this.#take(chunk))
    stream.on('close', () => this.onClose())
  }

  send(kind: number, ...parts: readonly Uint8Array[]): void {
    if (this.#stream.destroyed) return
    const header = Buffer.allocUnsafe(HEADER_BYTES)
    header.writeUInt8(kind)
    const length = parts.reduce((sum, part) => sum + part.length, 0)
    header.writeUInt32BE(length, 1)
    this.#stream.cork()
    this.#stream.write(header)
    for (const part of parts) if (part.length > 0) this.#stream.write(part)
    this.#stream.uncork()
  }

  /** Sends a datagram of a client, or for one. */
  sendDatagram(bytes: Uint8Array, address: string, port: number): void {
    if (this.#stream.writableLength > MAX_WAITING_BYTES) return
    const place = Buffer.alloc(3 + address.length)
    place.writeUInt16BE(port)
    place.writeUInt8(address.length, 2)
    place.write(address, 3, 'latin1')
    // The stream may keep the bytes, the caller uses them again.
    this.send(FRAME.datagram, place, Uint8Array.from(bytes))
  }

  close(): void {
    this.#stream.destroy()
  }

  #take(chunk: Buffer): void {
    this.#chunks.push(chunk)
    this.#length += chunk.length
    while (!this.#stream.destroyed) {
      this.#header ??= this.#cut(HEADER_BYTES)
      if (!this.#header) return
      const [kind, size] = [this.#header.readUInt8(), this.#header.readUInt32BE(1)]
      if (size > (kind === FRAME.state ? MAX_STATE_BYTES : MAX_SMALL_BYTES)) {
        this.close()
        return
      }
      const bytes = this.#cut(size)
      if (!bytes) return
      this.#header = undefined
      this.onFrame(kind, bytes)
    }
  }

  #cut(size: number): Buffer | undefined {
    if (this.#length < size) return undefined
    const all = this.#chunks.length === 1 ? this.#chunks[0] : Buffer.concat(this.#chunks)
    this.#chunks = all && all.length > size ? [all.subarray(size)] : []
    this.#length -= size
    return all?.subarray(0, size) ?? Buffer.alloc(0)
  }
}

/** Reads what `sendDatagram` has written. @returns false when it is something else */
export function readDatagram(frame: Buffer, receive: Receive): boolean {
  const length = frame.length < 3 ? frame.length : frame.readUInt8(2)
  if (frame.length < 3 + length) return false
  receive(frame.subarray(3 + length), frame.toString('latin1', 3, 3 + length), frame.readUInt16BE())
  return true
}
