import { createServer } from 'node:net'
import { expect, type TestContext, test } from 'vitest'
import { type PublicationDocument, publicationOf } from '../../../crds/publication.ts'
import { aProvider, aRealm } from '../fixtures.ts'

const token = 'a-token-of-some-length'
const authorization = `Bearer ${token}`

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => resolve(port))
    })
  })

function aDocument(): PublicationDocument {
  const realm = aRealm({ namespace: 'far', name: 'away' })
  const document = publicationOf({ ...realm, metadata: { ...realm.metadata, uid: 'uid-of-far-away' } }, 60)
  if (!document) throw new Error('the realm serves players')
  return document
}

/** Replicas with one list of addresses, which has their own address too. */
async function replicas(context: TestContext, count: number) {
  const ports = await Promise.all(Array.from({ length: count }, freePort))
  const config = { PUBLICATION_TOKEN: token, PUBLICATION_PEERS: ports.map((port) => `127.0.0.1:${port}`).join() }
  const start = (index: number) => aProvider(context, { config, realTime: true, port: ports[index] ?? 0 })
  return { start }
}

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

test('replicas accept leases from replicas only', async (context) => {
  const { start } = await replicas(context, 1)
  const { url } = await start(0)
  expect((await fetch(`${url}/publications`)).status).toBe(401)
  for (const method of ['PUT', 'DELETE']) expect((await fetch(`${url}/publications/away/replica`, { method })).status).toBe(401)
  const invalid = { method: 'PUT', headers: { authorization }, body: '{"realmName":"away"}' }
  expect((await fetch(`${url}/publications/away/replica`, invalid)).status).toBe(400)
})

test('a replica with the lease of a later leader does not take over that of an earlier one', async (context) => {
  const { start } = await replicas(context, 1)
  const { url } = await start(0)
  const taken = await put(url, { 'if-none-match': '*', 'publication-epoch': '2000' })
  const announced = { realmName: 'away', document: aDocument(), since: 0, remainingMs: 60_000 }
  const announce = (epoch: number) =>
    fetch(`${url}/publications/away/replica`, {
      method: 'PUT',
      headers: { authorization },
      body: JSON.stringify({ ...announced, epoch, etag: `"${epoch}"` }),
    })
  const etag = async () => (await fetch(`${url}/publications/away`, { headers: { authorization } })).headers.get('etag')
  await announce(1000)
  expect(await etag()).toBe(taken.headers.get('etag'))
  await announce(3000)
  expect(await etag()).toBe('"3000"')
})
