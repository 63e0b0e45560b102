import { expect, test, vi } from 'vitest'
import { aBan, aGatekeeper, answerOf } from './fixtures.ts'

const wallet = '0x00000000000000000000000000000000000000Aa'

test.for(['', '/gatekeeper'])('the build is shown below %j', async (prefix, t) => {
  const { url } = await aGatekeeper(t)
  expect(await (await fetch(`${url}${prefix}/ping`)).text()).toBe('/ping')
  expect(await answerOf(await fetch(`${url}${prefix}/status`))).toEqual([
    200,
    { version: '1.2.3', currentTime: 1_700_000_000_000, commitHash: 'abc', livekit: 'reachable', webhooks: 'unknown' },
  ])
  const head = await fetch(`${url}${prefix}/status`, { method: 'HEAD' })
  expect([head.status, await head.text()]).toEqual([200, ''])
})

test('every client may see that a player is banned and until when, and nothing else', async (t) => {
  const ban = aBan({
    bannedAddress: wallet.toLowerCase(),
    bannedDeviceId: 'phone',
    expiresAt: 1_800_000_000_000,
    customMessage: 'see you',
  })
  const { url } = await aGatekeeper(t, { bans: [ban] })
  expect(await answerOf(await fetch(`${url}/users/${wallet}/bans`))).toEqual([
    200,
    { data: { isBanned: true, ban: { expiresAt: '2027-01-15T08:00:00.000Z' } } },
  ])
})

const askMany = async (url: string, body: unknown) =>
  answerOf(await fetch(`${url}/users/bans`, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) }))

test('one query says which of many players are banned, also among a hundred thousand bans', async (t) => {
  const address = (n: number) => `0x${n.toString(16).padStart(40, '0')}`
  const bans = Array.from({ length: 100_000 }, (_, n) => aBan({ id: String(n), bannedAddress: address(2 * n) }))
  const { url } = await aGatekeeper(t, { bans })
  const addresses = Array.from({ length: 1_000 }, (_, n) => address(n))
  const banned = addresses.filter((_, n) => n % 2 === 0)
  expect(await askMany(url, { addresses: [...addresses.slice(1), address(0).toUpperCase().replace('X', 'x')] })).toMatchObject([
    200,
    { data: { banned: [...banned.slice(1), address(0)], kicked: [] } },
  ])
})

test.for([
  ['no JSON', '{'],
  ['no list', { addresses: 'all' }],
  ['null', null],
  ['too many', { addresses: Array.from({ length: 1_001 }, () => '') }],
] as const)('a query about many players that is %s is refused', async ([, body], t) => {
  const { url } = await aGatekeeper(t)
  expect(await askMany(url, body)).toMatchObject([400, { ok: false, message: body === '{' ? /JSON/ : 'Invalid JSON body' }])
})

test('what is no wallet address among many is not banned', async (t) => {
  const { url } = await aGatekeeper(t, { bans: [aBan({ bannedAddress: wallet.toLowerCase() })] })
  expect(await askMany(url, { addresses: [wallet, 'not-a-wallet', 7, null, {}] })).toMatchObject([
    200,
    { data: { banned: [wallet.toLowerCase()], kicked: [] } },
  ])
})

test('queries for bans are limited per client address, and services of the cluster may send many more', async (t) => {
  const { url, clock, metrics } = await aGatekeeper(t)
  const query = async (address?: string) =>
    (await fetch(`${url}/users/${wallet}/bans`, address ? { headers: { 'x-forwarded-for': address } } : {})).status
  for (let n = 0; n < 60; n++) expect(await query('203.0.113.7')).toBe(200)
  expect(await query('203.0.113.7')).toBe(429)
  expect(await query('203.0.113.8')).toBe(200)
  for (let n = 0; n < 100; n++) expect(await query()).toBe(200)
  clock.advance(100)
  expect(await query('203.0.113.7')).toBe(200)
  expect(await metrics.registry.metrics()).toContain('realm_gatekeeper_ban_queries_limited_total 1')
})

test('the client behind a CDN is the one the CDN names, where the CDN is declared', async (t) => {
  const { url } = await aGatekeeper(t, { config: { TRUSTED_PROXY_HOPS: 1 } })
  const query = async (address: string) =>
    (await fetch(`${url}/users/${wallet}/bans`, { headers: { 'x-forwarded-for': `${address}, 198.51.100.7` } })).status
  for (let n = 0; n < 60; n++) expect(await query('203.0.113.7')).toBe(200)
  expect(await query('203.0.113.7')).toBe(429)
  expect(await query('203.0.113.8')).toBe(200)
})

test.for([wallet, 'not-a-wallet', "0x'; drop table user_bans"])('%s is not banned', async (address, t) => {
  const { url } = await aGatekeeper(t)
  const asked = await fetch(`${url}/gatekeeper/users/${encodeURIComponent(address)}/bans`)
  expect(await answerOf(asked)).toEqual([200, { data: { isBanned: false } }])
})

test('a ban that cannot be looked up is answered as an outage, not as no ban', async (t) => {
  const { url } = await aGatekeeper(t, { broken: 'gone' })
  const answer = await fetch(`${url}/users/${wallet}/bans`)
  expect(answer.headers.get('retry-after')).toBe('5')
  expect(await answerOf(answer)).toEqual([503, { error: 'Bans cannot be looked up now' }])
  expect(await askMany(url, { addresses: [wallet] })).toEqual([503, { error: 'Bans cannot be looked up now' }])
})

test('explorers in a browser may call the gatekeeper', async (t) => {
  const { url } = await aGatekeeper(t)
  const preflight = await fetch(`${url}/get-scene-adapter`, {
    method: 'OPTIONS',
    headers: { origin: 'https://play.example.org', 'access-control-request-headers': 'x-identity-metadata' },
  })
  expect([preflight.status, preflight.headers.get('access-control-allow-headers')]).toEqual([204, 'x-identity-metadata'])
  expect((await fetch(`${url}/get-scene-adapter`)).status).toBe(405)
})

test('an outage of the database of half a minute makes the gatekeeper unready, but not dead', async (t) => {
  const { url, service, storage, clock } = await aGatekeeper(t)
  const probe = async (name: string) => (await fetch(`${url}/health/${name}`)).status
  expect(await probe('ready')).toBe(200)
  storage.broken = 'gone'
  clock.advance(30_000)
  expect(await probe('ready')).toBe(200)
  clock.advance(1)
  expect(service.readiness()).toEqual({ ready: false, reason: 'the database cannot be reached' })
  expect([await probe('ready'), await probe('live')]).toEqual([503, 200])
  storage.broken = undefined
  await vi.waitFor(async () => {
    clock.advance(6_000)
    expect(await probe('ready')).toBe(200)
  })
})

test('the version of the bans is another one after every change of them', async (t) => {
  const { url, storage, clock } = await aGatekeeper(t)
  const version = async () =>
    ((await (await fetch(`${url}/users/bans/version`)).json()) as { data: { version: string } }).data.version
  const before = await version()
  expect(await version()).toBe(before)
  storage.bans = [aBan({ bannedAddress: wallet.toLowerCase() })]
  await vi.waitFor(async () => {
    clock.advance(700)
    expect(await version()).not.toBe(before)
    expect(await askMany(url, { addresses: [] })).toEqual([200, { data: { banned: [], kicked: [], version: await version() } }])
  })
})
