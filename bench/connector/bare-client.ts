import { connect, type Socket } from 'node:net'

const BINARY = 0x82
const MASKED = 0x80
const LENGTH_OF_16_BITS = 126
const MASK_BYTES = 4

/** What arrives on any connection of this process is read into it, and used before the next read. */
const buffer = Buffer.alloc(64 * 1024)

export interface BareClientOptions {
  /** `ws://host:port/path` */
  url: string
  localAddress: string
  timeoutMs: number
}

/** A WebSocket client with nothing but short binary frames: many of them cost a load little beside the server they are to load. */
export class BareClient {
  readonly #socket: Socket
  readonly #waiting: { resolve: (text: string) => void; reject: (error: Error) => void }[] = []
  #received = ''
  #isOpen = false

  private constructor(socket: Socket) {
    this.#socket = socket
  }

  /** Connects, and resolves once the upgrade was answered. @throws when it is refused, or takes longer than the time-out */
  static async open({ url, localAddress, timeoutMs }: BareClientOptions): Promise<BareClient> {
    const { hostname, port, pathname, host } = new URL(url)
    const socket: Socket = connect({
      ...{ host: hostname, port: Number(port), localAddress, noDelay: true },
      onread: { buffer, callback: (bytes) => client.#read(buffer.toString('latin1', 0, bytes)) },
    })
    const client = new BareClient(socket)
    const end = (error = new Error('the connection ended')) => client.#end(error)
    socket.on('error', end).on('close', () => end())
    const timer = setTimeout(() => socket.destroy(new Error('no answer in time')), timeoutMs)
    socket.write(
      `GET ${pathname} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: archipelago\r\n\r\n`,
    )
    try {
      await client.next()
      return client
    } finally {
      clearTimeout(timer)
    }
  }

  /** Sends one message. */
  send(payload: Uint8Array): void {
    const isShort = payload.length < LENGTH_OF_16_BITS
    const from = (isShort ? 2 : 4) + MASK_BYTES
    const frame = Buffer.allocUnsafe(from + payload.length)
    frame[0] = BINARY
    frame[1] = MASKED | (isShort ? payload.length : LENGTH_OF_16_BITS)
    if (!isShort) frame.writeUInt16BE(payload.length, 2)
    frame.fill(0, from - MASK_BYTES, from)
    frame.set(payload, from)
    this.#socket.write(frame)
  }

  /** The next answer, its bytes as latin1. @throws when the connection ends */
  next(): Promise<string> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }))
  }

  /** Drops the connection. */
  end(): void {
    this.#socket.destroy()
  }

  #read(text: string): true {
    this.#received += text
    for (let length = this.#answerLength(); length > 0 && length <= this.#received.length; length = this.#answerLength()) {
      const answer = this.#received.slice(0, length)
      this.#received = this.#received.slice(length)
      if (!this.#isOpen && !answer.startsWith('HTTP/1.1 101 ')) this.#socket.destroy(new Error(answer.split('\r\n')[0]))
      this.#isOpen = true
      this.#waiting.shift()?.resolve(answer)
    }
    return true
  }

  /** Of the head of the upgrade, then of each frame; 0 while it is not known. */
  #answerLength(): number {
    const text = this.#received
    if (!this.#isOpen) return text.indexOf('\r\n\r\n') + 4 > 3 ? text.indexOf('\r\n\r\n') + 4 : 0
    if (text.length < 2) return 0
    const short = text.charCodeAt(1)
    if (short < LENGTH_OF_16_BITS) return 2 + short
    return text.length < 4 ? 0 : 4 + text.charCodeAt(2) * 256 + text.charCodeAt(3)
  }

  #end(error: Error): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }
}
