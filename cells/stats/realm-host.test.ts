import { createServer, type IncomingMessage, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { expect, onTestFinished, test } from 'vitest'
import { rawGet } from '../realm-provider/fixtures.ts'
import { aStats } from './fixtures.ts'

interface Seen {
  method: string | undefined
  url: string | undefined
  headers: IncomingMessage['headers']
  body: string
}

/** A realm provider that answers as `answer` says, and what it was sent. */
async function aProvider(answer: { status?: number; headers?: Record<string, string>; body?: string | Buffer } = {}) {
  const seen: Seen[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8').on('data', (chunk: string) => {
      body += chunk
    })
    request.on('end', () => {
      seen.push({ method: request.method, url: request.url, headers: request.headers, body })
      const content = answer.body ?? '{}'
      response.writeHead(answer.status ?? 200, { 'content-length': Buffer.byteLength(content), ...answer.headers })
      response.end(request.method === 'HEAD' ? undefined : content)
    })
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  onTestFinished(() => {
    server.close().closeAllConnections()
  })
  return { seen, answer, server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

test('the description, the content and the profiles of the realm are those of the realm provider, for the client that asks', async (t) => {
  const provider = await aProvider({
    headers: {
      'content-type': 'application/json',
      etag: '"a"',
      'cache-control': 'public, max-age=1',
      vary: 'Origin, Accept-Encoding, CF-IPCountry',
      'access-control-allow-origin': '*',
    },
    body: '{"healthy":true}',
  })
  const { get } = await aStats(t, { REALM_NAME: 'Plaza', REALM_PROVIDER_URL: `${provider.url}/` })
  const headers = { 'x-forwarded-for': '203.0.113.9', 'x-forwarded-proto': 'https', 'cf-ipcountry': 'DE', origin: 'https://site' }
  const answer = await get('//about?catalyst=https%3A%2F%2Fa', { headers: { ...headers, authorization: 'Bearer secret' } })
  expect([answer.status, await answer.json()]).toEqual([200, { healthy: true }])
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    'content-type': 'application/json',
    etag: '"a"',
    'cache-control': 'public, max-age=1',
    vary: 'Origin, Accept-Encoding, CF-IPCountry',
    'access-control-allow-origin': 'https://site',
  })
  expect(provider.seen[0]).toMatchObject({
    method: 'GET',
    url: '/Plaza/about?catalyst=https%3A%2F%2Fa',
    headers: {
      'x-forwarded-for': '203.0.113.9, 127.0.0.1',
      'x-forwarded-proto': 'https',
      'cf-ipcountry': 'DE',
      'x-realm-host': 'true',
    },
  })
  expect(provider.seen[0]?.headers.host).toBe(new URL(answer.url).host)
  for (const name of ['authorization', 'origin']) expect(provider.seen[0]?.headers).not.toHaveProperty(name)

  await get('/content//entities/active', { method: 'POST', body: '{"pointers":["0,0"]}' })
  expect(provider.seen[1]).toMatchObject({ method: 'POST', url: '/Plaza/content/entities/active', body: '{"pointers":["0,0"]}' })
  const head = await get('/about/', { method: 'HEAD' })
  expect([head.status, head.headers.get('content-length'), provider.seen[2]?.method]).toEqual([200, '16', 'HEAD'])
  for (const path of ['/scenes', '/lambdas/profiles/0x1']) expect((await get(path)).status).toBe(200)
})

test('a form that the realm provider chose is passed on as it is, also a redirection and a 304', async (t) => {
  const body = '{"healthy":true}'.repeat(500)
  const provider = await aProvider({ headers: { etag: '"a-gzip"', 'content-encoding': 'gzip' }, body: gzipSync(body) })
  const { get } = await aStats(t, { REALM_PROVIDER_URL: provider.url })
  const answer = await get('/about')
  expect([answer.headers.get('etag'), await answer.text()]).toEqual(['"a-gzip"', body])
  provider.answer.status = 304
  provider.answer.body = ''
  expect((await get('/about', { headers: { 'if-none-match': '"a"' } })).status).toBe(304)
  Object.assign(provider.answer, { status: 307, headers: { location: 'https://peer.example/content/status' } })
  const moved = await get('/content/status', { redirect: 'manual' })
  expect([moved.status, moved.headers.get('location')]).toEqual([307, 'https://peer.example/content/status'])
})

/** Sends a path as it is, where `fetch` would resolve its dots. */
const statusOf = (url: string, path: string): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url)
    request({ hostname, port, path }, (response) => resolve(response.resume().statusCode))
      .on('error', reject)
      .end()
  })

test('no path leads to other routes of the realm provider, and without one there is no description here', async (t) => {
  const provider = await aProvider()
  const { get } = await aStats(t, { REALM_PROVIDER_URL: provider.url })
  const { url } = await get('/status')
  for (const path of ['/content/../../realms', '/content/%2e%2e/%2E%2e/realms', '/content/..', '/main/about', '/contents'])
    expect([path, await statusOf(url, path)]).toEqual([path, 404])
  expect(provider.seen).toEqual([])
  const { get: without } = await aStats(t)
  expect((await without('/about')).status).toBe(404)
})

test('a realm provider that does not answer, or answers without end, is a 503 after which clients come back', async (t) => {
  const provider = await aProvider({ body: 'x'.repeat(2 * 1024 * 1024) })
  const { get } = await aStats(t, { REALM_PROVIDER_URL: provider.url })
  const tooLong = await get('/about')
  expect([tooLong.status, tooLong.headers.get('retry-after')]).toEqual([503, '5'])
  provider.server.close().closeAllConnections()
  const away = await get('/about', { method: 'HEAD' })
  expect([away.status, away.headers.get('retry-after')]).toEqual([503, '5'])
})

const shared = { 'cache-control': 'public, max-age=1', etag: '"a"', 'content-type': 'application/json' }

test('a description that caches may keep is asked for once a second, with GET or HEAD, and answered in what each client accepts', async (t) => {
  const provider = await aProvider({ headers: { ...shared, vary: 'Origin, Accept-Encoding' }, body: '{"healthy":true}' })
  const { get, clock } = await aStats(t, { REALM_PROVIDER_URL: provider.url })
  for (let n = 0; n < 5; n++) expect(await (await get('/about')).json()).toEqual({ healthy: true })
  const head = await get('//about/', { method: 'HEAD' })
  expect([head.status, head.headers.get('content-length')]).toEqual([200, '16'])
  expect((await get('/about', { headers: { 'if-none-match': '"a"' } })).status).toBe(304)
  expect(provider.seen).toHaveLength(1)
  expect(provider.seen[0]?.headers).not.toHaveProperty('accept-encoding')

  // It still holds.
  clock.advance(1_000)
  Object.assign(provider.answer, { status: 304, body: '' })
  for (let n = 0; n < 5; n++) {
    const again = await get('/about')
    expect([again.headers.get('vary'), await again.json()]).toEqual(['Origin, Accept-Encoding', { healthy: true }])
  }
  expect(provider.seen.map(({ headers }) => headers['if-none-match'])).toEqual([undefined, '"a"'])
  clock.advance(1_000)
  Object.assign(provider.answer, { status: 200, body: '{"healthy":false}', headers: { ...shared, etag: '"b"' } })
  expect(await (await get('/about')).json()).toEqual({ healthy: false })
  clock.advance(1_000)
  Object.assign(provider.answer, { status: 503, body: '{}' })
  for (let n = 0; n < 2; n++) expect((await get('/about')).status).toBe(503)
  expect(provider.seen).toHaveLength(5)
})

test('a description for one client, one host or one country is given to no other', async (t) => {
  const provider = await aProvider({
    headers: { ...shared, vary: 'Origin, Accept-Encoding, CF-IPCountry' },
    body: '{"healthy":true}',
  })
  const { get, clock } = await aStats(t, { REALM_PROVIDER_URL: provider.url })
  const { url } = await get('/status')
  const asks = async (headers: Record<string, string>, query = '') => {
    const before = provider.seen.length
    await rawGet(url, `/about${query}`, headers.host, headers)
    return provider.seen.length > before
  }
  for (const headers of [{ host: 'a.example' }, { host: 'b.example' }, { host: 'a.example', 'x-forwarded-proto': 'https' }])
    expect([await asks(headers), await asks(headers)]).toEqual([true, false])
  const from = (country: string) => asks({ host: 'a.example', 'cf-ipcountry': country })
  expect([await from('DE'), await from('JP'), await from('DE'), await from('JP')]).toEqual([true, true, false, false])
  expect([await asks({ host: 'a.example' }, '?catalyst=x'), await asks({ host: 'a.example' }, '?catalyst=x')]).toEqual([
    true,
    true,
  ])
  for (const control of ['private, max-age=1', 'no-store', 'public', 'public, no-cache, max-age=5', 'max-age=5']) {
    clock.advance(10_000)
    Object.assign(provider.answer, { headers: { ...shared, 'cache-control': control } })
    expect([await asks({ host: 'c.example' }), await asks({ host: 'c.example' })]).toEqual([true, true])
  }
})

test('clients that write ever other headers have no memory taken up without end', async (t) => {
  const provider = await aProvider({ headers: { ...shared, vary: 'CF-IPCountry' }, body: `{"healthy":"${'x'.repeat(100_000)}"}` })
  const { get } = await aStats(t, { REALM_PROVIDER_URL: provider.url })
  const ask = async (n: number) => (await get('/about', { headers: { 'cf-ipcountry': `${n}` } })).arrayBuffer()
  for (let n = 0; n < 60; n++) await ask(n)
  const before = provider.seen.length
  await ask(59)
  expect(provider.seen).toHaveLength(before)
  await ask(0)
  expect(provider.seen).toHaveLength(before + 1)
})
