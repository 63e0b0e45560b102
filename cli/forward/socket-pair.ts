import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import WebSocket, { WebSocketServer } from 'ws'
import { refuseUpgrade } from '../../cells/chassis/refuse-upgrade.ts'

/** What becomes of a message on the way; undefined = it is not passed on. */
export type PassOn = (bytes: Uint8Array) => Uint8Array | undefined

export interface SocketPairOptions {
  /** A connection to the pod that serves the socket. */
  tunnel: Duplex
  /** Path and query. */
  target: string
  toClient: PassOn
  toPod: PassOn
}

const TIMEOUT_MS = 15_000
const MAX_MESSAGE_BYTES = 4 * 1024 * 1024
/** What may wait to be sent to one side before the other side is not read any more. */
const MAX_WAITING_BYTES = 1024 * 1024
/** Headers that a service reads of an upgrade; the others are of one connection. */
const PASSED = ['host', 'origin', 'user-agent', 'authorization']
/** Codes that say how a connection ended without a close frame (RFC 6455 §7.4.1). */
const NOT_SENT = new Set([1005, 1006, 1015])

const server = new WebSocketServer({
  noServer: true,
  perMessageDeflate: false,
  maxPayload: MAX_MESSAGE_BYTES,
  handleProtocols: first,
})

/**
 * Connects a client that asks for a WebSocket with a pod, once the pod has accepted it; a refusal of the pod is the client's answer. When one
 * side ends, the other one does, in the same way.
 */
export function pairSockets(request: IncomingMessage, stream: Duplex, head: Buffer, options: SocketPairOptions): void {
  const { tunnel, target, toClient, toPod } = options
  const protocols = protocolsOf(request)
  const pod = new WebSocket(`ws://pod${target}`, protocols, {
    createConnection: () => tunnel,
    headers: Object.fromEntries(PASSED.flatMap((name) => (request.headers[name] ? [[name, request.headers[name]]] : []))),
    maxPayload: MAX_MESSAGE_BYTES,
    perMessageDeflate: false,
  })
  const hangUp = () => pod.terminate()
  // A client sends nothing before it is answered; that it hangs up meanwhile is noticed only by reading.
  stream.once('close', hangUp).once('end', hangUp).once('data', hangUp)
  // A tunnel has no time-out of its own.
  const silence = setTimeout(hangUp, TIMEOUT_MS)
  pod.once('close', () => clearTimeout(silence))
  pod.once('unexpected-response', (_, answer) => {
    stream.end(
      `HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\n${retryAfter(answer)}connection: close\r\ncontent-length: 0\r\n\r\n`,
    )
    pod.terminate()
  })
  pod.on('error', () => {
    if (pod.readyState !== WebSocket.OPEN && !stream.writableEnded) refuseUpgrade(stream, 503)
  })
  pod.once('open', () => {
    clearTimeout(silence)
    stream.off('end', hangUp).off('data', hangUp)
    pod.pause()
    // The client has the protocol that the pod chose.
    if (pod.protocol) request.headers['sec-websocket-protocol'] = pod.protocol
    server.handleUpgrade(request, stream, head, (client) => {
      passOn(pod, client, toClient)
      passOn(client, pod, toPod)
      pod.resume()
    })
  })
}

function passOn(from: WebSocket, to: WebSocket, change: PassOn): void {
  from.on('message', (data: Buffer, isBinary) => {
    const bytes = isBinary ? change(data) : data
    if (bytes === undefined) return
    to.send(bytes, { binary: isBinary }, () => {
      if (from.isPaused && to.bufferedAmount < MAX_WAITING_BYTES) from.resume()
    })
    if (to.bufferedAmount > MAX_WAITING_BYTES) from.pause()
  })
  from.on('ping', (data) => to.readyState === WebSocket.OPEN && to.ping(data))
  from.on('error', () => to.terminate())
  from.on('close', (code, reason) => (NOT_SENT.has(code) ? to.terminate() : to.close(code, reason)))
}

const protocolsOf = ({ headers }: IncomingMessage): string[] =>
  (headers['sec-websocket-protocol'] ?? '')
    .split(',')
    .map((protocol) => protocol.trim())
    .filter(Boolean)

function first(protocols: ReadonlySet<string>): string | false {
  const [protocol = false] = protocols
  return protocol
}

const retryAfter = ({ headers }: IncomingMessage): string =>
  headers['retry-after'] ? `retry-after: ${headers['retry-after']}\r\n` : ''
