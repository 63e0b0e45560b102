import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, test } from 'vitest'
import { refuseUpgrade } from './refuse-upgrade.ts'

test.each([
  [503, 5, 'HTTP/1.1 503 Service Unavailable\r\nretry-after: 5\r\nconnection: close\r\ncontent-length: 0\r\n\r\n'],
  [503, undefined, 'HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n'],
  [404, undefined, 'HTTP/1.1 404 Not Found\r\nconnection: close\r\ncontent-length: 0\r\n\r\n'],
] as const)('an upgrade is refused with %i, try again after %s', async (status, retryAfterSeconds, answer) => {
  const stream = new PassThrough()
  refuseUpgrade(stream, status, retryAfterSeconds)
  expect(await text(stream)).toBe(answer)
})
