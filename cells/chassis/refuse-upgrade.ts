import type { Duplex } from 'node:stream'

const reasons = { 404: 'Not Found', 503: 'Service Unavailable' } as const

/**
 * Answers a request for an upgrade with an HTTP error and closes the connection.
 *
 * @param retryAfterSeconds when the client may try again; explorers take a 503 without it, and any 404, for final
 */
export function refuseUpgrade(stream: Duplex, status: keyof typeof reasons, retryAfterSeconds?: number): void {
  const retryAfter = retryAfterSeconds === undefined ? '' : `retry-after: ${retryAfterSeconds}\r\n`
  stream.end(`HTTP/1.1 ${status} ${reasons[status]}\r\n${retryAfter}connection: close\r\ncontent-length: 0\r\n\r\n`)
}
