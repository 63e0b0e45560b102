import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, type TestContext, test } from 'vitest'
import { type PublicationDocument, publicationOf } from '../../../crds/publication.ts'
import { anEndpoint, aProvider, aRealm } from '../fixtures.ts'

const token = 'a-token-of-some-length'

/** The publication of a realm of another cluster. */
function aDocument(changes: Partial<PublicationDocument> = {}): PublicationDocument {
  const realm = aRealm({ namespace: 'far', name: 'away' })
  const document = publicationOf({ ...realm, metadata: { ...realm.metadata, uid: 'uid-of-far-away' } }, 60)
  if (!document) throw new Error('the realm serves players')
  return { ...document, ...changes }
}

async function aPublicationProvider(context: TestContext) {
  const provider = await aProvider(context, { config: { PUBLICATION_TOKEN: token } })
  const send = async (method: string, name: string, headers: Record<string, string>, body?: unknown) => {
    const answer = await provider.get(`/publications/${name}`, {
      method,
      headers: { authorization: `Bearer ${token}`, ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, etag: answer.headers.get('etag') ?? '', body: text && JSON.parse(text) }
  }
  return {
    ...provider,
    send,
    take: (name: string, document = aDocument()) => send('PUT', name, { 'if-none-match': '*' }, document),
    renew: (name: string, etag: string, document = aDocument()) => send('PUT', name, { 'if-match': etag }, document),
    adapter: async (name: string) => ((await provider.json(`/${name}/about`)) as { comms?: { adapter?: string } }).comms?.adapter,
  }
}

test('a realm of another cluster takes a name, and is served like any other', async (context) => {
  const { take, adapter, json } = await aPublicationProvider(context)
  expect(await take('away')).toMatchObject({ status: 201, body: { publisher: 'uid-of-far-away' }, etag: expect.any(String) })
  expect(await adapter('away')).toBe(anEndpoint(0).adapter)
  expect(await json('/realms')).toMatchObject([{ serverName: 'away' }])
})

test('a realm of another cluster is described with everything it says of its world', async (context) => {
  const { take, json } = await aPublicationProvider(context)
  const configurations = {
    skybox: { fixedHour: 43_200, textures: ['https://t'] },
    minimap: { enabled: true, estateImage: 'https://e' },
    localSceneParcels: ['0,0'],
    cityLoaderContentServer: '',
    map: {
      minimapEnabled: false,
      sizes: [],
      satelliteView: {
        version: 'v1' as const,
        baseUrl: 'https://s',
        suffixUrl: '.jpg',
        topLeftOffset: { horizontal: 0, vertical: 1 },
      },
      parcelView: { version: 'v1' as const, imageUrl: 'https://p' },
    },
  }
  const content = { ...aDocument().content, ...configurations }
  expect(await take('away', aDocument({ content }))).toMatchObject({ status: 201 })
  const satelliteView = { ...configurations.map.satelliteView, topLeftOffset: { x: 0, y: 1 } }
  const shown = { ...configurations, map: { ...configurations.map, satelliteView } }
  expect(await json('/away/about')).toMatchObject({ configurations: shown })
  const bad = { ...content, skybox: { fixedHour: 'noon' } } as unknown as PublicationDocument['content']
  expect(await take('other', aDocument({ content: bad }))).toMatchObject({
    status: 400,
    body: { error: expect.stringContaining('skybox.fixedHour') },
  })
})

test('a receipt says how many catalysts of the realm are not used, and nothing where all are', async (context) => {
  const { take, renew, send, source } = await aPublicationProvider(context)
  const { content } = aDocument()
  const far = aDocument({ content: { ...content, catalysts: Array.from({ length: 10 }, (_, n) => `http://far.invalid/${n}`) } })
  const { etag, body } = await take('away', far)
  expect(body).not.toHaveProperty('unusedCatalysts')
  source.set(aRealm({ name: 'near', content: { catalysts: Array.from({ length: 600 }, (_, n) => `http://near.invalid/${n}`) } }))
  expect((await renew('away', etag, far)).body).not.toHaveProperty('unusedCatalysts')
  // 102 tenants take turns: each gets five of 512, and the first two, of which it is one, a sixth.
  for (let n = 0; n < 100; n++)
    source.set(
      aRealm({
        namespace: `crowd-${n}`,
        name: `crowd-${n}`,
        content: { catalysts: Array.from({ length: 10 }, (_, m) => `http://crowd-${n}.invalid/${m}`) },
      }),
    )
  expect((await send('GET', 'away', {})).body).toMatchObject({ unusedCatalysts: 4 })
})

test('a name that is not renewed is free again when its lease has expired', async (context) => {
  const { take, renew, adapter, clock } = await aPublicationProvider(context)
  const { etag } = await take('away')
  clock.advance(50_000)
  expect((await renew('away', etag)).status).toBe(200)
  clock.advance(50_000)
  expect(await adapter('away')).toBeDefined()
  clock.advance(10_001)
  expect(await adapter('away')).toBeUndefined()
})

test.for([3_600_000, -3_600_000])('setting the clock by %i ms neither ends a lease nor prolongs it', async (jumpMs, context) => {
  const { take, send, adapter, clock } = await aPublicationProvider(context)
  await take('away')
  clock.jump(jumpMs)
  clock.advance(20_000)
  expect(await adapter('away')).toBeDefined()
  const { body } = await send('GET', 'away', {})
  expect(Date.parse(body.expiresAt) - clock.now()).toBe(40_000)
  clock.advance(40_001)
  expect(await adapter('away')).toBeUndefined()
})

test('a renewal with changes is served at once', async (context) => {
  const { take, renew, adapter, json } = await aPublicationProvider(context)
  const { etag } = await take('away')
  const moved = aDocument({ endpoints: [{ ...anEndpoint(2), adapter: 'elsewhere' }] })
  await renew('away', etag, moved)
  expect(await adapter('away')).toBe('elsewhere')
  const unhealthy = aDocument({ endpoints: [anEndpoint(2, 'Unhealthy')] })
  const { etag: current } = await renew('away', (await renew('away', etag, moved)).etag, unhealthy)
  expect(current).toBe('') // its ETag was not the last one
  expect(await json('/realms')).toHaveLength(1)
})

test('a name can be released only with the last ETag', async (context) => {
  const { take, renew, send, adapter } = await aPublicationProvider(context)
  const first = await take('away')
  const second = await renew('away', first.etag)
  expect(second.etag).not.toBe(first.etag)
  expect((await send('DELETE', 'away', { 'if-match': first.etag })).status).toBe(412)
  expect((await send('DELETE', 'away', {})).status).toBe(412)
  expect((await send('DELETE', 'away', { 'if-match': second.etag })).status).toBe(204)
  expect(await adapter('away')).toBeUndefined()
  expect((await send('DELETE', 'away', { 'if-match': second.etag })).status).toBe(404)
})

test('an operator that was suspended cannot undo what its successor did', async (context) => {
  const { take, renew, send } = await aPublicationProvider(context)
  const suspended = await take('away')
  const successor = await send('GET', 'away', {})
  expect(successor).toMatchObject({ status: 200, etag: suspended.etag, body: { publisher: 'uid-of-far-away' } })
  expect((await renew('away', successor.etag)).status).toBe(200)
  expect((await renew('away', suspended.etag)).status).toBe(412)
  expect((await take('away')).status).toBe(412)
})

test('of two operators that both act as the leader the one elected later prevails, whatever ETag the other has', async (context) => {
  const { send, adapter } = await aPublicationProvider(context)
  const publishAs = (epoch: number, headers: Record<string, string>, at: string) =>
    send(
      'PUT',
      'away',
      { 'publication-epoch': String(epoch), ...headers },
      aDocument({ endpoints: [{ ...anEndpoint(0), adapter: at }] }),
    )
  const first = await publishAs(1_000, { 'if-none-match': '*' }, 'first')
  const second = await publishAs(2_000, { 'if-match': first.etag }, 'second')
  expect(second.status).toBe(200)
  const { etag } = await send('GET', 'away', {})
  expect(await publishAs(1_000, { 'if-match': etag }, 'stale')).toMatchObject({ status: 412, body: { epoch: 2_000 } })
  const deletion = await send('DELETE', 'away', { 'publication-epoch': '1000', 'if-match': etag })
  expect(deletion).toMatchObject({ status: 412, body: { epoch: 2_000 } })
  expect(await adapter('away')).toBe('second')
  expect((await publishAs(2_000, { 'if-match': etag }, 'third')).status).toBe(200)
  expect((await send('DELETE', 'away', { 'publication-epoch': 'soon' })).status).toBe(400)
})

test('a name that is taken is refused to other publishers, and the answer names its holder', async (context) => {
  const { take, renew, source, send } = await aPublicationProvider(context)
  const { etag } = await take('away')
  const other = aDocument({ publisher: 'uid-of-another', realm: { namespace: 'new', name: 'comer' } })
  expect(await take('away', other)).toMatchObject({ status: 409, body: { holder: 'far/away' } })
  expect((await renew('away', etag, other)).status).toBe(409)
  source.set(aRealm({ name: 'home', namespace: 'realms' }))
  expect(await take('home')).toMatchObject({ status: 409, body: { holder: 'realms/home' } })
  expect((await send('GET', 'home', {})).status).toBe(404)
  source.set(aRealm({ name: 'home', namespace: 'realms', replicas: 0 }))
  expect(await take('home')).toMatchObject({ status: 409, body: { holder: 'realms/home' } })
})

test('a Realm of this cluster keeps a name it had first, and a later one does not get it', async (context) => {
  const { take, source, adapter, clock } = await aPublicationProvider(context)
  const at = (ms: number) => new Date(clock.now() + ms).toISOString()
  const { etag } = await take('shared', aDocument({ endpoints: [{ ...anEndpoint(0), adapter: 'far' }] }))
  expect(etag).not.toBe('')
  source.set(aRealm({ name: 'shared', createdAt: at(1_000), endpoints: [{ ...anEndpoint(0), adapter: 'home' }] }))
  expect(await adapter('shared')).toBe('far')
  clock.advance(60_001)
  expect(await adapter('shared')).toBe('home')
  expect(await take('shared')).toMatchObject({ status: 409 })
})

test.for([
  ['without the token', {}],
  ['with a wrong one', { authorization: 'Bearer a-token-of-some-lengtH' }],
  ['with it in another way', { authorization: token }],
] as const)('a request %s may neither read nor publish', async ([_, headers], context) => {
  const { get } = await aPublicationProvider(context)
  for (const method of ['GET', 'PUT', 'DELETE'])
    expect((await get('/publications/away', { method, headers })).status, method).toBe(401)
})

test('a provider without a configured token accepts no publications', async (context) => {
  const { get } = await aProvider(context)
  expect((await get('/publications/away', { method: 'PUT', headers: { authorization: `Bearer ${token}` } })).status).toBe(404)
})

test.for([
  ['no JSON', undefined],
  ['too long a lease', aDocument({ ttlSeconds: 86_400 })],
  ['no endpoint', aDocument({ endpoints: [] })],
  ['an endpoint that starts', aDocument({ endpoints: [anEndpoint(0, 'Starting')] })],
  ['a catalyst that is no URL', aDocument({ content: { ...aDocument().content, catalysts: ['file:///etc/passwd'] } })],
  ['an unknown field', { ...aDocument(), admin: true }],
] as const)('a document with %s is refused', async ([_, document], context) => {
  const { send } = await aPublicationProvider(context)
  expect((await send('PUT', 'away', { 'if-none-match': '*' }, document)).status).toBe(400)
})

test('a path of the provider itself is not a valid name of a realm', async (context) => {
  const { take } = await aPublicationProvider(context)
  for (const name of ['realms', 'publications', '..%2Fx', 'a%20b']) expect((await take(name)).status, name).toBe(400)
})

/** A provider with two publishers, each with a token and names of its own. */
async function twoPublishers(context: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'publishers-'))
  context.onTestFinished(() => rmSync(folder, { recursive: true }))
  const publishers = ['east', 'west'].map((name) => {
    const tokenFile = join(folder, name)
    writeFileSync(tokenFile, `the-token-of-${name}\n`)
    return { name, tokenFile, names: [`${name}-*`, 'shared'] }
  })
  const provider = await aProvider(context, { config: { PUBLICATION_PUBLISHERS: JSON.stringify(publishers) } })
  const send = (
    publisher: string,
    method: string,
    name: string,
    headers: Record<string, string> = {},
    document = aDocument(),
  ): Promise<Response> =>
    provider.get(`/publications/${name}`, {
      method,
      headers: { authorization: `Bearer the-token-of-${publisher}`, ...headers },
      ...(method === 'PUT' && { body: JSON.stringify(document) }),
    })
  return { ...provider, send }
}

test('publishers cannot see, renew or end what another one published, even with its ETag and the uid of its Realm', async (context) => {
  const { send, get, json } = await twoPublishers(context)
  const taken = await send('east', 'PUT', 'shared', { 'if-none-match': '*' })
  const etag = taken.headers.get('etag') ?? ''
  expect(taken.status).toBe(201)
  expect((await send('west', 'GET', 'shared')).status).toBe(404)
  const evil = aDocument({ endpoints: [{ ...anEndpoint(0), adapter: 'evil' }] })
  for (const headers of [{ 'if-match': etag }, { 'if-none-match': '*' }]) {
    const refused = await send('west', 'PUT', 'shared', { ...headers, 'publication-epoch': '999999999999999' }, evil)
    expect([refused.status, await refused.json()]).toEqual([409, { error: 'the name is taken' }])
  }
  expect((await send('west', 'DELETE', 'shared', { 'if-match': etag })).status).toBe(404)
  expect((await get('/publications', { headers: { authorization: 'Bearer the-token-of-west' } })).status).toBe(404)
  expect(await json('/shared/about')).toMatchObject({ comms: { adapter: anEndpoint(0).adapter } })
  expect((await send('east', 'PUT', 'shared', { 'if-match': etag })).status).toBe(200)
})

test('a publisher may publish only its own names', async (context) => {
  const { send } = await twoPublishers(context)
  const take = (publisher: string, name: string) => send(publisher, 'PUT', name, { 'if-none-match': '*' })
  expect((await take('east', 'east-one')).status).toBe(201)
  for (const name of ['west-one', 'east', 'main']) expect([name, (await take('east', name)).status]).toEqual([name, 403])
})

test('a publisher with very many publications leaves room for those of another one', async (context) => {
  const { send } = await twoPublishers(context)
  const urns = Array.from({ length: 64 }, (_, n) => `${n}`.padEnd(1_000, 'x'))
  const long = aDocument({ content: { ...aDocument().content, scenesUrn: urns, globalScenesUrn: urns } })
  const statuses = new Set<number>()
  for (let n = 0; n < 140; n++) statuses.add((await send('east', 'PUT', `east-${n}`, { 'if-none-match': '*' }, long)).status)
  expect([...statuses]).toEqual([201, 503])
  expect((await send('west', 'PUT', 'west-one', { 'if-none-match': '*' })).status).toBe(201)
})

test.for([
  ['that is not JSON', 'east'],
  ['with an unreadable token', JSON.stringify([{ name: 'east', tokenFile: '/nowhere', names: [] }])],
  ['without names', JSON.stringify([{ name: 'east', tokenFile: '/dev/null' }])],
  ['with an empty token', JSON.stringify([{ name: 'east', tokenFile: '/dev/null', names: ['*'] }])],
] as const)('a provider does not start with a list of publishers %s', async ([_, list], context) => {
  await expect(aProvider(context, { config: { PUBLICATION_PUBLISHERS: list } })).rejects.toThrow('PUBLICATION_PUBLISHERS')
})
