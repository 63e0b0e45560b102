import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import { connect as connectTcp } from 'node:net'
import { networkInterfaces, tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, connect, Events } from 'nats'
import { afterEach, expect, test } from 'vitest'
import { createLivekitTransport } from '../../cells/rtc/livekit-transport.ts'
import type { Realm } from '../../crds/realm.ts'
import { freePort } from '../../testing/free-port.ts'
import { listening } from '../../testing/http-proxy.ts'
import { liveKitClient } from '../../testing/livekit-room.ts'
import { withPart } from '../../testing/parts/with-part.ts'
import { livekitConfig } from '../desired/manifests/managed-livekit.ts'
import { natsConfig, natsSecret } from '../desired/manifests/managed-nats.ts'
import { aRealm } from '../desired/realm.fixtures.ts'

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** A program that is stopped with the test, and its output so far. */
function run(binary: string, args: string[], env: Record<string, string>) {
  const child = spawn(binary, args, { env, stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
  cleanups.push(() => {
    child.kill('SIGKILL')
    return ended
  })
  return { said: () => said, pid: child.pid ?? 0 }
}

// LiveKit does not accept port 0.
const passwords = Object.fromEntries(
  natsSecret(aRealm()).keys.map((user) => [`NATS_${user}`, `k${'1e5'.repeat(11)}${user.replace('_', '')}`]),
)

/** One server with exactly the configuration of its pod, at addresses of this machine. */
async function startNats(binary: string, realm: Realm, variables: Record<string, string> = {}, peerPort = 0) {
  const folder = await mkdtemp(join(tmpdir(), 'nats-'))
  cleanups.push(() => rm(folder, { recursive: true, force: true }))
  const pidFile = join(folder, 'nats.pid')
  const config = natsConfig(realm)
    .replace('"0.0.0.0:4222"', '"127.0.0.1:-1"')
    .replace('"0.0.0.0:8222"', '"127.0.0.1:-1"')
    .replace('"0.0.0.0:6222"', `"127.0.0.1:${peerPort}"`)
    .replace('/tmp/nats.pid', pidFile)
  await writeFile(join(folder, 'nats.conf'), config)
  const server = run(binary, ['--config', join(folder, 'nats.conf')], { ...passwords, ...variables })
  await expect.poll(server.said).toContain('Server is ready')
  const port = /Listening for client connections on 127\.0\.0\.1:(\d+)/.exec(server.said())?.[1]
  return { ...server, pidFile, url: `nats://127.0.0.1:${port}` }
}

const account = (user: string) => ({ user, pass: passwords[`NATS_${user}`] ?? '' })
async function as(user: string, servers: string | string[], options: ConnectionOptions = {}) {
  const connection = await connect({ servers, ...account(user), reconnect: false, ...options })
  cleanups.push(() => connection.close())
  const refused: string[] = []
  void (async () => {
    for await (const { type, data } of connection.status()) if (type === Events.Error) refused.push(String(data))
  })()
  const subjectsOf = async (pattern: string) => {
    const subjects: string[] = []
    connection.subscribe(pattern, {
      callback: (error, { subject }) => {
        if (!error) subjects.push(subject)
      },
    })
    await connection.flush()
    return subjects
  }
  return { connection, refused, subjectsOf }
}

withPart('nats', 'a Managed NATS', (binary) => {
  test('accepts only clients with a generated password', async () => {
    const { url: servers } = await startNats(binary, aRealm())
    await expect(connect({ servers, reconnect: false })).rejects.toThrow(/authorization/i)
    await expect(connect({ servers, ...account('cell_0'), pass: 'guess', reconnect: false })).rejects.toThrow(/authorization/i)
    await expect(connect({ servers, user: 'user', pass: passwords.NATS_cell_0 ?? '', reconnect: false })).rejects.toThrow()
    await (await as('cell_31', servers)).connection.flush()
  })

  test('isolates cells: each publishes and receives only its own subjects', async () => {
    const { url } = await startNats(binary, aRealm())
    const [first, second] = [await as('cell_0', url), await as('cell_1', url)]
    const own = await first.subjectsOf('metaverse.main.0.peer.*.heartbeat')
    const others = await first.subjectsOf('metaverse.main.1.>')
    const everything = await first.subjectsOf('>')
    second.connection.publish('metaverse.main.0.peer.0x1.heartbeat')
    second.connection.publish('metaverse.main.1.peer.0x1.heartbeat')
    first.connection.publish('metaverse.main.0.peer.0x2.heartbeat')
    await second.connection.flush()
    await first.connection.flush()
    await expect.poll(() => own).toEqual(['metaverse.main.0.peer.0x2.heartbeat'])
    expect([others, everything]).toEqual([[], []])
    await expect.poll(() => second.refused).toHaveLength(1)
    await expect.poll(() => first.refused).toHaveLength(2)
  })

  test('lets statistics receive from every cell and publish nothing, and a gatekeeper only publish admissions', async () => {
    const { url } = await startNats(binary, aRealm())
    const [cell, stats, gatekeeper] = [await as('cell_3', url), await as('stats', url), await as('gatekeeper', url)]
    const counted = await stats.subjectsOf('metaverse.main.*.peer.*.heartbeat')
    const admitted = await cell.subjectsOf('metaverse.main.3.rooms.*.admission')
    const receivedByGatekeeper = await gatekeeper.subjectsOf('metaverse.main.3.>')
    cell.connection.publish('metaverse.main.3.peer.0x1.heartbeat')
    gatekeeper.connection.publish('metaverse.main.3.rooms.0x1.admission')
    gatekeeper.connection.publish('metaverse.main.3.engine.peer.0x1.island_changed')
    stats.connection.publish('metaverse.main.3.peer.0x1.disconnect')
    for (const { connection } of [cell, stats, gatekeeper]) await connection.flush()
    await expect.poll(() => [counted.length, admitted.length]).toEqual([1, 1])
    await expect.poll(() => [stats.refused.length, gatekeeper.refused.length]).toEqual([1, 2])
    expect(receivedByGatekeeper).toEqual([])
  })

  test('three servers are one bus, and a server that stops hands its clients over before it exits', async () => {
    const realm = aRealm({ nats: { replicas: 3 } })
    const ports = [await freePort(), await freePort(), await freePort()]
    const routes = Object.fromEntries(
      ports.map((port, peer) => [`NATS_ROUTE_${peer}`, `nats://cluster:${passwords.NATS_cluster}@127.0.0.1:${port}`]),
    )
    const servers = await Promise.all(
      ports.map((port, peer) => startNats(binary, realm, { ...routes, POD_NAME: `main-nats-${peer}` }, port)),
    )
    const [a, b, c] = servers
    if (!a || !b || !c) throw new Error('three servers were started')
    const listener = await as('cell_0', a.url, { reconnect: true, maxReconnectAttempts: -1, reconnectTimeWait: 50 })
    const publisher = await as('cell_0', b.url)
    const received = await listener.subjectsOf('metaverse.main.0.>')
    const publish = async () => {
      publisher.connection.publish('metaverse.main.0.engine.islands')
      await publisher.connection.flush()
      return received.length
    }
    await expect.poll(publish).toBeGreaterThan(0)
    const [command, ...args] = ['nats-server', '--signal', `ldm=${a.pidFile}`]
    expect(command).toBe('nats-server')
    expect(run(binary, args, {}).said()).toBe('')
    await expect.poll(a.said).toContain('lame duck')
    process.kill(a.pid, 'SIGTERM') // as the kubelet does right after the preStop hook
    received.length = 0
    await expect.poll(publish).toBeGreaterThan(0)
    expect(a.said()).not.toContain('Server Exiting')
    await expect.poll(() => listener.connection.getServer(), { timeout: 40_000 }).not.toBe(a.url.slice('nats://'.length))
    received.length = 0
    await expect.poll(publish).toBeGreaterThan(0)
  }, 60_000)
})

/** An address of this machine, by which LiveKit can be told apart from one that names that of its own interface. */
const ownAddress = (): string =>
  Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1'

/** A proxy that passes on what is below /rtc, as the Ingress of a realm does; `refused` are other paths. */
async function routeRtc(port: number): Promise<{ url: string; refused: string[] }> {
  const refused: string[] = []
  const isRouted = (url = '') => /^\/rtc(?:[/?]|$)/.test(url) || !refused.push(url)
  const proxy = createServer((incoming, answer) => {
    if (!isRouted(incoming.url)) return void answer.writeHead(404).end()
    const { method = 'GET', headers } = incoming
    const onward = request({ port, path: incoming.url, method, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(answer)
    })
    incoming.pipe(onward)
  })
  proxy.on('upgrade', ({ url, rawHeaders }, socket) => {
    if (!isRouted(url)) return void socket.destroy()
    const lines = rawHeaders.map((text, index) => (index % 2 === 0 ? `${text}: ` : `${text}\r\n`))
    const onward = connectTcp(port, '127.0.0.1', () => onward.write(`GET ${url} HTTP/1.1\r\n${lines.join('')}\r\n`))
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const)
      one.pipe(other).on('error', () => one.destroy())
  })
  return { url: `ws://127.0.0.1:${await listening(proxy)}`, refused }
}

withPart('livekit', 'a Managed LiveKit', (binary) => {
  test.each([
    ['inside the cluster', undefined],
    ['for players outside', { ports: { udp: 7882, tcp: 7881 }, addresses: ['203.0.113.7', '2001:db8::7'] }],
    ['over UDP only', { ports: { udp: 7882 }, addresses: ['203.0.113.7'] }],
  ])('starts with the configuration and the keys of its pod, %s', async (_, media) => {
    const [http, tcp, udp] = [await freePort(), await freePort(), await freePort()]
    const config = livekitConfig(aRealm(), media)
      .replace('$(apiKey)', 'kMinted')
      .replace('port: 7880', `port: ${http}\nbind_addresses: [127.0.0.1]`)
      .replace('7881', String(tcp))
      .replace('7882', String(udp))
    const server = run(binary, [], { LIVEKIT_CONFIG: config, LIVEKIT_KEYS: `kMinted: ${'s'.repeat(32)}`, HOME: tmpdir() })
    await expect
      .poll(async () => (await fetch(`http://127.0.0.1:${http}/`).catch(() => undefined))?.status, {
        timeout: 10_000,
        message: server.said(),
      })
      .toBe(200)
    expect(server.said()).not.toContain('secret is too short')
    expect(server.said().includes('"nodeIP":"203.0.113.7"')).toBe(media !== undefined)
    expect(server.said().includes(`"rtc.portTCP":${tcp}`)).toBe(!media || 'tcp' in media.ports)
  })

  withPart('rtc', 'and players in its rooms', (rtc) => {
    test('is entered through /rtc alone, and by the address and the port that it names', async () => {
      const [http, udp] = [await freePort(), await freePort()]
      const config = livekitConfig(aRealm(), { ports: { udp }, addresses: [ownAddress()] })
        .replace('$(apiKey)', 'kMinted')
        .replace('port: 7880', `port: ${http}\nbind_addresses: [127.0.0.1]`)
      const apiSecret = 's'.repeat(32)
      run(binary, [], { LIVEKIT_CONFIG: config, LIVEKIT_KEYS: `kMinted: ${apiSecret}`, HOME: tmpdir() })
      const status = async () => (await fetch(`http://127.0.0.1:${http}/`).catch(() => undefined))?.status
      await expect.poll(status, { timeout: 10_000 }).toBe(200)
      const { url, refused } = await routeRtc(http)
      const transport = createLivekitTransport({ url, apiKey: 'kMinted', apiSecret })
      const client = liveKitClient(rtc)
      cleanups.push(() => client.dispose())
      const enter = async (peer: `0x${string}`) => client.join(await transport.connectionString(peer, 'island-1', 'island'))
      const [ada, bob] = [await enter('0xa'), await enter('0xb')]
      await expect.poll(() => [ada.others(), bob.others()]).toEqual([['0xb'], ['0xa']])
      await ada.send('hello')
      await expect.poll(() => bob.received).toEqual([{ from: '0xa', text: 'hello' }])
      for (const room of [ada, bob]) await room.leave()
      expect(refused).toEqual([])
    }, 30_000)
  })
})
