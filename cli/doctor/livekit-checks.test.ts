import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import type { FetchResult } from '../../cells/chassis/fetch-json.ts'
import type { Realm } from '../../crds/realm.ts'
import { freePort } from '../../testing/free-port.ts'
import { aSeenRealm, NOW, seenRealm } from './fixtures.ts'
import { readLivekit } from './livekit-checks.ts'
import { type MediaAnswer, type MediaPort, mediaProbe } from './media-probe.ts'
import { realmChecks } from './realm-checks.ts'

type Livekit = Realm['spec']['livekit']
const service = { type: 'NodePort', addresses: { ipv4: '203.0.113.7' }, udpPort: 30_782, tcpPort: 30_781 } as const

/** A realm with a Managed LiveKit at its host, and where players reach that. */
function aRealm(changes: Partial<Livekit> = { service }, livekit?: NonNullable<Realm['status']>['livekit']): Realm {
  const realm = aSeenRealm({ exposure: { type: 'Ingress', host: 'main.example.org' } })
  const spec = { ...realm.spec, livekit: { type: 'Managed' as const, ...changes } }
  return { ...realm, spec, status: { ...realm.status, ...(livekit && { livekit }) } }
}
const seenAt = { url: 'wss://main.example.org', addresses: ['203.0.113.7', '2001:db8::7'], udpPort: 30_782, tcpPort: 30_781 }
const unauthorized: FetchResult = { ok: true, status: 401, body: undefined }

async function checksOf(
  realm: Realm,
  signalling: FetchResult = unauthorized,
  answer: (port: MediaPort) => MediaAnswer = () => 'answered',
) {
  const asked: string[] = []
  const livekit = await readLivekit(realm, {
    fetch: async (url) => {
      asked.push(url)
      return signalling
    },
    media: async (port) => answer(port),
  })
  const checks = realmChecks(seenRealm({ realm, ...(livekit && { livekit }) }), NOW).filter(({ name }) =>
    name.startsWith('livekit'),
  )
  return { asked, texts: checks.map(({ name, state, seen }) => `${state} ${name}: ${seen}`), checks }
}

test('a LiveKit that players reach is asked at its signalling, and at each port of each address', async () => {
  const { asked, texts } = await checksOf(aRealm(undefined, seenAt), undefined, ({ protocol, address }) =>
    address.includes(':') ? 'noRoute' : protocol === 'TCP' ? 'answered' : 'silent',
  )
  expect(asked).toEqual(['https://main.example.org/rtc/validate'])
  expect(texts).toEqual([
    'ok livekit-signalling: LiveKit answers at wss://main.example.org/rtc',
    expect.stringMatching(/^skipped livekit-media: no refusal from UDP 203\.0\.113\.7:30782/),
    'ok livekit-media: TCP 203.0.113.7:30781 is open',
    'skipped livekit-media: this machine has no route to UDP [2001:db8::7]:30782',
    'skipped livekit-media: this machine has no route to TCP [2001:db8::7]:30781',
  ])
})

test('what keeps players from a LiveKit is told with its remedy', async () => {
  const realm = aRealm(undefined, { ...seenAt, addresses: ['203.0.113.7'] })
  const closed = await checksOf(realm, { ok: true, status: 404, body: undefined }, ({ protocol }) =>
    protocol === 'UDP' ? 'refused' : 'silent',
  )
  expect(closed.texts).toEqual([
    'failed livekit-signalling: wss://main.example.org/rtc answers 404, which LiveKit does not',
    'failed livekit-media: UDP 203.0.113.7:30782 refuses: no process listens there',
    'failed livekit-media: TCP 203.0.113.7:30781 does not answer',
  ])
  expect(closed.checks.map(({ fix }) => fix)).toEqual([
    expect.stringContaining('/rtc'),
    expect.stringContaining('main-livekit-media'),
    expect.stringContaining('firewall'),
  ])
  const routed = await checksOf(aRealm({ service, url: 'wss://lk.example.org' }, { ...seenAt, url: 'wss://lk.example.org' }), {
    ok: false,
    reason: 'ECONNREFUSED',
  })
  expect(routed.checks[0]).toMatchObject({ state: 'failed', seen: expect.stringContaining('ECONNREFUSED') })
  expect(routed.checks[0]?.fix).toContain('port 7880 of the Service main-livekit')
})

test('a LiveKit that has no address yet, or is not for players outside, is not asked', async () => {
  expect((await checksOf(aRealm({}))).texts).toEqual([])
  expect((await checksOf(aRealm({ service: { type: 'LoadBalancer' } }))).texts).toEqual([
    'skipped livekit-media: its LiveKit has no address yet; see DependenciesReady',
  ])
})

test('a port is asked over its protocol', async () => {
  const [server, socket] = [createServer(), createSocket('udp4')]
  const address = '127.0.0.1'
  const [open, closed] = [await freePort(), await freePort()]
  await Promise.all([once(socket.bind(open, address), 'listening'), once(server.listen(open, address), 'listening')])
  const requests: Buffer[] = []
  socket.on('message', (request, { port }) => {
    requests.push(request)
    socket.send('answer', port, address)
  })
  try {
    for (const protocol of ['UDP', 'TCP'] as const) {
      expect(await mediaProbe({ protocol, address, port: open })).toBe('answered')
      expect(await mediaProbe({ protocol, address, port: closed })).toBe('refused')
    }
  } finally {
    socket.close()
    server.close()
  }
  // A STUN message of the type binding request, without attributes.
  expect(requests.map((request) => [request.length, request.readUInt32BE(0), request.readUInt32BE(4)])).toEqual([
    [20, 0x0001_0000, 0x2112_a442],
  ])
})
