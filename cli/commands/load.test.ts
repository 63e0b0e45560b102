import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { describe, expect, type TestContext, test } from 'vitest'
import { systemClock } from '../../cells/chassis/clock.ts'
import { createLog } from '../../cells/chassis/log.ts'
import { freshFolder } from '../../testing/fresh-folder.ts'
import { startLocalRealms } from '../adapters/local-realms.ts'
import { createRoomBackendChooser } from '../adapters/room-backend.ts'
import { readManifest } from '../manifest.ts'
import { type LoadOptions, type LoadReport, load } from './load.ts'

const log = createLog('test', 'silent', { destination: process.stderr })
const MANIFEST = `
apiVersion: comms.decentraland.org/v1alpha1
kind: Realm
metadata: { name: main }
spec: { livekit: { type: None }, gatekeeper: { replicas: 0 }, cells: { template: { archipelago: { flushPeriodMilliseconds: 100 } } } }
`
const options: LoadOptions = {
  ...{ players: 12, rate: 200, for: 1_500, timeout: 10_000, at: [0, 0], spread: 1, output: 'json' },
}

async function outcomeOf(url: string, changes: Partial<LoadOptions> = {}, signal = new AbortController().signal) {
  const printed: string[] = []
  const said: string[] = []
  const ports = {
    print: async (text: string) => void printed.push(text),
    say: (text: string) => void said.push(text),
    clock: systemClock,
    signal,
  }
  const code = await load(url, { ...options, ...changes }, ports)
  return { code, text: printed.join(''), said }
}
const reportIn = ({ text }: { text: string }) => JSON.parse(text) as LoadReport

/** A realm on this machine, all in this process. */
async function aRealm(t: TestContext) {
  const roomBackends = createRoomBackendChooser({ rooms: 'embedded', host: '127.0.0.1', env: {}, log })
  const place = { host: '127.0.0.1', port: 0, publicUrl: undefined, data: join(freshFolder(), 'data'), movementPort: 0 }
  const realms = await startLocalRealms({ ...place, roomBackends, log })
  t.onTestFinished(() => realms.stop())
  const read = readManifest('realm.yaml', MANIFEST)
  if (!read.ok) throw new Error(JSON.stringify(read.problems))
  await realms.declare(read.manifest)
  await expect.poll(() => realms.states().every(({ published }) => published), { timeout: 30_000 }).toBe(true)
  return { url: `${realms.url}/main`, players: () => realms.states()[0]?.players }
}

test('players join, are on an island, send heartbeats and leave, at the end of the time or with Ctrl-C', async (t) => {
  const { url, players } = await aRealm(t)
  const outcome = await outcomeOf(`${url}/about`, { rooms: true })
  expect([outcome.code, reportIn(outcome)]).toMatchObject([
    0,
    {
      ...{ url, interrupted: false, islands: 1, failures: [], disconnects: [] },
      players: { wanted: 12, begun: 12, joined: 12, connectedAtEnd: 12 },
      joinMs: { p50: expect.any(Number), p95: expect.any(Number), p99: expect.any(Number) },
    },
  ])
  expect(reportIn(outcome).heartbeats.sent).toBeGreaterThan(0)
  expect(outcome.said.at(-1)).toMatch(/^\d+ in, 12 of 12 begun, 0 failed, \d+ heartbeats$/)
  await expect.poll(players, { timeout: 10_000 }).toBe(0)

  const ended = new AbortController()
  setTimeout(() => ended.abort(), 300)
  const { text } = await outcomeOf(url, { for: 600_000, output: 'table' }, ended.signal)
  expect(text).toMatch(/^realm +http[\s\S]*\ntime +[\d.]+ s, ended early\nplayers +\d+ of \d+ joined/)
  await expect.poll(players, { timeout: 10_000 }).toBe(0)
}, 60_000)

test('causes of failures are counted together, and the exit code is 4 where no player joined', async (t) => {
  const server = createServer((_, response) =>
    response.writeHead(503).end('full of player 0x00000000000000000000000000000000000000a1'),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.onTestFinished(() => void server.close())
  const { port } = server.address() as { port: number }
  const outcome = await outcomeOf(`http://127.0.0.1:${port}/main`, { for: 500 })
  expect([outcome.code, reportIn(outcome)]).toMatchObject([
    4,
    {
      players: { begun: 12, joined: 0 },
      joinMs: null,
      failures: [{ players: 12, cause: expect.stringMatching(/^about: .*503: full of player …$/) }],
    },
  ])
})

test('with Ctrl-C the report does not wait for a realm that does not answer', async (t) => {
  const server = createServer(() => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const ended = new AbortController()
  const printed = Promise.withResolvers<string>()
  const ports = { say: () => {}, clock: systemClock, signal: ended.signal, print: async (text: string) => printed.resolve(text) }
  const loaded = load(`http://127.0.0.1:${port}/main`, { ...options, players: 1, for: 600_000, timeout: 600_000 }, ports)
  await once(server, 'request')
  ended.abort()
  expect(JSON.parse(await printed.promise)).toMatchObject({ interrupted: true, players: { joined: 0 } })
  t.onTestFinished(() => void server.close())
  server.closeAllConnections()
  expect(await loaded).toBe(4)
})

describe('a realm of others is loaded only with the word of a person', () => {
  test.for(['realm.example.org', 'main.svc.example.org', 'localhost.example.org', '203.0.113.9', '127.0.0.1.example.org'])(
    'at %s',
    async (host) => {
      await expect(outcomeOf(`http://${host}/main`)).rejects.toMatchObject({
        exitCode: 2,
        message: expect.stringMatching(/--yes-this-is-my-realm/),
      })
    },
  )

  test.for<[string, (request: IncomingMessage, response: ServerResponse) => void]>([
    ['names it', (_, response) => response.end(aboutWith('archipelago:archipelago:wss://realm.example.org/ws'))],
    ['redirects there', (_, response) => response.writeHead(302, { location: 'https://realm.example.org/about' }).end()],
    [
      'redirects a login there',
      ({ method, headers }, response) =>
        method === 'POST'
          ? response.writeHead(307, { location: 'https://realm.example.org/login' }).end()
          : response.end(aboutWith(`signed-login:http://${headers.host}/login`)),
    ],
  ])('also where a realm of this machine %s', async ([, answer], t) => {
    const server = createServer(answer)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.onTestFinished(() => void server.close())
    const { port } = server.address() as { port: number }
    await expect(outcomeOf(`http://127.0.0.1:${port}/main`)).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringMatching(/^realm\.example\.org is neither this machine/),
    })
  })
})
const aboutWith = (adapter: string) => JSON.stringify({ healthy: true, comms: { adapter } })

test.for([
  [(path: string) => `${path}/on`, /^about: .* redirects more than 5 times$/],
  [(path: string) => (path.endsWith('/on') ? undefined : '/on'), /^about: .*503: full$/],
] as const)('redirections of a realm are followed, and not for ever: %#', async ([next, cause], t) => {
  const server = createServer(({ url = '' }, response) => {
    const location = next(url)
    response.writeHead(location ? 308 : 503, { ...(location && { location }) }).end('full')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.onTestFinished(() => void server.close())
  const { port } = server.address() as { port: number }
  const outcome = await outcomeOf(`http://127.0.0.1:${port}/main`, { players: 1, for: 200 })
  expect(reportIn(outcome).failures).toEqual([{ players: 1, cause: expect.stringMatching(cause) }])
})

test.for([
  [{ players: 0 }, /--players is from 1 to 10000/],
  [{ players: 20_000, rate: 0 }, /--players .*; --rate is from 1 to 1000/],
  [{ for: 4_000_000 }, /at most an hour/],
] as const)('%o is out of range', async ([changes, message]) => {
  await expect(outcomeOf('http://127.0.0.1:1/main', changes)).rejects.toMatchObject({
    exitCode: 2,
    message: expect.stringMatching(message),
  })
})
