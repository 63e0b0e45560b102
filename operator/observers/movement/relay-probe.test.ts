import { createSocket } from 'node:dgram'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { ManualClock, systemClock } from '../../../cells/chassis/clock.ts'
import { silentLog } from '../../../cells/chassis/log.ts'
import { EnetClient } from '../../../cells/pulse/enet/client.ts'
import { EnetHost } from '../../../cells/pulse/enet/host.ts'
import { openUdp } from '../../../cells/pulse/enet/udp.ts'
import { type Program, startProgram } from '../../../testing/program.ts'
import type { ChosenRelay } from '../../desired/movement.ts'
import { publicAddresses } from '../dependencies/public-addresses.ts'
import { aNameServer, bound } from './fixtures.ts'
import { createRelayProbe, type RelayProbeOptions } from './relay-probe.ts'

const main = fileURLToPath(new URL('../../../cells/main.ts', import.meta.url))
let program: Program
let port: number
let url: string

beforeAll(async () => {
  program = startProgram(process.execPath, [main, 'pulse'], { env: { HTTP_SERVER_PORT: '0', UDP_SERVER_PORT: '0' } })
  port = Number((await program.prints(/"port":(\d+),.*players are received over UDP/))[1])
  url = (await program.prints(/"url":"(http:[^"]+)"/))[1] ?? ''
}, 60_000)

afterAll(() => program?.[Symbol.asyncDispose]())

const aProbe = (options: Partial<RelayProbeOptions> = {}) =>
  createRelayProbe({
    ...{ mayConnect: () => true, clusterDomain: 'cluster.local', clock: systemClock, log: silentLog, timeoutMs: 3_000 },
    ...options,
  })
const at = (host: string, of = port): ChosenRelay => ({ address: { host, port: of }, isManaged: false })

test.each(['127.0.0.1', '::1'])('a relay at %s answers, and has no connection of the operator afterwards', async (host) => {
  expect(await aProbe()(at(host))).toBe('reachable')
  await vi.waitFor(
    async () => {
      const metrics = await (await fetch(`${url}/metrics`)).text()
      expect(metrics).toMatch(/^realm_pulse_sessions_ended_total\{ending="beforeSignIn"\} [1-9]/m)
      expect(metrics).toMatch(/^realm_pulse_connections 0$/m)
      expect(metrics).toMatch(/^realm_pulse_players 0$/m)
      // It left by itself: no connection was lost, and no sign-in was begun.
      expect(metrics).not.toMatch(/^realm_pulse_sign_ins_total/m)
      expect(metrics).not.toMatch(/ending="lost"/)
    },
    { timeout: 10_000 },
  )
})

test('a name leads to the relay by an address of either family, also where the other one leads nowhere', async () => {
  const dead = [192, 0, 2, 1]
  const { server, asked } = await aNameServer({
    'four.example.org': { A: [127, 0, 0, 1] },
    'six.example.org': { AAAA: [...Array(15).fill(0), 1] },
    'both.example.org': { A: dead, AAAA: [...Array(15).fill(0), 1] },
    'dead.example.org': { A: dead },
  })
  const probe = aProbe({ nameServers: [server] })
  const answers = (names: string[]) => Promise.all(names.map((name) => probe(at(`${name}.example.org`))))
  expect(await answers(['four', 'six', 'both', 'dead', 'none'])).toEqual([
    'reachable',
    'reachable',
    'reachable',
    'noAnswer',
    'hostNotResolved',
  ])
  // As written, and not below the domains in which a pod searches.
  expect(new Set(asked)).toEqual(new Set(['four', 'six', 'both', 'dead', 'none'].map((name) => `${name}.example.org`)))
})

test('name servers that are silent, for one family or for both, take no more than half of the time', {
  timeout: 15_000,
}, async () => {
  const silent = [await bound(createSocket('udp4')), await bound(createSocket('udp4')), await bound(createSocket('udp4'))]
  const clock = new ManualClock()
  const asking = aProbe({ clock, nameServers: silent.map((each) => `127.0.0.1:${each}`) })(at('relay.example.org'))
  clock.advance(3_000)
  expect(await asking).toBe('hostNotResolved')
  const { server } = await aNameServer({ 'relay.example.org': { A: [127, 0, 0, 1], AAAA: 'silent' } })
  expect(await aProbe({ nameServers: [server], timeoutMs: 2_000 })(at('relay.example.org'))).toBe('reachable')
})

test('a name of the cluster is not looked up for a user, but for the installation', async () => {
  const { server, asked } = await aNameServer({ 'relay.system.svc.cluster.local': { A: [127, 0, 0, 1] } })
  const probe = aProbe({ nameServers: [server], timeoutMs: 500 })
  expect(await probe(at('Relay.system.svc.Cluster.local'))).toBe('hostNotResolved')
  expect(asked).toEqual([])
  expect(await aProbe({ nameServers: [server] })({ ...at('relay.system.svc.cluster.local'), isManaged: true })).toBe('reachable')
})

test('a closed port, silence, another protocol and a refused address are told apart neither by words nor by time', async () => {
  const silent = await bound(createSocket('udp4'))
  const other = createSocket('udp4')
  other.on('message', (_, from) => {
    for (let i = 0; i < 100; i++) other.send(Buffer.alloc(48, i), from.port, from.address)
  })
  const talking = await bound(other)
  const closed = createSocket('udp4')
  const gone = await new Promise<number>((resolve) => closed.bind(0, '127.0.0.1', () => resolve(closed.address().port)))
  await new Promise<void>((resolve) => closed.close(resolve))
  const clock = new ManualClock()
  const probe = aProbe({ clock, mayConnect: (address) => address === '127.0.0.1' })
  const relays = [at('127.0.0.1', silent), at('127.0.0.1', talking), at('127.0.0.1', gone), at('::1')]
  const answers: string[] = []
  const asking = Promise.all(relays.map(async (relay) => answers.push(await probe(relay))))
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect(answers).toEqual([])
  clock.advance(3_000)
  await asking
  expect(answers).toEqual(relays.map(() => 'noAnswer'))
})

test('a relay that has no room for another connection is full', async () => {
  const udp = await openUdp({ port: 0, address: '127.0.0.1', onDatagram: (...datagram) => host.receive(...datagram) })
  onTestFinished(() => udp.close())
  const nothing = () => undefined
  const ofHost = { onConnect: nothing, onMessage: nothing, onDisconnect: nothing }
  const host: EnetHost = new EnetHost({ clock: () => performance.now(), send: udp.send, maxPeers: 1, ...ofHost })
  const own = await openUdp({ port: 0, address: '127.0.0.1', onDatagram: (...datagram) => client.receive(...datagram) })
  onTestFinished(() => own.close())
  const server = { address: '127.0.0.1', port: udp.port }
  const client: EnetClient = new EnetClient({ clock: () => performance.now(), send: own.send, ...server })
  const timer = setInterval(() => [host, client].map((each) => each.service()), 10)
  onTestFinished(() => clearInterval(timer))
  await vi.waitFor(() => expect(client.peer.state).toBe('connected'))
  expect(await aProbe()(at('127.0.0.1', udp.port))).toBe('full')
})

test('an answer with the number of another connection is none', async () => {
  const [inside, outside] = [createSocket('udp4'), createSocket('udp4')]
  await bound(inside)
  let client = 0
  let altered = 0
  outside.on('message', (bytes, from) => {
    client = from.port
    inside.send(bytes, port, '127.0.0.1')
  })
  inside.on('message', (bytes) => {
    const answer = Buffer.from(bytes)
    // The number is the last field.
    answer.writeUInt32BE((answer.readUInt32BE(answer.length - 4) ^ 1) >>> 0, answer.length - 4)
    altered++
    outside.send(answer, client, '127.0.0.1')
  })
  expect(await aProbe({ timeoutMs: 1_000 })(at('127.0.0.1', await bound(outside)))).toBe('noAnswer')
  expect(altered).toBeGreaterThan(0)
})

test('addresses of this machine are not sent to for a user', async () => {
  const probe = aProbe({ mayConnect: publicAddresses(), timeoutMs: 1_000 })
  expect(await Promise.all(['127.0.0.1', '::1', '::ffff:127.0.0.1'].map((host) => probe(at(host))))).toEqual(
    Array(3).fill('noAnswer'),
  )
  expect(await aProbe({ mayConnect: publicAddresses() })({ ...at('127.0.0.1'), isManaged: true })).toBe('reachable')
})
