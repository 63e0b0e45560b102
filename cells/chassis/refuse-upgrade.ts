import type { Duplex } from 'node:stream'

const reasons = { 404: 'Not Found', 503: 'Service Unavailable' } as const

/** Milliseconds a client has to read the refusal and to close its side. */
const CLOSE_WAIT_MS = 2_000

/**
 * Answers a request for an upgrade with an HTTP error and closes the connection.
 *
 * @param retryAfterSeconds when the client may try again; explorers take a 503 without it, and any 404, for final
 */
export function refuseUpgrade(stream: Duplex, status: keyof typeof reasons, retryAfterSeconds?: number): void {
  const retryAfter = retryAfterSeconds === undefined ? '' : `retry-after: ${retryAfterSeconds}\r\n`
  stream.on('error', () => stream.destroy())
  // A client that does not close its side would keep the connection open, and no limit counts connections that never became a
  // WebSocket.
  const timer = setTimeout(() => stream.destroy(), CLOSE_WAIT_MS)
  stream.once('close', () => clearTimeout(timer))
  stream.end(`HTTP/1.1 ${status} ${reasons[status]}\r\n${retryAfter}connection: close\r\ncontent-length: 0\r\n\r\n`)
}
