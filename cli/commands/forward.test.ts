import { connect, createServer as createTcpServer } from 'node:net'
import { expect, type TestContext, test, vi } from 'vitest'
import { listen } from '../../cells/chassis/listen.ts'
import { createMounts } from '../../cells/chassis/mounts.ts'
import { aConnector } from '../../cells/connector/fixtures.ts'
import type { Realm } from '../../crds/realm.ts'
import { aRealm } from '../../operator/desired/realm.fixtures.ts'
import { connectPlayer } from '../../testing/player/player.ts'
import { createWallet } from '../../testing/player/wallet.ts'
import { aCluster, aPod, type FakeCluster } from '../forward/fixtures.ts'
import { forward, introduction } from './forward.ts'

const managed = aRealm({ livekit: { type: 'Managed' } })

/** Runs the command until the test ends, against pods on ports of this machine. */
async function forwarded(context: TestContext, { realm = managed, ...given }: Partial<FakeCluster>, name = 'main') {
  const cluster: FakeCluster = { realm, ports: {}, forwarded: [], ...given }
  const opened = await aCluster(context, cluster)
  const said: string[] = []
  const ports = {
    terminal: { say: (text: string) => void said.push(text), status: () => {} },
    openCluster: async () => opened,
    now: () => performance.now(),
    random: () => 0,
  }
  const running = await forward(name, { port: 0 }, ports)
  let stopping: Promise<void> | undefined
  const stop = () => {
    stopping ??= running.stop()
    return stopping
  }
  context.onTestFinished(stop)
  const [, url = ''] = /is on this machine at (\S+)/.exec(said.join('\n')) ?? []
  return { url, said, stop, cluster }
}

/** A pod that answers requests for a path with JSON, and says what it was asked. */
async function aJsonPod(context: TestContext, answers: Record<string, unknown>) {
  const asked: string[] = []
  const { port, server } = await aPod(context, (request, response) => {
    asked.push(`${request.method} ${request.url}`)
    const answer = answers[request.url ?? '']
    response.writeHead(answer === undefined ? 404 : 200, { 'content-type': 'application/json' }).end(JSON.stringify(answer ?? {}))
  })
  return { port, server, asked }
}

const about = {
  comms: { adapter: 'archipelago:archipelago:ws://main-slot-0.metaverse.svc.cluster.local/cells/0/ws' },
  content: { publicUrl: 'http://realm-provider/main/content/' },
}

test('the description, the statistics and the gatekeeper of a realm answer here with addresses of this machine', async (context) => {
  const stats = await aJsonPod(context, { '/about': about, '/stats/peers': { peers: [] }, '/content/x': { x: 1 } })
  const adapter = 'livekit:wss://main-livekit:7880?access_token=t'
  const gatekeeper = await aJsonPod(context, { '/gatekeeper/get-scene-adapter': { adapter } })
  const ports = { 'main-stats:http': stats.port, 'main-gatekeeper:http': gatekeeper.port }
  const { url, said, cluster } = await forwarded(context, { ports })
  const json = async (path: string) => (await fetch(`${url}${path}`)).json() as Promise<unknown>

  expect(await json('/about')).toMatchObject({
    comms: { adapter: `archipelago:archipelago:${url.replace('http', 'ws')}/cells/0/ws` },
    content: { publicUrl: `${url}/main/content/` },
  })
  expect(await json('/main/stats/peers')).toEqual({ peers: [] })
  expect(await json('/main/content/x')).toEqual({ x: 1 })
  expect(await json('/realms')).toEqual([{ serverName: 'main', url, usersCount: 0 }])
  const scene = await fetch(`${url}/gatekeeper/get-scene-adapter`, { method: 'POST', body: '{}' })
  expect(await scene.json()).toEqual({ adapter: `livekit:${url.replace('http', 'ws')}?access_token=t` })
  expect(gatekeeper.asked).toEqual(['POST /gatekeeper/get-scene-adapter'])
  expect((await fetch(`${url}/metrics`)).status).toBe(404)
  // Connections to a pod are kept for the next request, and a pod that is not ready gets none.
  expect(cluster.forwarded.filter((pod) => pod === 'main-stats-0').length).toBeLessThanOrEqual(3)
  expect(cluster.forwarded).not.toContain('main-stats-1')
  expect(said).toHaveLength(1)
})

test('a player enters through a real connector, is given a room of this machine, and can come back after the pod is lost', async (context) => {
  const stats = await aJsonPod(context, { '/about': about })
  const connector = await aConnector()
  const mounts = createMounts(connector.service.app)
  mounts.mount('/cells/0', connector.service.app)
  const pod = await listen(mounts, { host: '127.0.0.1', port: 0 })
  context.onTestFinished(pod.stop)
  const { url, stop } = await forwarded(context, { ports: { 'main-stats:http': stats.port, 'main-slot-0:http': pod.port } })

  const enter = () => connectPlayer({ url: `${url.replace('http', 'ws')}/cells/0/ws`, wallet: createWallet() })
  const player = await enter()
  player.heartbeat({ x: 8, y: 0, z: 8 })
  await vi.waitFor(() => expect(connector.positionsOf(player.peer)).toEqual([{ x: 8, y: 0, z: 8 }]))
  connector.place(player.peer, 'I1', 100)
  expect((await player.nextIsland(5_000)).connStr).toBe(`livekit:${url.replace('http', 'ws')}?access_token=${'T'.repeat(100)}`)

  connector.place(player.peer, 'I2', 200_000)
  expect((await player.nextIsland(5_000)).connStr).toHaveLength(
    `livekit:${url.replace('http', 'ws')}?access_token=`.length + 200_000,
  )
  const other = await enter()
  player.close()
  await player.closed
  expect(other.islands).toEqual([])
  await stop()
  expect((await other.closed).code).toBe(1006)
})

test('media of a LiveKit goes over TCP through a port of this machine', async (context) => {
  const stats = await aJsonPod(context, { '/about': about })
  const livekit = createTcpServer((socket) => socket.pipe(socket))
  await new Promise<void>((resolve) => livekit.listen(0, '127.0.0.1', resolve))
  context.onTestFinished(() => void livekit.close())
  const { port = 0 } = livekit.address() as { port?: number }
  const { said } = await forwarded(context, { ports: { 'main-stats:http': stats.port, 'main-livekit:rtc-tcp': port } })
  const [, media = ''] = /media over TCP at 127\.0\.0\.1:(\d+)/.exec(said.join()) ?? []
  const client = connect(Number(media), '127.0.0.1')
  // More than any buffer on the way holds: what is not read yet is not lost.
  const sent = Buffer.alloc(2 * 1024 * 1024, 'media')
  client.write(sent)
  const received: Buffer[] = []
  for await (const chunk of client) {
    received.push(chunk as Buffer)
    if (received.reduce((sum, { length }) => sum + length, 0) >= sent.length) break
  }
  expect(Buffer.concat(received).equals(sent)).toBe(true)
})

test('a service without a pod is unavailable for now, and said once', async (context) => {
  const stats = await aJsonPod(context, { '/about': about })
  const { url, said } = await forwarded(context, { ports: { 'main-stats:http': stats.port } })
  for (let attempt = 0; attempt < 3; attempt++) {
    const { status } = await fetch(`${url}/gatekeeper/ping`)
    expect(status).toBe(503)
  }
  await expect(connectPlayer({ url: `${url.replace('http', 'ws')}/cells/0/ws`, wallet: createWallet() })).rejects.toThrow('503')
  expect(said.slice(1)).toEqual([
    'There is no Service metaverse/main-gatekeeper with pods and a port http.',
    'There is no Service metaverse/main-slot-0 with pods and a port http.',
  ])
  stats.server.closeAllConnections()
  expect((await fetch(`${url}/about`)).status).toBe(200)
})

test('a missing right, a realm that is not there and a port that is taken are named', async (context) => {
  const stats = await aJsonPod(context, { '/about': about })
  const ports = { 'main-stats:http': stats.port }
  const refusal =
    'pods "main-stats-0" is forbidden: User "u" cannot create resource "pods/portforward" in the namespace "metaverse"'
  await expect(forwarded(context, { ports, refusal })).rejects.toMatchObject({
    exitCode: 1,
    message: expect.stringMatching(/^A right is missing: pods "main-stats-0" is forbidden: .* grants, and view does not\.$/),
  })
  await expect(forwarded(context, { ports, mayForward: false })).rejects.toMatchObject({
    exitCode: 1,
    message: expect.stringMatching(/^A right is missing: you may not get pods\/portforward in the namespace metaverse\. /),
  })
  await expect(forwarded(context, { ports }, 'plaza')).rejects.toMatchObject({
    exitCode: 1,
    message: 'There is no Realm plaza in the namespace metaverse; there are main.',
  })
  const taken = await aCluster(context, { realm: managed, ports, forwarded: [] })
  const quiet = { terminal: { say: () => {}, status: () => {} }, now: () => 0, random: () => 0, openCluster: async () => taken }
  await expect(forward('main', { port: stats.port }, quiet)).rejects.toMatchObject({ exitCode: 3 })
})

test('what a port-forward does not carry is said', () => {
  const text = (realm: Realm, mediaPort?: number, relayPort?: number) =>
    introduction(realm, { url: 'http://127.0.0.1:3000', mediaPort, relayPort })
  const withRelay = { ...managed, status: { movement: { host: 'relay.example.org:7777' } } } as Realm
  expect(text(withRelay, 4_000)).toContain('relay at UDP relay.example.org:7777, not through here')
  expect(text(withRelay, 4_000)).toContain('media over UDP is not carried')
  expect(text(withRelay, 4_000, 7_777)).toContain('PULSE_SERVER=127.0.0.1:7777')
  expect(text(aRealm())).toContain('LiveKit at wss://livekit.example.org, not through here')
  expect(text(aRealm({ mode: 'World', livekit: { type: 'None' } }))).not.toMatch(/sockets {2}|stats {2}/)
})
