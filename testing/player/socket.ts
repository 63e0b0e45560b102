import type { LookupFunction } from 'node:net'
import WebSocket from 'ws'
import { decodeServerPacket } from '../../cells/wire/packets.ts'

/** How to reach a connector. */
export interface SocketOptions {
  /** `ws(s)://host/ws` */
  url: string
  /** The WebSocket subprotocol to offer: by default `archipelago`, as Bevy and Godot do; null = none, as Unity does. */
  subprotocol?: string | null
  /** Replaces name resolution: resolves every host to an ingress under test. */
  lookup?: LookupFunction
  /** Source address, for load from several of 127.0.0.x. */
  localAddress?: string
  /** Extra request headers. */
  headers?: Record<string, string>
  /** How long to wait for the connection and for each answer; 10 s by default. */
  timeoutMs?: number
}

/** A packet of the server. */
export type ServerMessage = NonNullable<ReturnType<typeof decodeServerPacket>>

/** How a connection ended: 1005 = closed without a code, 1006 = lost without a close frame. */
export interface Ending {
  code: number
  reason: string
}

/** The server refused the upgrade to a WebSocket. */
export class UpgradeRefused extends Error {
  readonly status: number

  constructor(status: number) {
    super(`the upgrade was refused with ${status}`)
    this.name = 'UpgradeRefused'
    this.status = status
  }
}

/** A WebSocket to a connector without a handshake: the caller decides what is sent, invalid messages included. */
export interface PlayerSocket {
  readonly protocol: string
  /** Pings the server sent; a client that sends packets must never get one (comms.md §0.2). */
  readonly pings: number
  /** Resolves when the connection has ended; never rejects. */
  readonly closed: Promise<Ending>
  send(bytes: Uint8Array | string): void
  /** The next packet, in order. @throws when none arrives in time or the connection ends first */
  next(timeoutMs?: number): Promise<ServerMessage>
  /** Passes every packet to a callback from now on, those not yet returned by `next` first. */
  onMessage(listener: (message: ServerMessage) => void): void
  close(): void
  /** Ends the connection without a close frame, as a crash does. */
  terminate(): void
  /** Stops reading, as a stalled client does. */
  pause(): void
  resume(): void
}

const TIMEOUT_MS = 10_000

/** Opens a WebSocket. @throws UpgradeRefused, or the error of the network */
export async function openSocket(options: SocketOptions): Promise<PlayerSocket> {
  const { url, subprotocol = 'archipelago', lookup, localAddress, headers = {}, timeoutMs = TIMEOUT_MS } = options
  const socket = new WebSocket(url, subprotocol === null ? [] : [subprotocol], {
    perMessageDeflate: false,
    handshakeTimeout: timeoutMs,
    headers,
    ...(lookup && { lookup }),
    ...(localAddress && { localAddress }),
  })
  const inbox = createInbox(timeoutMs)
  let pings = 0
  socket.on('ping', () => pings++)
  socket.on('message', (bytes: Buffer, isBinary) => {
    const message = isBinary ? decodeServerPacket(bytes) : undefined
    if (message) return inbox.put(message)
    // The strictest explorers close the connection at a text frame or an empty packet.
    inbox.end('the server sent something that is no packet')
    socket.terminate()
  })
  const closed = new Promise<Ending>((resolve) => {
    socket.on('close', (code, reason) => {
      inbox.end(`the connection ended with ${code} ${reason}`)
      resolve({ code, reason: reason.toString() })
    })
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('open', resolve)
    socket.once('unexpected-response', (request, response) => {
      request.destroy()
      reject(new UpgradeRefused(response.statusCode ?? 0))
    })
    socket.on('error', reject)
  })
  return {
    get protocol() {
      return socket.protocol
    },
    get pings() {
      return pings
    },
    closed,
    send: (bytes) => socket.send(bytes),
    next: inbox.next,
    onMessage: inbox.follow,
    close: () => socket.close(),
    terminate: () => socket.terminate(),
    pause: () => socket.pause(),
    resume: () => socket.resume(),
  }
}

/** Packets that arrived, and the one reader that may be waiting for the next. */
function createInbox(defaultTimeoutMs: number) {
  const arrived: ServerMessage[] = []
  let take: ((message: ServerMessage) => void) | undefined
  let fail: ((error: Error) => void) | undefined
  let ended: string | undefined
  return {
    put(message: ServerMessage) {
      if (take) take(message)
      else arrived.push(message)
    },
    end(why: string) {
      ended ??= why
      fail?.(new Error(ended))
    },
    next(timeoutMs = defaultTimeoutMs): Promise<ServerMessage> {
      const first = arrived.shift()
      if (first) return Promise.resolve(first)
      return new Promise<ServerMessage>((resolve, reject) => {
        if (ended) return reject(new Error(ended))
        const timer = setTimeout(() => fail?.(new Error(`no packet within ${timeoutMs} ms`)), timeoutMs)
        const settle = () => {
          clearTimeout(timer)
          take = fail = undefined
        }
        take = (message) => {
          settle()
          resolve(message)
        }
        fail = (error) => {
          settle()
          reject(error)
        }
      })
    },
    follow(listener: (message: ServerMessage) => void) {
      for (const message of arrived.splice(0)) listener(message)
      take = listener
    },
  }
}
