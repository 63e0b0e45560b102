import type { AddressInfo } from 'node:net'
import { createServer, type Server } from 'node:net'
import fc from 'fast-check'
import { systemClock } from '../../../cells/chassis/clock.ts'
import { listen } from '../../../cells/chassis/listen.ts'
import { silentLog } from '../../../cells/chassis/log.ts'
import { Metrics } from '../../../cells/chassis/metrics.ts'
import { aCatalystAbout, anEndpoint, aRealm } from '../../../cells/realm-provider/fixtures.ts'
import { startRealmProvider } from '../../../cells/realm-provider/service.ts'
import { createLocalSource } from '../../../cells/realm-provider/sources/local.ts'
import { edited, editedJson, hostileValue, jsonEdits, type TextEdit, textEdits } from '../generators.ts'
import { fuzzTarget } from '../target.ts'

const PATHS = ['/about', '/core-status', '/cells', '/hot-scenes', '/map'] as const
type Path = (typeof PATHS)[number]

interface Answers {
  head: string
  bodies: Readonly<Record<Path, string>>
  edits: readonly TextEdit[]
}

const POLL_MS = 10
const documents: Record<Path, unknown> = {
  '/about': {
    ...aCatalystAbout('https://catalyst.example'),
    configurations: {
      networkId: 1,
      scenesUrn: ['urn:x'],
      globalScenesUrn: [],
      map: { minimapEnabled: true, sizes: [{ left: 0, top: 0, right: 1, bottom: 1 }] },
    },
    bff: { healthy: true, publicUrl: 'https://x' },
  },
  '/core-status': { healthy: true, userCount: 3, usersCount: 3, version: 'x' },
  '/cells': { ok: true, cells: [{ scope: 'realms.main.0', slot: 0, cell: 0, userCount: 1, peers: 1 }] },
  '/hot-scenes': [
    {
      id: 'bafy',
      name: 'scene',
      baseCoords: [0, 0],
      usersTotalCount: 3,
      parcels: [
        [0, 0],
        [0, 1],
      ],
      thumbnail: 'https://x',
      realms: [],
    },
  ],
  '/map': {
    ok: true,
    instance: 'a',
    peers: 2,
    tile: 1,
    tiles: [0, 0, 2],
    dots: [8, 8, 0, 9, 9, 0],
    islandCount: 1,
    islands: [{ id: 'I1', center: [8, 8], radius: 2, peers: 2 }],
    cells: [{ slot: 0, healthy: true, userCount: 2, islands: 1, peers: 2, heartbeats: 5, joins: 2, leaves: 0 }],
  },
}

const body = (path: Path) =>
  fc.oneof(
    { weight: 4, arbitrary: jsonEdits(3).map((edits) => JSON.stringify(editedJson(documents[path], edits)) ?? '') },
    { weight: 1, arbitrary: hostileValue.map((value) => JSON.stringify(value) ?? '') },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        '',
        '[',
        '{"a":',
        '['.repeat(100_000),
        `[${'{},'.repeat(100_000)}{}]`,
        `"${'a'.repeat(300_000)}"`,
      ),
    },
  )

const head = fc.oneof(
  { weight: 4, arbitrary: fc.constant('HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n') },
  fc.constantFrom(
    'HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:1/\r\n\r\n',
    'HTTP/1.1 204 No Content\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n',
    'HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n',
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\n',
    'HTTP/1.1 999 \r\n\r\n',
    'ICY 200 OK\r\n\r\n',
    '',
  ),
)

/** A server of another party, which answers every request with the bytes of the input. */
async function startHostileServer() {
  const state = { answers: undefined as Answers | undefined, asked: new Set<string>() }
  const server: Server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', (bytes) => {
      const path = bytes.toString('latin1').split(' ')[1] as Path
      const { head: sentHead = '', bodies, edits = [] } = state.answers ?? {}
      socket.end(Buffer.from(edited(`${sentHead}${bodies?.[path] ?? ''}`, edits), 'latin1'))
      state.asked.add(path)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { state, server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

/** Answers of catalysts and statistics, which belong to tenants, to the realm provider that polls them. */
export const answers = fuzzTarget<Answers>({
  name: 'answers',
  inputs: fc.record({
    head,
    bodies: fc.record(Object.fromEntries(PATHS.map((path) => [path, body(path)])) as Record<Path, fc.Arbitrary<string>>),
    edits: fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, textEdits(2)),
  }),
  inputsInSuite: 100,
  async start() {
    const hostile = await startHostileServer()
    const source = createLocalSource()
    source.set(aRealm({ name: 'main' }))
    source.set(
      aRealm({
        name: 'hostile',
        namespace: 'tenant',
        endpoints: [anEndpoint(0), anEndpoint(1)],
        content: { catalysts: [hostile.url] },
        statsUrl: hostile.url,
      }),
    )
    const metrics = new Metrics('realm-provider')
    const timing = { periodMs: POLL_MS, retryMs: POLL_MS, timeoutMs: 500 }
    const maps = { watchedMs: POLL_MS, unwatchedMs: POLL_MS }
    const provider = await startRealmProvider(
      { COMMIT_HASH: '', CURRENT_VERSION: '', ALLOW_LOCAL_URLS: 'true' },
      { source, log: silentLog, clock: systemClock, metrics, timing: { catalysts: timing, stats: timing, maps } },
    )
    const http = await listen(provider.app, { host: '127.0.0.1', port: 0 })
    const isAnswered = async (path: string, statuses: readonly number[]) => {
      const response = await fetch(http.url + path)
      const text = await response.text()
      if (!statuses.includes(response.status)) throw new Error(`${path} answered ${response.status}: ${text.slice(0, 200)}`)
    }
    return {
      async send(input) {
        hostile.state.answers = input
        // Two rounds: the second request of each path was sent after the first answer had been read.
        for (let round = 0; round < 2; round++) {
          hostile.state.asked.clear()
          for (let waits = 0; hostile.state.asked.size < PATHS.length; waits++) {
            if (waits > 3_000) throw new Error(`only ${[...hostile.state.asked]} are still polled`)
            await new Promise((resolve) => setTimeout(resolve, 5))
          }
        }
        await isAnswered('/hostile/about', [200, 503])
        await isAnswered('/main/about', [200])
        await isAnswered('/realms', [200])
        await isAnswered('/hot-scenes', [200])
        await isAnswered('/console/snapshot', [200])
      },
      async problems() {
        const { values } = await metrics.bugs.get()
        metrics.bugs.reset()
        return values.filter(({ value }) => value > 0).map(({ value, labels }) => `${value} bugs: ${labels.scope}`)
      },
      serveHonestly: () => isAnswered('/health/live', [200]),
      async stop() {
        await http.stop()
        await provider.stop()
        await new Promise((resolve) => hostile.server.close(resolve))
      },
    }
  },
})
