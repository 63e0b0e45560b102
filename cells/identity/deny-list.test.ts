import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { ManualClock } from '../chassis/clock.ts'
import { silentLog } from '../chassis/log.ts'
import { type DenyListOptions, HttpDenyList } from './deny-list.ts'

const ANNA = '0x00000000000000000000000000000000000000aa'
const listing = (...wallets: unknown[]): string => JSON.stringify({ users: wallets.map((wallet) => ({ wallet })) })
/** Longer than the refresh interval with its jitter. */
const REFRESH_MS = 6 * 60_000
/** Longer than the retry interval with its jitter, shorter than the refresh interval. */
const RETRY_MS = 40_000

/** A deny list with a clock that stands still, and the server behind it: `answer` is what it serves, `requests` counts. */
async function aDenyList(body: string, options: Partial<DenyListOptions> = {}) {
  const server = { answer: { status: 200, body }, requests: 0 }
  const http = createServer((_, response) => {
    server.requests++
    response.writeHead(server.answer.status).end(server.answer.body)
  }).listen(0, '127.0.0.1')
  await vi.waitFor(() => expect(http.listening).toBe(true))
  const clock = new ManualClock()
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/denylist.json`
  const list = new HttpDenyList({ url, clock, log: silentLog, retryMs: 30_000, ...options })
  onTestFinished(async () => {
    await list.stop()
    http.closeAllConnections()
    http.close()
  })
  const until = (check: () => void, advanceMs = 0) =>
    vi.waitFor(() => {
      clock.advance(advanceMs)
      check()
    })
  return { list, server, until }
}

test('the last good list is kept while the URL fails, and the URL is tried again soon', async () => {
  const { list, server, until } = await aDenyList(listing(ANNA.toUpperCase().replace('0X', '0x')))
  expect(list.has(ANNA)).toBe(false)
  expect(list.known).toBe(false)
  await until(() => expect(list.has(ANNA)).toBe(true))
  expect(list.known).toBe(true)

  for (const bad of [
    { status: 500, body: '{}' },
    { status: 502, body: '{}' },
    { status: 200, body: 'null' },
    { status: 200, body: '{"users":"all"}' },
    { status: 200, body: '{}' },
    { status: 200, body: '[]' },
    { status: 200, body: '{"users":null}' },
    { status: 200, body: '{"data":{"users":[]}}' },
    { status: 200, body: '"a"' },
  ]) {
    server.answer = bad
    const before = server.requests
    await until(() => expect(server.requests).toBeGreaterThan(before), REFRESH_MS)
    expect(list.has(ANNA)).toBe(true)
  }

  server.answer = { status: 200, body: listing() }
  await until(() => expect(list.size).toBe(0), RETRY_MS)
})

test('a list is read again every five minutes; one with an empty array of users is empty', async () => {
  const { list, server, until } = await aDenyList(listing(ANNA))
  await until(() => expect(list.size).toBe(1))
  server.answer = { status: 200, body: '{"users":[]}' }
  await until(() => expect(list.size).toBe(0), REFRESH_MS)
})

test('a failed attempt is repeated after the retry interval of the caller', async () => {
  const { list, server, until } = await aDenyList(listing(), { retryMs: 10_000 })
  server.answer.status = 502
  await until(() => expect(server.requests).toBeGreaterThan(0))
  server.answer.status = 200
  await until(() => expect(list.known).toBe(true), 12_000)
})

describe('JSON of another shape', () => {
  const bodies = ['{"users":7}', '[]', 'null', '"a"', '{}', '{"users":null}']

  test.each(bodies)('%s is not a list: the list is unknown until a valid one is read', async (body) => {
    const { list, server, until } = await aDenyList(body)
    await until(() => expect(server.requests).toBeGreaterThan(1), RETRY_MS)
    expect(list.known).toBe(false)
    server.answer.body = listing(ANNA, null, 7)
    await until(() => expect(list.has(ANNA)).toBe(true), RETRY_MS)
  })

  test('entries without a wallet are ignored', async () => {
    const { list, until } = await aDenyList('{"users":[null,7,{}]}')
    await until(() => expect(list.known).toBe(true))
    expect(list.size).toBe(0)
  })
})
