import { expect, test, vi } from 'vitest'
import { signedHeaders } from '../../testing/player/signed-fetch.ts'
import { createWallet } from '../../testing/player/wallet.ts'
import { createMemoryBus } from '../bus/memory.ts'
import { silentLog } from '../chassis/log.ts'
import { aFakeVerifier } from '../identity/fixtures.ts'
import type { ChainVerdict } from '../identity/verifier.ts'
import { decodeAdmission } from '../wire/admission.ts'
import { aBan, aGatekeeper, answerOf } from './fixtures.ts'

const [ana, ben] = [createWallet('ana'), createWallet('ben')]
const scene = { realmName: 'main', sceneId: 'bafkTEST' }

/** Header, claims and address of the token in an adapter. */
async function tokenOf(response: Response) {
  const [status, body] = await answerOf(response)
  expect(status).toBe(200)
  const [address, token = ''] = (body as { adapter: string }).adapter.split('?access_token=')
  const [header, claims] = token.split('.', 2).map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()))
  return { address, header, claims }
}

test('the token has exactly the claims of the protocol', async (t) => {
  const { ask } = await aGatekeeper(t)
  const before = Math.floor(Date.now() / 1000)
  const { address, header, claims } = await tokenOf(await ask(ana, scene))
  expect(address).toBe('livekit:wss://livekit.example.org')
  expect(header).toEqual({ alg: 'HS256' })
  expect(claims).toEqual({
    iss: 'key',
    sub: ana.peer,
    nbf: expect.any(Number),
    exp: claims.nbf + 300,
    video: {
      roomJoin: true,
      room: 'scene-main:bafkTEST',
      roomList: false,
      canPublish: true,
      canSubscribe: true,
      canPublishData: true,
      canUpdateOwnMetadata: true,
      canPublishSources: ['microphone'],
    },
  })
  expect(claims.nbf).toBeGreaterThanOrEqual(before)
})

test('two players of a scene get tokens for the same room, each for their own wallet', async (t) => {
  const { ask } = await aGatekeeper(t)
  const answers = await Promise.all([ask(ana, scene, { format: 'legacy' }), ask(ben, scene, { format: 'current' })])
  const [one, other] = await Promise.all(answers.map(tokenOf))
  expect([one?.claims.video.room, other?.claims.video.room]).toEqual(['scene-main:bafkTEST', 'scene-main:bafkTEST'])
  expect([one?.claims.sub, other?.claims.sub]).toEqual([ana.peer, ben.peer])
})

test('a request is signed for the path that the player sees, also where a proxy in front removes a part of it', async (t) => {
  const { url, clock } = await aGatekeeper(t, { config: { PUBLIC_PATH: '/at/Town/main/gatekeeper' } })
  const status = async (signedPath: string, path: string, format: 'legacy' | 'current' = 'legacy') => {
    const request = { wallet: ana, method: 'POST', metadata: scene, timestamp: clock.now(), format } as const
    return (await fetch(url + path, { method: 'POST', headers: signedHeaders(signedPath, request) })).status
  }
  const signed = '/at/Town/main/gatekeeper/get-scene-adapter'
  for (const path of ['/gatekeeper/get-scene-adapter', '/get-scene-adapter'])
    for (const format of ['legacy', 'current'] as const) {
      expect(await status(signed, path, format)).toBe(200)
      expect(await status(path, path, format)).toBe(200)
    }
  for (const other of ['/at/town/other/gatekeeper/get-scene-adapter', '/at/town/main/gatekeeper', '/users/get-scene-adapter'])
    expect(await status(other, '/gatekeeper/get-scene-adapter')).toBe(401)
})

test('a body is read and ignored, because Godot sends one', async (t) => {
  const { ask } = await aGatekeeper(t)
  expect((await ask(ana, scene, { body: { ...scene, realmName: 'other' } })).status).toBe(200)
  expect((await ask(ana, { sceneId: 'bafk' }, { body: { filler: 'x'.repeat(60_000) } })).status).toBe(401)
  expect((await ask(ana, scene, { body: { filler: 'x'.repeat(70_000) } })).status).toBe(413)
})

test.for([
  [{ sceneId: 'bafk' }, 401, 'Access denied, invalid signed-fetch request, no realmName'],
  [{ realmName: 'main' }, 400, 'Access denied, invalid signed-fetch request, no sceneId'],
  [{ realmName: 'my.dcl.eth', sceneId: 'my.dcl.eth' }, 400, 'Failed to resolve scene ID for world my.dcl.eth'],
  [{ realmName: 'my.dcl.eth', sceneId: 'bafk' }, 401, 'Access denied, you are not authorized to access this world'],
  [{ ...scene, signer: 'decentraland-kernel-scene' }, 401, 'Access denied, invalid signed-fetch request'],
] as const)('asking for %j is answered %i', async ([metadata, status, error], t) => {
  const { ask } = await aGatekeeper(t)
  expect(await answerOf(await ask(ana, metadata))).toEqual([status, { error }])
})

test('a banned wallet is answered 403, and so is every wallet on a banned device', async (t) => {
  const { ask } = await aGatekeeper(t, { bans: [aBan({ bannedAddress: ana.peer, bannedDeviceId: 'phone' })] })
  const banned = [403, { error: 'Access denied, platform-banned user' }]
  expect(await answerOf(await ask(ana, scene))).toEqual(banned)
  expect(await answerOf(await ask(ben, { ...scene, deviceIdentifier: 'phone' }))).toEqual(banned)
  expect((await ask(ben, { ...scene, deviceIdentifier: 'desk' })).status).toBe(200)
})

test('a ban is reported before a missing scene, and a missing realm before both', async (t) => {
  const { ask } = await aGatekeeper(t, { bans: [aBan({ bannedAddress: ana.peer })] })
  expect((await ask(ana, { realmName: 'main' })).status).toBe(403)
  expect((await ask(ana, { sceneId: 'bafk' })).status).toBe(401)
})

test('while the storage fails the bans read before stay in force, and the failures are counted', async (t) => {
  const { ask, storage, metrics, clock } = await aGatekeeper(t, { bans: [aBan({ bannedAddress: ana.peer })] })
  storage.broken = 'gone'
  await vi.waitFor(async () => {
    clock.advance(4_000)
    expect(await metrics.registry.metrics()).toMatch(/realm_gatekeeper_ban_reads_failed_total [1-9]/)
  })
  expect((await ask(ana, scene)).status).toBe(403)
  expect((await ask(ben, scene)).status).toBe(200)
  clock.advance(100)
  await vi.waitFor(async () => {
    const counted = await metrics.registry.metrics()
    expect(counted).toContain('realm_gatekeeper_connection_records_lost_total 2')
    expect(counted).toContain('realm_gatekeeper_scene_answers_total{outcome="granted"} 1')
    expect(counted).toMatch(/realm_gatekeeper_bans 1\n/)
  })
})

test('until the bans were read for the first time every request is refused, and the gatekeeper is not ready', async (t) => {
  const { ask, storage, service, clock, url } = await aGatekeeper(t, {
    broken: 'gone',
    bans: [aBan({ bannedAddress: ana.peer })],
  })
  expect(await answerOf(await ask(ben, scene))).toEqual([503, { error: 'The bans have not been read yet' }])
  expect((await fetch(`${url}/users/${ana.peer}/bans`)).status).toBe(503)
  expect(service.readiness()).toEqual({ ready: false, reason: 'the bans have not been read yet' })
  storage.broken = undefined
  await vi.waitFor(() => {
    clock.advance(4_000)
    expect(service.readiness()).toEqual({ ready: true })
  })
  expect((await ask(ana, scene)).status).toBe(403)
  expect((await ask(ben, scene)).status).toBe(200)
})

test('a new ban and a lifted one apply within seconds', async (t) => {
  const { ask, storage, clock } = await aGatekeeper(t, { bans: [aBan({ bannedAddress: ana.peer })] })
  storage.bans = [aBan({ bannedAddress: ben.peer.toUpperCase() })]
  await vi.waitFor(async () => {
    clock.advance(3_600)
    expect((await ask(ben, scene)).status).toBe(403)
  })
  expect((await ask(ana, scene)).status).toBe(200)
})

test('a banned wallet gets no token while another client queries bans without pause', async (t) => {
  const { ask, storage, url } = await aGatekeeper(t, { bans: [aBan({ bannedAddress: ana.peer })] })
  storage.bansSince = () => new Promise(() => {}) // the database is busy
  const queries = Array.from({ length: 600 }, () => fetch(`${url}/users/${ben.peer}/bans`).then((answer) => answer.text()))
  const answers = await Promise.all(Array.from({ length: 50 }, () => ask(ana, scene)))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([403]))
  await Promise.all(queries)
})

test('the connection of a player is recorded, even of one who is refused', async (t) => {
  const { ask, storage, clock } = await aGatekeeper(t, {
    bans: [aBan({ bannedAddress: ana.peer })],
    config: { TRUST_CF_CONNECTING_IP: 'true' },
  })
  await ask(ana, { ...scene, deviceIdentifier: 'phone' }, { headers: { 'cf-connecting-ip': '203.0.113.7' } })
  await ask(ben, scene, { headers: { 'cf-connecting-ip': "'; drop table" } })
  clock.advance(100)
  await vi.waitFor(() => expect(storage.connections.size).toBe(2))
  expect([...storage.connections.values()]).toEqual([
    { address: ana.peer, ipAddress: '203.0.113.7', deviceId: 'phone' },
    { address: ben.peer, ipAddress: undefined, deviceId: undefined },
  ])
})

test('an address that the client may have written itself is not recorded', async (t) => {
  const { ask, storage, clock } = await aGatekeeper(t)
  await ask(ana, scene, { headers: { 'cf-connecting-ip': '203.0.113.7' } })
  clock.advance(100)
  await vi.waitFor(() => expect([...storage.connections.values()]).toMatchObject([{ address: ana.peer, ipAddress: undefined }]))
})

test('records of players who were not seen for long are deleted every hour, also after a failure', async (t) => {
  const { storage, clock } = await aGatekeeper(t, { config: { CONNECTION_RETENTION_DAYS: 7 }, broken: 'gone' })
  expect(storage.forgotten).toEqual([[clock.now() - 7 * 24 * 3_600_000, 5_000]])
  storage.broken = undefined
  await vi.waitFor(() => {
    clock.advance(3_600_000 * 1.3)
    expect(storage.forgotten.length).toBeGreaterThan(1)
  })
})

test('a wallet that sends too many requests gets a Retry-After, and other wallets are not affected', async (t) => {
  const { ask, clock } = await aGatekeeper(t)
  for (let i = 0; i < 60; i++) expect((await ask(ana, scene, { chain: 'two' })).status).toBe(200)
  const refused = await ask(ana, scene)
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1'])
  expect((await ask(ben, scene)).status).toBe(200)
  clock.advance(500)
  expect((await ask(ana, scene)).status).toBe(200)
})

test('forged requests do not count for the wallet they name', async (t) => {
  const verify = vi.fn(async (): Promise<ChainVerdict> => ({ ok: false, reason: 'forged' }))
  const { ask } = await aGatekeeper(t, { verifier: aFakeVerifier(verify) })
  for (let i = 0; i < 70; i++) expect((await ask(ana, scene, { chain: 'two' })).status).toBe(401)
  expect(verify).toHaveBeenCalledTimes(70)
})

test('an overload of signature checks is not answered as forbidden', async (t) => {
  const verifier = aFakeVerifier(async () => ({ ok: false, reason: 'full', undecided: true }))
  const { ask } = await aGatekeeper(t, { verifier })
  const answer = await ask(ana, scene)
  expect(answer.headers.get('retry-after')).toBe('5')
  expect(await answerOf(answer)).toEqual([503, { error: 'The signature could not be checked: full' }])
})

test('signatures are checked on behalf of the address that the proxies of the cluster name', async (t) => {
  const verify = vi.fn(async (): Promise<ChainVerdict> => ({ ok: false, reason: 'forged' }))
  const { url } = await aGatekeeper(t, { verifier: aFakeVerifier(verify) })
  const signed = signedHeaders('/get-scene-adapter', {
    wallet: ana,
    method: 'POST',
    metadata: scene,
    timestamp: 1_700_000_000_000,
  })
  for (const address of ['203.0.113.7', '2001:db8::1'])
    await fetch(`${url}/get-scene-adapter`, { method: 'POST', headers: { ...signed, 'x-forwarded-for': `${address}, 10.0.0.1` } })
  expect(verify.mock.calls.map((call: unknown[]) => call[1])).toEqual([
    { network: '203.0.113.7', isOneClient: true },
    { network: '2001:db8:0:0::/64', isOneClient: true },
  ])
})

test('a signature check that takes too long is answered as an outage', async (t) => {
  const verify = vi.fn(() => new Promise<ChainVerdict>(() => {}))
  const { ask, clock } = await aGatekeeper(t, { verifier: aFakeVerifier(verify) })
  const answer = ask(ana, scene)
  await vi.waitFor(() => expect(verify).toHaveBeenCalled())
  clock.advance(10_000)
  expect((await answer).status).toBe(503)
})

test('without LiveKit and without embedded rooms the answer says that there are no scene rooms', async (t) => {
  const { ask } = await aGatekeeper(t, {
    config: { LIVEKIT_HOST: undefined, LIVEKIT_API_KEY: undefined, LIVEKIT_API_SECRET: undefined },
  })
  expect(await answerOf(await ask(ana, scene))).toEqual([
    503,
    { error: 'This realm has no scene rooms: neither LiveKit nor embedded rooms are configured' },
  ])
})

test('a room that cannot be opened now is answered as an outage', async (t) => {
  const transport = { kind: 'ws-room' as const, connectionString: () => Promise.reject(new Error('no broker')) }
  const { ask } = await aGatekeeper(t, { transport })
  expect(await answerOf(await ask(ana, scene))).toEqual([503, { error: 'The room cannot be opened now' }])
})

test('embedded rooms are given by URL, and the admission is published before the player connects', async (t) => {
  const bus = createMemoryBus(silentLog)
  const admissions: unknown[] = []
  bus.subscribe('ns.main.0.rooms.*.admission', (payload, subject) => admissions.push([subject, decodeAdmission(payload)]))
  const { ask } = await aGatekeeper(t, {
    bus,
    config: { LIVEKIT_HOST: undefined, ROOMS_URL: 'wss://play.example.org/cells/0/rooms', BUS_SCOPE: 'ns.main.0' },
  })
  expect(await answerOf(await ask(ana, scene))).toEqual([
    200,
    { adapter: 'ws-room:wss://play.example.org/cells/0/rooms/scene-main%3AbafkTEST' },
  ])
  expect(admissions).toEqual([[`ns.main.0.rooms.${ana.peer}.admission`, { room: 'scene-main:bafkTEST', kind: 'scene' }]])
})

test('stopping writes the records that are still waiting, then closes the storage', async (t) => {
  const { ask, service, storage } = await aGatekeeper(t)
  await ask(ana, scene)
  expect(storage.connections.size).toBe(0)
  await service.stop()
  expect([...storage.connections.keys()]).toEqual([ana.peer])
  expect(storage.stopped).toBe(true)
})
