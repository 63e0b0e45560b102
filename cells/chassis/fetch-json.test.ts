import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { fetchJson } from './fetch-json.ts'

const cleanups: (() => void)[] = []
afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup()
})

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  cleanups.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
const limits = { timeoutMs: 2000, maxBytes: 1024 }

test('JSON is returned with its status, and a posted body is sent as JSON', async () => {
  const url = await serve(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    response.writeHead(503).end(JSON.stringify({ method: request.method, got: Buffer.concat(chunks).toString() }))
  })
  expect(await fetchJson(url, limits)).toMatchObject({ ok: true, status: 503, body: { method: 'GET', got: '' } })
  expect(await fetchJson(url, { ...limits, post: [1] })).toMatchObject({
    ok: true,
    status: 503,
    body: { method: 'POST', got: '[1]' },
  })
})

test('an answer that is too long, not JSON, late or missing is returned as a reason and not thrown', async () => {
  const long = await serve((_, response) => response.end(JSON.stringify('x'.repeat(2000))))
  const html = await serve((_, response) => response.end('<html>'))
  const hanging = await serve((_, response) => void response.writeHead(200).write('['))
  for (const url of [long, html, 'http://127.0.0.1:1', 'not a url'])
    expect(await fetchJson(url, limits)).toMatchObject({ ok: false })
  expect(await fetchJson(html, limits)).toEqual({ ok: false, reason: 'the answer, of status 200, is no JSON' })
  expect(await fetchJson(hanging, { ...limits, timeoutMs: 50 })).toMatchObject({ ok: false })
})

test('a refusal without JSON is returned with its status', async () => {
  const url = await serve((_, response) => response.writeHead(404).end('<html>'))
  expect(await fetchJson(url, limits)).toMatchObject({ ok: true, status: 404, body: undefined })
})
