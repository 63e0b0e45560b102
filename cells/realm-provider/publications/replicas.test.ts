import { expect, type TestContext, test } from 'vitest'
import { type PublicationDocument, publicationOf } from '../../../crds/publication.ts'
import { freePort } from '../../../testing/free-port.ts'
import { aProvider, aRealm } from '../fixtures.ts'

const token = 'a-token-of-some-length'
const authorization = `Bearer ${token}`
const REPLICA_TOKEN = 'the-token-of-replicas'

function aDocument(): PublicationDocument {
  const realm = aRealm({ namespace: 'far', name: 'away' })
  const document = publicationOf({ ...realm, metadata: { ...realm.metadata, uid: 'uid-of-far-away' } }, 60)
  if (!document) throw new Error('the realm serves players')
  return document
}

/** Replicas with one list of addresses, which has their own address too. */
async function replicas(context: TestContext, count: number) {
  const ports = await Promise.all(Array.from({ length: count }, freePort))
  const peers = ports.map((port) => `127.0.0.1:${port}`).join()
  const start = (index: number) =>
    aProvider(context, {
      config: { PUBLICATION_TOKEN: token, PUBLICATION_PEERS: peers, REPLICA_TOKEN, PEER_SERVER_PORT: ports[index] ?? 0 },
      realTime: true,
    })
  return { start }
}

const evil = { slot: 0, adapter: 'archipelago:archipelago:wss://evil/ws', cell: 'x', state: 'Serving' }

const put = (url: string, headers: Record<string, string>) =>
  fetch(`${url}/publications/away`, { method: 'PUT', headers: { authorization, ...headers }, body: JSON.stringify(aDocument()) })
const isServed = async (url: string) => (await fetch(`${url}/away/about`)).ok

test('a publication at one replica is served by all of them, and can be renewed and ended at any of them', async (context) => {
  const { start } = await replicas(context, 2)
  const [one, other] = [await start(0), await start(1)]
  const taken = await put(one.url, { 'if-none-match': '*' })
  expect(taken.status).toBe(201)
  expect([await isServed(one.url), await isServed(other.url)]).toEqual([true, true])
  const renewed = await put(other.url, { 'if-match': taken.headers.get('etag') ?? '' })
  expect(renewed.status).toBe(200)
  const ended = await fetch(`${one.url}/publications/away`, {
    method: 'DELETE',
    headers: { authorization, 'if-match': renewed.headers.get('etag') ?? '' },
  })
  expect(ended.status).toBe(204)
  expect([await isServed(one.url), await isServed(other.url)]).toEqual([false, false])
})

test('a replica that starts later serves the existing leases before it says that it is ready', async (context) => {
  const { start } = await replicas(context, 3)
  const one = await start(0)
  const taken = await put(one.url, { 'if-none-match': '*' })
  const late = await start(2)
  expect(await isServed(late.url)).toBe(true)
  expect((await put(late.url, { 'if-match': taken.headers.get('etag') ?? '' })).status).toBe(200)
})

/** Sends what only replicas send, by default as a replica would. */
const announce = (peerUrl: string, lease: unknown, { method = 'PUT', bearer = REPLICA_TOKEN, name = 'away' } = {}) =>
  fetch(`${peerUrl}/publications/${name}/replica`, {
    method,
    headers: { authorization: `Bearer ${bearer}` },
    body: JSON.stringify(lease),
  })
const aLease = (changes: object = {}) => ({
  realmName: 'away',
  account: 'default',
  document: aDocument(),
  etag: '"an-etag"',
  epoch: 0,
  since: 1_000,
  renewedAt: 1_000,
  remainingMs: 60_000,
  ...changes,
})

test('replicas accept leases from replicas only, and not even a publisher may send one', async (context) => {
  const { start } = await replicas(context, 1)
  const { url, peerUrl } = await start(0)
  for (const bearer of ['', token]) {
    expect((await fetch(`${peerUrl}/publications`, { headers: { authorization: `Bearer ${bearer}` } })).status).toBe(401)
    for (const method of ['PUT', 'DELETE']) expect((await announce(peerUrl, aLease(), { method, bearer })).status).toBe(401)
  }
  for (const bearer of [token, REPLICA_TOKEN]) {
    for (const method of ['PUT', 'DELETE']) expect((await announce(url, aLease(), { method, bearer })).status).toBe(404)
    expect((await fetch(`${url}/publications`, { headers: { authorization: `Bearer ${bearer}` } })).status).toBe(404)
  }
  expect((await fetch(`${url}/publications/away`, { headers: { authorization: `Bearer ${REPLICA_TOKEN}` } })).status).toBe(401)
  expect((await announce(peerUrl, aLease())).status).toBe(204)
})

test.for([
  ['a date beyond every calendar', { since: 1e20 }],
  ['a date that is not whole', { since: 0.5 }],
  ['a negative date', { since: -1 }],
  ['a line break in its ETag', { etag: 'a\r\nb' }],
  ['a line break in a quoted ETag', { etag: '"a\r\nb"' }],
  ['a long ETag', { etag: `"${'x'.repeat(33)}"` }],
  ['an epoch that is too high', { epoch: 1e18 }],
  ['a lease time that is too long', { remainingMs: 1e9 }],
  ['no publisher', { account: undefined }],
  ['the name of a path of the provider', { realmName: 'realms' }],
  ['another name than its path', { realmName: 'other' }],
  ['a name that is none', { realmName: '../x' }],
  ['an endpoint that is none', { document: { ...aDocument(), endpoints: [{}] } }],
] as const)('a lease with %s is refused', async ([_, changes], context) => {
  const { start } = await replicas(context, 1)
  const { peerUrl, get } = await start(0)
  const name = 'realmName' in changes && changes.realmName !== 'other' ? encodeURIComponent(changes.realmName) : 'away'
  expect((await announce(peerUrl, aLease(changes), { name })).status).toBe(400)
  expect((await get('/publications/away', { headers: { authorization } })).status).toBe(404)
  expect((await get('/ping')).status).toBe(200)
})

test('a lease takes the name neither of a Realm of this cluster nor of another publisher, however old it says it is', async (context) => {
  const { start } = await replicas(context, 1)
  const { peerUrl, source, json } = await start(0)
  for (const replicas of [1, 0]) {
    source.set(aRealm({ name: 'home', replicas }))
    const lease = aLease({ realmName: 'home', since: 0, document: { ...aDocument(), endpoints: [evil] } })
    expect((await announce(peerUrl, lease, { name: 'home' })).status).toBe(409)
    expect(JSON.stringify(await json('/home/about'))).not.toContain('evil')
  }
  expect((await announce(peerUrl, aLease())).status).toBe(204)
  await announce(peerUrl, aLease({ account: 'another', document: { ...aDocument(), endpoints: [evil] } }))
  expect(JSON.stringify(await json('/away/about'))).not.toContain('evil')
})

test('a name that another replica says was taken in the future counts from now', async (context) => {
  const { start } = await replicas(context, 1)
  const { peerUrl } = await start(0)
  await announce(peerUrl, aLease({ since: 900_000_000_000_000 }))
  const leases = await fetch(`${peerUrl}/publications`, { headers: { authorization: `Bearer ${REPLICA_TOKEN}` } })
  const [{ since }] = (await leases.json()) as [{ since: number }]
  expect(since).toBeLessThanOrEqual(Date.now())
})

test('probes and metrics are on the port of the replicas, and not on the public one', async (context) => {
  const { start } = await replicas(context, 1)
  const { url, peerUrl } = await start(0)
  for (const path of ['/metrics', '/health/live', '/health/ready', '/health/startup']) {
    expect([path, (await fetch(url + path)).status, (await fetch(peerUrl + path)).status]).toEqual([path, 404, 200])
  }
})

test('a replica with the lease of a later leader does not take over that of an earlier one', async (context) => {
  const { start } = await replicas(context, 1)
  const { url, peerUrl } = await start(0)
  const taken = await put(url, { 'if-none-match': '*', 'publication-epoch': '2000' })
  const announceAs = (epoch: number) => announce(peerUrl, aLease({ epoch, etag: `"${epoch}"` }))
  const etag = async () => (await fetch(`${url}/publications/away`, { headers: { authorization } })).headers.get('etag')
  await announceAs(1000)
  expect(await etag()).toBe(taken.headers.get('etag'))
  await announceAs(3000)
  expect(await etag()).toBe('"3000"')
})

test.for([
  ['by an earlier leader', { epoch: 1_999, renewedAt: 999 }, true],
  ['before it was renewed', { epoch: 2_000, renewedAt: 499 }, true],
  ['by another account', { account: 'another' }, true],
  ['by another publisher', { publisher: 'another' }, true],
  ['as it is now', {}, false],
  ['after a renewal that did not arrive here', { renewedAt: 501 }, false],
  ['by a later leader', { epoch: 2_001, renewedAt: 1 }, false],
] as const)('a lease that was given back at another replica %s: whether it stays is %s', async ([_, changes, stays], context) => {
  const { start } = await replicas(context, 1)
  const { url, peerUrl } = await start(0)
  const [epoch, renewedAt] = [2_000, 500]
  await announce(peerUrl, aLease({ epoch, renewedAt }))
  const ended = { account: 'default', publisher: aDocument().publisher, epoch, renewedAt, ...changes }
  expect((await announce(peerUrl, ended, { method: 'DELETE' })).status).toBe(204)
  expect(await isServed(url)).toBe(stays)
})

test('a replica does not guess which lease ended', async (context) => {
  const { start } = await replicas(context, 1)
  const { url, peerUrl } = await start(0)
  await announce(peerUrl, aLease())
  for (const body of [undefined, {}, { account: 'default', epoch: -1, renewedAt: 1, publisher: 'x' }])
    expect((await announce(peerUrl, body, { method: 'DELETE' })).status).toBe(400)
  expect(await isServed(url)).toBe(true)
})

test('a renewal that arrives after a later one does not replace it', async (context) => {
  const { start } = await replicas(context, 1)
  const { url, peerUrl } = await start(0)
  for (const renewedAt of [500, 499]) await announce(peerUrl, aLease({ renewedAt, etag: `"${renewedAt}"` }))
  const etag = async () => (await fetch(`${url}/publications/away`, { headers: { authorization } })).headers.get('etag')
  expect(await etag()).toBe('"500"')
  // Whatever the clock of this replica says, a renewal here is later than what it received.
  await announce(peerUrl, aLease({ renewedAt: 900_000_000_000_000, etag: '"far"' }))
  const renewed = await put(url, { 'if-match': '"far"' })
  const leases = await fetch(`${peerUrl}/publications`, { headers: { authorization: `Bearer ${REPLICA_TOKEN}` } })
  expect([renewed.status, await leases.json()]).toMatchObject([200, [{ renewedAt: 900_000_000_000_001 }]])
})
