import { connect, type Socket } from 'node:net'
import fc from 'fast-check'
import { afterEach, expect, onTestFinished, test } from 'vitest'
import { operationalRoutes } from './health.ts'
import { createApp, ok, route, text, type UpgradeHandler } from './http.ts'
import { type HttpListener, listen } from './listen.ts'
import { silentLog } from './log.ts'
import { Metrics } from './metrics.ts'
import { createMounts } from './mounts.ts'
import { refuseUpgrade } from './refuse-upgrade.ts'
import { splitTarget } from './request-target.ts'

const RUNS = Number(process.env.FUZZ_RUNS ?? 300)
const SEED = 20_261_127

const open: HttpListener[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((server) => server.stop()))
})

/** A service whose handlers fail in every way a handler can, below `/cells/0`. */
async function startService(upgrade: UpgradeHandler = (_, socket) => refuseUpgrade(socket, 503)) {
  const metrics = new Metrics('test')
  const inner = createApp({
    routes: [
      route('GET', '/islands/:id', ({ params, path }) => ok({ ...params, path })),
      route('GET', '/header', ({ query }) => ({ status: 200, headers: { etag: query.get('etag') ?? '' } })),
      route('GET', '/status', () => ({ status: 99_999 })),
      route('POST', '/body', async ({ body }) => text(String((await body()).length))),
    ],
    upgrades: { '/rooms/:room': upgrade },
    log: silentLog,
    metrics,
    maxBodyBytes: 1024,
  })
  const outer = createMounts(
    createApp({ routes: operationalRoutes(metrics, () => ({ ready: true })), log: silentLog, metrics: new Metrics('outer') }),
  )
  outer.mount('/cells/0', inner)
  const server = await listen(outer, { port: 0, host: '127.0.0.1' })
  open.push(server)
  const bugs = async (scope: string) => (await metrics.bugs.get()).values.find(({ labels }) => labels.scope === scope)?.value ?? 0
  return { ...server, bugs }
}

const websocket =
  'Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n'

/** Sends bytes and resolves with what came back once the server closed the connection. */
const send = (port: number, bytes: string): Promise<string> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let answer = ''
    socket.on('data', (chunk) => {
      answer += chunk.toString('latin1')
    })
    socket.on('error', () => {})
    socket.on('close', () => resolve(answer))
    socket.write(bytes)
    socket.setTimeout(3_000, () => socket.destroy())
  })
const isAlive = async (url: string) => (await fetch(`${url}/health/live`)).status

test('a header that cannot be sent ends its request with 500, and the service still answers', async () => {
  const { url, bugs } = await startService()
  const answer = await fetch(`${url}/cells/0/header?etag=${encodeURIComponent('a\r\nb')}`)
  expect(answer.status).toBe(500)
  expect((await fetch(`${url}/cells/0/status`)).status).toBe(500)
  expect(await bugs('request')).toBe(2)
  expect(await isAlive(url)).toBe(200)
})

test('an upgrade handler that throws ends its connection, and the service still answers', async () => {
  const { url, port, bugs } = await startService(() => {
    throw new Error('a bug')
  })
  expect(await send(port, `GET /cells/0/rooms/a HTTP/1.1\r\n${websocket}`)).toBe('')
  expect(await bugs('upgrade')).toBe(1)
  expect(await isAlive(url)).toBe(200)
})

test('an upgrade handler gets the parameters its router decoded', async () => {
  const rooms: unknown[] = []
  const { port } = await startService((_request, socket, _head, { room }) => {
    rooms.push(room)
    refuseUpgrade(socket, 503)
  })
  for (const target of [
    '/cells/0/rooms/I%201',
    '/cells/0//rooms/a',
    '//cells//0/rooms/b?x=/c',
    '/cells/0/rooms/a#/%zz',
    '/cells/0/rooms/%zz',
  ])
    await send(port, `GET ${target} HTTP/1.1\r\n${websocket}`)
  expect(rooms).toEqual(['I 1', 'a', 'b', 'a'])
})

test('slashes that follow each other count as one, and handlers still see the path as it was signed', async () => {
  const { url } = await startService()
  const answer = await fetch(`${url}//cells/0///islands//I1`)
  expect(await answer.json()).toEqual({ id: 'I1', path: '//cells/0///islands//I1' })
})

test('a client that hangs up in the middle of its body is no bug', async () => {
  const { port, bugs, url } = await startService()
  await new Promise<void>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write('POST /cells/0/body HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nabc', () => {
        setTimeout(() => socket.destroy(), 50)
      })
    })
    socket.on('close', () => resolve())
  })
  await new Promise((resolve) => setTimeout(resolve, 100))
  expect(await bugs('request')).toBe(0)
  expect(await isAlive(url)).toBe(200)
})

test('refused upgrades of clients that never close do not accumulate connections', async () => {
  const held = new Set<object>()
  const { port } = await startService((_request, socket) => {
    held.add(socket)
    socket.once('close', () => held.delete(socket))
    refuseUpgrade(socket, 503)
  })
  const clients: Socket[] = []
  onTestFinished(() => {
    for (const client of clients) client.destroy()
  })
  for (let n = 0; n < 200; n++) {
    const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    client.on('error', () => {})
    client.write(`GET /cells/0/rooms/a HTTP/1.1\r\n${websocket}`)
    clients.push(client)
  }
  await expect.poll(() => clients.every(({ bytesRead }) => bytesRead > 0), { timeout: 10_000 }).toBe(true)
  await expect.poll(() => held.size, { timeout: 10_000 }).toBe(0)
})

test('the service survives any target that a client sends, in a request or in an upgrade', async () => {
  const { url, port, bugs } = await startService()
  const piece = fc.constantFrom(
    '/',
    '//',
    '%',
    '#',
    '?',
    '%zz',
    '%2f',
    '%00',
    '..',
    ';',
    '\\',
    '*',
    'cells',
    '0',
    'rooms',
    'a',
    '@',
    ':',
    '[',
    'http://x',
  )
  const target = fc.array(piece, { minLength: 1, maxLength: 12 }).map((pieces) => pieces.join(''))
  await fc.assert(
    fc.asyncProperty(target, fc.boolean(), async (hostile, isUpgrade) => {
      const rest = isUpgrade ? websocket : 'Host: x\r\nConnection: close\r\n\r\n'
      expect(await send(port, `GET ${hostile} HTTP/1.1\r\n${rest}`)).toMatch(/^HTTP\/1\.1 [345]0\d |^HTTP\/1\.1 200 /)
    }),
    { numRuns: RUNS, seed: SEED },
  )
  expect(await bugs('upgrade')).toBe(0)
  expect(await bugs('request')).toBe(0)
  expect(await isAlive(url)).toBe(200)
}, 600_000)

test.each([
  ['/a?b=c', '/a', 'b=c'],
  ['/a#b?c', '/a', ''],
  ['/a?b#c', '/a', 'b'],
  ['/a?b?c', '/a', 'b?c'],
  ['', '', ''],
  ['#', '', ''],
])('the target %j has the path %j and the query %j', (target, pathname, query) => {
  expect(splitTarget(target)).toEqual({ pathname, query })
})
