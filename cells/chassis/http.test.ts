import { connect } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { Refusal } from './errors.ts'
import { operationalRoutes } from './health.ts'
import { createApp, ok, type Route, route, text } from './http.ts'
import { type HttpListener, listen } from './listen.ts'
import { silentLog } from './log.ts'
import { Metrics } from './metrics.ts'
import { createMounts } from './mounts.ts'

const open: HttpListener[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.stop()))
})

const app = (...routes: Route[]) => createApp({ routes, log: silentLog, metrics: new Metrics('test'), maxBodyBytes: 16 })

async function served(...routes: Route[]): Promise<string> {
  const server = await listen(app(...routes), { port: 0, host: '127.0.0.1' })
  open.push(server)
  return server.url
}

const raw = (url: string, request: string): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(url).port), '127.0.0.1')
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
    })
    socket.on('close', () => resolve(answer))
    socket.on('error', reject)
    socket.end(request)
  })

describe('an app', () => {
  test('answers a route with its parameters, query and origin', async () => {
    const url = await served(
      route('GET', '/islands/:id', ({ params, query, origin, path }) => ok({ ...params, q: query.getAll('q'), origin, path })),
    )
    const answer = await fetch(`${url}/islands/I%201?q=a&q=b`, { headers: { 'x-forwarded-proto': 'https' } })
    expect(await answer.json()).toEqual({
      id: 'I 1',
      q: ['a', 'b'],
      origin: url.replace('http:', 'https:'),
      path: '/islands/I%201',
    })
  })

  test('answers HEAD wherever it answers GET, without a body', async () => {
    const url = await served(route('GET', '/status', () => ok({ fine: true })))
    const answer = await fetch(`${url}/status`, { method: 'HEAD' })
    expect([answer.status, answer.headers.get('content-length'), await answer.text()]).toEqual([200, '13', ''])
  })

  test('answers 405 with the methods a path has, and 404 where no route matches', async () => {
    const url = await served(
      route('GET', '/a', () => text('a')),
      route('POST', '/a', () => text('a')),
    )
    const wrong = await fetch(`${url}/a`, { method: 'DELETE' })
    expect([wrong.status, wrong.headers.get('allow')]).toEqual([405, 'HEAD, GET, POST'])
    const nothing = await fetch(`${url}/b`)
    expect([nothing.status, await nothing.json()]).toEqual([404, { error: 'Not Found' }])
  })

  test('turns a refusal into its status and a bug into a constant 500', async () => {
    const url = await served(
      route('GET', '/no', () => {
        throw new Refusal('FORBIDDEN', 'not you')
      }),
      route('GET', '/bug', async () => {
        throw new Error('secret detail')
      }),
    )
    const refused = await fetch(`${url}/no`)
    expect([refused.status, await refused.json()]).toEqual([403, { error: 'not you' }])
    const bug = await fetch(`${url}/bug`)
    expect([bug.status, await bug.json()]).toEqual([500, { error: 'Internal Server Error' }])
  })

  test('refuses a body over its limit and closes the connection that carries it', async () => {
    const url = await served(route('POST', '/', async ({ body }) => text((await body()).toString())))
    expect(await (await fetch(url, { method: 'POST', body: 'short enough' })).text()).toBe('short enough')
    expect((await fetch(url, { method: 'POST', body: 'x'.repeat(17) })).status).toBe(413)
  })

  test('survives requests that are none', async () => {
    const url = await served(route('GET', '/a/:x', ({ params }) => ok(params)))
    expect(await raw(url, 'GET /a/%ZZ HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 4\d\d/)
    expect(await raw(url, 'NONSENSE\r\n\r\n')).toMatch(/^HTTP\/1\.1 400/)
    expect(await raw(url, 'PURGE /a/1 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 4\d\d/)
    expect((await fetch(`${url}/a/1`)).status).toBe(200)
  })

  test('allows requests from browsers of other origins', async () => {
    const url = await served(route('GET', '/a', () => ok(1)))
    const preflight = await fetch(`${url}/a`, {
      method: 'OPTIONS',
      headers: { origin: 'https://play.example', 'access-control-request-headers': 'x-identity-timestamp' },
    })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-headers')).toBe('x-identity-timestamp')
    const answer = await fetch(`${url}/a`, { headers: { origin: 'https://play.example' } })
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://play.example')
    expect(answer.headers.get('access-control-expose-headers')).toBe('ETag, Retry-After')
  })

  test('tells caches that an answer depends on the origin, and on what its handler names', async () => {
    const url = await served(
      route('GET', '/a', () => ok(1)),
      route('GET', '/b', () => ({ status: 200, headers: { vary: 'CF-IPCountry' } })),
    )
    for (const headers of [{}, { origin: 'https://play.example' }]) {
      expect((await fetch(`${url}/a`, { headers })).headers.get('vary')).toBe('Origin')
      expect((await fetch(`${url}/b`, { headers })).headers.get('vary')).toBe('Origin, CF-IPCountry')
    }
  })

  test('says nothing of the length of a body where the status allows none', async () => {
    const url = await served(...[200, 204, 304, 404].map((status) => route('GET', `/${status}`, () => ({ status }))))
    const lengthOf = async (status: number) => (await fetch(`${url}/${status}`)).headers.get('content-length')
    expect(await Promise.all([200, 204, 304, 404].map(lengthOf))).toEqual(['0', null, null, '0'])
    expect((await fetch(url, { method: 'OPTIONS' })).headers.get('content-length')).toBe(null)
  })
})

test('an upgrade that no app accepts is answered with 404', async () => {
  const url = await served(route('GET', '/a', () => ok(1)))
  expect(await raw(url, 'GET /ws HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n')).toMatch(
    /^HTTP\/1\.1 404/,
  )
})

test('a switchboard gives each request to the app mounted nearest to it, until that is taken away', async () => {
  const named = (name: string) =>
    app(
      route('GET', '/', ({ path }) => ok({ name, path })),
      route('GET', '/x', ({ path }) => ok({ name, path })),
    )
  const board = createMounts(named('fallback'))
  board.mount('/main', named('main'))
  const unmount = board.mount('/main/cells/0', named('cell'))
  const server = await listen(board, { port: 0, host: '127.0.0.1' })
  open.push(server)
  const fetched = async (path: string) => (await fetch(server.url + path)).json()
  expect(await fetched('/x')).toEqual({ name: 'fallback', path: '/x' })
  expect(await fetched('/main')).toEqual({ name: 'main', path: '/main' })
  expect(await fetched('/main/x?y=1')).toEqual({ name: 'main', path: '/main/x' })
  expect(await fetched('/main/cells/0/x')).toEqual({ name: 'cell', path: '/main/cells/0/x' })
  expect(await fetched('/mainland')).toEqual({ error: 'Not Found' })
  unmount()
  expect(await fetched('/main/cells/0/x')).toEqual({ error: 'Not Found' })
})

test('readiness has a reason when it fails, and liveness does not depend on it', async () => {
  let ready = false
  const metrics = new Metrics('test')
  const url = await served(...operationalRoutes(metrics, () => (ready ? { ready } : { ready, reason: 'no bus yet' })))
  const refused = await fetch(`${url}/health/ready`)
  expect([refused.status, await refused.json()]).toEqual([503, { status: 'fail', output: 'no bus yet' }])
  expect(await (await fetch(`${url}/health/live`)).text()).toBe('alive')
  ready = true
  expect((await fetch(`${url}/health/ready`)).status).toBe(200)
})

test('liveness has a reason when it fails', async () => {
  const fault = vi.fn<() => string | undefined>().mockReturnValueOnce('objects wait').mockReturnValue(undefined)
  const url = await served(...operationalRoutes(new Metrics('test'), () => ({ ready: true }), fault))
  const refused = await fetch(`${url}/health/live`)
  expect([refused.status, await refused.json()]).toEqual([503, { status: 'fail', output: 'objects wait' }])
  expect((await fetch(`${url}/health/live`)).status).toBe(200)
})

test('a taken port is explained with its remedy', async () => {
  const url = await served()
  await expect(listen(app(), { port: Number(new URL(url).port), host: '127.0.0.1' })).rejects.toThrow(
    /is taken: choose another with --port/,
  )
})
