import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, type TestContext, test } from 'vitest'
import { type PublicationDocument, publicationOf } from '../../../crds/publication.ts'
import type { Realm, RealmSpec } from '../../../crds/realm.ts'
import type { RealmStats } from '../adapters/stats-poller.ts'
import { anEndpoint, aProvider, aRealm } from '../fixtures.ts'

type Publication = Partial<RealmSpec['publication']>

const adapterAt = (cluster: string) => `archipelago:archipelago:wss://${cluster}.example/cells/0/ws`

/** The Realm of a cluster, with a uid of its own. */
function aRealmIn(cluster: string, publication: Publication, state: 'Serving' | 'Unhealthy' = 'Serving'): Realm {
  const realm = aRealm({ name: 'plaza', endpoints: [{ ...anEndpoint(0, state), adapter: adapterAt(cluster) }] })
  return {
    ...realm,
    metadata: { ...realm.metadata, uid: `uid-of-${cluster}` },
    spec: {
      ...realm.spec,
      cells: { ...realm.spec.cells, capacity: 10 },
      publication: { ...realm.spec.publication, ...publication },
    },
  }
}

const shared = (country: string): Publication => ({ shared: true, location: { country } })
const EAST = shared('JP')
const WEST = shared('US')

/** A realm provider for clusters that publish with tokens of their own, and how many players each has. */
async function aHub(context: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'publishers-'))
  context.onTestFinished(() => rmSync(folder, { recursive: true }))
  const publishers = ['east', 'west', 'stranger'].map((name) => {
    const tokenFile = join(folder, name)
    writeFileSync(tokenFile, `the-token-of-${name}\n`)
    return { name, tokenFile, names: ['plaza'] }
  })
  const players = new Map<string, number>()
  const stats: RealmStats = {
    playerCount: ({ uid = '' }) => {
      const total = players.get(uid.replace('uid-of-', '')) ?? 0
      return { total, bySlot: new Map([[0, total]]) }
    },
    hotScenes: () => [],
    stop: async () => {},
  }
  const provider = await aProvider(context, { config: { PUBLICATION_PUBLISHERS: JSON.stringify(publishers) }, stats })
  const etags = new Map<string, string>()
  const send = (cluster: string, method: string, headers: Record<string, string>, document?: PublicationDocument, as = cluster) =>
    provider.get(`/publications/plaza${document ? '' : `?publisher=uid-of-${cluster}`}`, {
      method,
      headers: { authorization: `Bearer the-token-of-${as}`, ...headers },
      ...(document && { body: JSON.stringify(document) }),
    })
  /** Takes the name, or renews the lease. */
  const publish = async (cluster: string, publication: Publication, state?: 'Serving' | 'Unhealthy', as = cluster) => {
    const document = publicationOf(aRealmIn(cluster, publication, state), 60)
    if (!document) throw new Error('the realm serves players')
    const etag = etags.get(cluster)
    const answer = await send(cluster, 'PUT', etag ? { 'if-match': etag } : { 'if-none-match': '*' }, document, as)
    if (answer.ok) etags.set(cluster, answer.headers.get('etag') ?? '')
    return answer.status
  }
  const from = async (country: string, query = '') => {
    const answer = await provider.json(`/plaza/about${query}`, { headers: { 'cf-ipcountry': country } })
    return /wss:\/\/(\w+)\./.exec((answer as { comms?: { adapter?: string } }).comms?.adapter ?? '')?.[1]
  }
  return { ...provider, send, publish, from, players, etags }
}

test('players are sent to the nearest of the clusters that share a name, and to the others while that one is unhealthy or full', async (context) => {
  const { publish, from, players, json, get } = await aHub(context)
  expect([await publish('east', EAST), await publish('west', WEST)]).toEqual([201, 201])
  expect([await from('KR'), await from('MX')]).toEqual(['east', 'west'])
  players.set('east', 3).set('west', 4)
  expect(await json('/realms')).toMatchObject([{ serverName: 'plaza', usersCount: 7 }])
  expect((await get('/plaza/about')).headers.get('vary')).toContain('CF-IPCountry')

  players.set('east', 10)
  expect([await from('KR'), await from('MX')]).toEqual(['west', 'west'])
  players.set('west', 10)
  expect([await from('KR'), await from('MX')]).toEqual(['east', 'west'])
  players.clear()
  await publish('east', EAST, 'Unhealthy')
  expect(await from('KR')).toBe('west')
  await publish('east', EAST)
  expect(await from('KR')).toBe('east')
  expect(await from('KR', '?publisher=uid-of-west')).toBe('west')
})

test('a cluster that is lost is covered by the others within its lease, and comes back', async (context) => {
  const { publish, from, clock, etags } = await aHub(context)
  await publish('east', EAST)
  await publish('west', WEST)
  for (let seconds = 0; seconds < 80; seconds += 20) {
    expect([await from('KR'), await from('MX')]).toEqual([seconds < 60 ? 'east' : 'west', 'west'])
    clock.advance(20_000)
    expect(await publish('west', WEST)).toBe(200)
  }
  etags.delete('east')
  expect(await publish('east', EAST)).toBe(201)
  expect(await from('KR')).toBe('east')
})

test('a player without a known location is sent to the same cluster each time, and players are spread over all', async (context) => {
  const { publish, json, get } = await aHub(context)
  await publish('east', EAST)
  await publish('west', WEST)
  const adapterFor = async (address: string) =>
    ((await json('/plaza/about', { headers: { 'x-forwarded-for': address } })) as { comms: { adapter: string } }).comms.adapter
  const addresses = Array.from({ length: 20 }, (_, n) => `203.0.113.${n}`)
  const first = await Promise.all(addresses.map(adapterFor))
  expect(new Set(first)).toEqual(new Set([adapterAt('east'), adapterAt('west')]))
  expect(await Promise.all(addresses.map(adapterFor))).toEqual(first)
  expect((await get('/plaza/about')).headers.get('cache-control')).toBe('private, max-age=1')
})

test('a name is shared only where all who have it say so', async (context) => {
  const { publish, from } = await aHub(context)
  expect(await publish('east', {})).toBe(201)
  expect(await publish('west', WEST)).toBe(409)
  expect(await publish('east', EAST)).toBe(200)
  expect(await publish('west', WEST)).toBe(201)
  expect(await publish('stranger', {})).toBe(409)
  // Another tenant of the cluster in the west, whose operator has one token for all.
  expect(await publish('neighbour', shared('CA'), 'Serving', 'west')).toBe(409)
  // One that shared and does not any more keeps what it has only once it is alone.
  expect(await publish('east', {})).toBe(409)
  expect(await from('KR')).toBe('east')
})

test('a publisher reads and ends its own lease of a shared name, and no other', async (context) => {
  const { publish, send, from, etags } = await aHub(context)
  await publish('east', EAST)
  await publish('west', WEST)
  const own = await send('west', 'GET', {})
  expect([own.status, await own.json()]).toMatchObject([200, { publisher: 'uid-of-west' }])
  const ofWest = { 'if-match': etags.get('west') ?? '' }
  expect((await send('stranger', 'DELETE', ofWest)).status).toBe(404)
  expect((await send('west', 'DELETE', ofWest)).status).toBe(204)
  expect([await from('MX'), await from('KR')]).toEqual(['east', 'east'])
})

test('a Realm of the own cluster shares its name with those of other clusters, and with no other of its own', async (context) => {
  const { publish, from, source, metrics } = await aHub(context)
  source.set(aRealmIn('home', {}))
  expect(await publish('east', EAST)).toBe(409)
  source.set(aRealmIn('home', shared('FR')))
  expect(await publish('east', EAST)).toBe(201)
  const neighbour = aRealmIn('neighbour', shared('IT'))
  source.set({ ...neighbour, metadata: { ...neighbour.metadata, namespace: 'other', creationTimestamp: '2030-01-01T00:00:00Z' } })
  expect([await from('FR'), await from('IT'), await from('KR')]).toEqual(['home', 'home', 'east'])
  expect(await metrics.registry.metrics()).toContain('realm_provider_realms_clashing 1')
})
