import { describe, expect, test } from 'vitest'
import type { Endpoint, Realm } from '../../crds/realm.ts'
import { aCatalystAbout, anEndpoint, aProvider, aRealm, aService, playerCounts, rawGet } from './fixtures.ts'
import type { RealmSource } from './sources/realm-source.ts'

describe('the paths of upstream', () => {
  test('ping answers its path, status the build', async (t) => {
    const { get, json, clock } = await aProvider(t, { config: { CURRENT_VERSION: '1.2.3', COMMIT_HASH: 'abc' } })
    expect(await (await get('/ping')).text()).toBe('/ping')
    expect(await json('/status')).toEqual({ version: '1.2.3', currentTime: clock.now(), commitHash: 'abc' })
  })

  test('realms lists the healthy ones by name, with their players and the address of the realm provider', async (t) => {
    const { source, json, url } = await aProvider(t, { stats: playerCounts({ main: 42 }) })
    source.set(aRealm({ name: 'quiet' }))
    source.set(aRealm())
    source.set(aRealm({ name: 'unhealthy', endpoints: [anEndpoint(0, 'Unhealthy')] }))
    source.set(aRealm({ name: 'hibernated', replicas: 0 }))
    expect(await json('/realms')).toEqual([
      { serverName: 'main', url: `${url}/main`, usersCount: 42 },
      { serverName: 'quiet', url: `${url}/quiet`, usersCount: 0 },
    ])
  })

  test('behind TLS the configured address is shown, whatever the client used', async (t) => {
    const { source, json } = await aProvider(t, { config: { HTTP_BASE_URL: 'https://realms.example/' } })
    source.set(aRealm())
    expect(await json('/realms')).toMatchObject([{ url: 'https://realms.example/main' }])
    expect(await json('/main/about')).toMatchObject({ content: { publicUrl: 'https://realms.example/main/content/' } })
  })
})

describe('/{realm}/about', () => {
  test('describes the realm, also for HEAD, and is a 404 in JSON for an unknown realm', async (t) => {
    const { source, get, url } = await aProvider(t, { stats: playerCounts({ main: 3 }) })
    source.set(aRealm())
    const answer = await get('/main/about')
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('application/json')
    const body = await answer.text()
    expect(JSON.parse(body)).toMatchObject({
      healthy: true,
      acceptingUsers: true,
      configurations: { realmName: 'main' },
      content: { publicUrl: `${url}/main/content/` },
      comms: { adapter: anEndpoint(0).adapter, usersCount: 3 },
    })
    const head = await get('/main/about', { method: 'HEAD' })
    expect([head.status, await head.text(), head.headers.get('content-length')]).toEqual([200, '', String(body.length)])
    const missing = await get('/nowhere/about')
    expect([missing.status, await missing.json()]).toEqual([404, { error: "there is no realm 'nowhere' here" }])
  })

  test('is 200 while no cell is healthy, 503 while the realm is hibernated or starts, and 404 once it is deleted', async (t) => {
    const { source, get, json } = await aProvider(t)
    source.set(aRealm({ endpoints: [anEndpoint(0, 'Unhealthy')] }))
    const unhealthy = await get('/main/about')
    expect([unhealthy.status, await unhealthy.json()]).toMatchObject([200, { healthy: false, acceptingUsers: false }])
    expect(await json('/realms')).toEqual([])
    source.set(aRealm())
    expect((await get('/main/about')).status).toBe(200)
    for (const [reason, error, realm] of [
      ['Hibernated', "the realm 'main' is hibernated: it runs nothing until it is scaled up", aRealm({ replicas: 0 })],
      ['Starting', "the realm 'main' is starting: try again in a few seconds", aRealm({ endpoints: [] })],
      ['Starting', /is starting/, aRealm({ endpoints: [anEndpoint(0, 'Starting'), anEndpoint(1, 'Draining')] })],
      ['Draining', /takes no new players: it is being drained$/, aRealm({ endpoints: [anEndpoint(0, 'Draining')] })],
    ] as const) {
      source.set(realm)
      for (const method of ['GET', 'HEAD']) {
        const waiting = await get('/main/about', { method })
        expect([method, waiting.status, waiting.headers.get('retry-after')]).toEqual([method, 503, '5'])
      }
      expect(await json('/main/about')).toMatchObject({
        ...{ healthy: false, acceptingUsers: false, reason },
        error: expect.stringMatching(error),
      })
      expect(await json('/realms')).toEqual([])
    }
    source.set(aRealm())
    source.remove({ namespace: 'realms', name: 'main' })
    expect((await get('/main/about')).status).toBe(404)
  })

  test('changes with the realm at once, and so does its ETag', async (t) => {
    const { source, get } = await aProvider(t)
    source.set(aRealm())
    const first = await get('/main/about')
    const etag = first.headers.get('etag') ?? ''
    expect(first.headers.get('cache-control')).toMatch(/max-age=1\b/)
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const unchanged = await get('/main/about', { headers: { 'if-none-match': known } })
      expect([unchanged.status, await unchanged.text(), unchanged.headers.get('etag')]).toEqual([304, '', etag])
    }
    source.set(aRealm({ endpoints: [anEndpoint(3)] }))
    const second = await get('/main/about', { headers: { 'if-none-match': etag } })
    expect([second.status, await second.json()]).toMatchObject([200, { comms: { adapter: anEndpoint(3).adapter } }])
    expect(second.headers.get('etag')).not.toBe(etag)
  })

  test('shows the commit only for realms of the version of the realm provider', async (t) => {
    const { source, json } = await aProvider(t, { config: { CURRENT_VERSION: '1.0.0', COMMIT_HASH: 'c0ffee3' } })
    source.set(aRealm())
    expect(await json('/main/about')).toMatchObject({ comms: { version: '1.0.0', commitHash: 'c0ffee3' } })
    const other = aRealm()
    source.set({ ...other, spec: { ...other.spec, version: '0.9.0' } })
    expect(await json('/main/about')).toHaveProperty('comms.version', '0.9.0')
    expect(await json('/main/about')).not.toHaveProperty('comms.commitHash')
  })

  test('sends players to the emptiest cell when the players of all cells are known', async (t) => {
    const bySlot = new Map([
      [0, 9],
      [1, 2],
    ])
    const stats = { ...playerCounts(), playerCount: () => ({ total: 11, bySlot }) }
    const { source, json } = await aProvider(t, { stats })
    source.set(aRealm({ endpoints: [anEndpoint(0), anEndpoint(1)] }))
    expect(await json('/main/about')).toMatchObject({ comms: { adapter: anEndpoint(1).adapter, usersCount: 11 } })
    bySlot.set(1, 10)
    expect(await json('/main/about')).toMatchObject({ comms: { adapter: anEndpoint(0).adapter } })
  })

  test('does not accept users while every cell has as many players as it is meant for', async (t) => {
    const bySlot = new Map([[0, 2]])
    const { source, json } = await aProvider(t, { stats: { ...playerCounts(), playerCount: () => ({ total: 2, bySlot }) } })
    const realm = aRealm()
    source.set({ ...realm, spec: { ...realm.spec, cells: { ...realm.spec.cells, capacity: 3 } } })
    expect(await json('/main/about')).toMatchObject({ healthy: true, acceptingUsers: true })
    bySlot.set(0, 3)
    expect(await json('/main/about')).toMatchObject({ healthy: true, acceptingUsers: false, comms: { healthy: true } })
  })

  test('tells shared caches what an answer depends on', async (t) => {
    const { source, get } = await aProvider(t)
    const cachingOf = async (realm: Realm) => {
      source.set(realm)
      const { headers } = await get('/main/about')
      return [headers.get('cache-control'), headers.get('vary')]
    }
    const catalysts = ['https://a.example', 'https://b.example']
    const sticky = (endpoints: Endpoint[]): Realm => {
      const realm = aRealm({ endpoints, content: { catalysts: catalysts.slice(1) } })
      return { ...realm, spec: { ...realm.spec, cells: { ...realm.spec.cells, assignment: 'Sticky' } } }
    }
    expect(await cachingOf(aRealm())).toEqual(['public, max-age=1', 'Origin, Accept-Encoding, X-Forwarded-Proto, x-realm-host'])
    expect(await cachingOf(aRealm({ content: { catalysts } }))).toEqual([
      'public, max-age=1',
      'Origin, Accept-Encoding, CF-IPCountry',
    ])
    expect(await cachingOf(sticky([anEndpoint(0)]))).toEqual(['public, max-age=1', 'Origin, Accept-Encoding'])
    expect(await cachingOf(sticky([anEndpoint(0), anEndpoint(1)]))).toEqual(['private, max-age=1', 'Origin, Accept-Encoding'])
  })

  test('spreads players who come at once, while HEAD takes no room', async (t) => {
    const count = {
      total: 0,
      bySlot: new Map([
        [0, 0],
        [1, 0],
      ]),
    }
    const { source, get, json } = await aProvider(t, { stats: { ...playerCounts(), playerCount: () => count } })
    source.set(aRealm({ endpoints: [anEndpoint(0), anEndpoint(1)] }))
    for (const slot of [0, 1, 0, 1]) {
      for (let i = 0; i < 3; i++) await get('/main/about', { method: 'HEAD' })
      expect(await json('/main/about')).toMatchObject({ comms: { adapter: anEndpoint(slot).adapter } })
    }
  })

  test('is served for the older of two realms with the same name, until that one is deleted', async (t) => {
    const { source, json, metrics } = await aProvider(t)
    const older = aRealm({ namespace: 'z', createdAt: '2026-01-01T00:00:00Z', endpoints: [anEndpoint(0)] })
    const newer = aRealm({
      namespace: 'a',
      name: 'x',
      realmName: 'main',
      createdAt: '2026-01-02T00:00:00Z',
      endpoints: [anEndpoint(1)],
    })
    source.set(newer)
    source.set(older)
    expect(await json('/main/about')).toMatchObject({ comms: { adapter: anEndpoint(0).adapter } })
    expect(await json('/realms')).toHaveLength(1)
    expect(await metrics.registry.metrics()).toContain('realm_provider_realms_clashing 1')
    source.remove(older.metadata)
    expect(await json('/main/about')).toMatchObject({ comms: { adapter: anEndpoint(1).adapter } })
  })
})

test('the name of a realm stays its own while it hibernates or has no endpoint, and no younger realm is served under it', async (t) => {
  const { source, get, json } = await aProvider(t)
  const owner = (given: Parameters<typeof aRealm>[0]) => aRealm({ namespace: 'a', createdAt: '2026-01-01T00:00:00Z', ...given })
  source.set(owner({}))
  source.set(aRealm({ namespace: 'b', createdAt: '2026-02-01T00:00:00Z', endpoints: [anEndpoint(1)] }))
  for (const away of [{ replicas: 0 }, { endpoints: [] }, { endpoints: [anEndpoint(0, 'Draining')] }]) {
    source.set(owner(away))
    const answer = await get('/main/about')
    expect(answer.status).toBe(503)
    expect(await answer.text()).not.toContain(anEndpoint(1).adapter)
    expect(await json('/realms')).toEqual([])
  }
  source.set(owner({}))
  expect(await json('/main/about')).toMatchObject({ comms: { adapter: anEndpoint(0).adapter } })
  source.set(owner({ deleted: true }))
  expect(await json('/main/about')).toMatchObject({ comms: { adapter: anEndpoint(1).adapter } })
})

test('a realm without catalysts is an empty world served by the realm provider', async (t) => {
  const { source, get, json } = await aProvider(t)
  source.set(aRealm())
  const post = (path: string, body: string) => get(path, { method: 'POST', body })
  expect(await (await post('/main/content/entities/active', '{"pointers":["0,0"]}')).json()).toEqual([])
  expect(await (await post('/main/lambdas/profiles', '{"ids":["0x1"]}')).json()).toEqual([])
  expect(await json('/main/content/status')).toMatchObject({ synchronizationStatus: { synchronizationState: 'Syncing' } })
  for (const path of ['/main/scenes', '/main/lambdas/profiles/0x1', '/main/content/contents/bafk', '/main/lambdas/else']) {
    const missing = await get(path)
    expect([path, missing.status, await missing.json()]).toMatchObject([path, 404, { error: expect.any(String) }])
  }
  const tooLong = await post('/main/content/entities/active', 'x'.repeat(300 * 1024)).catch(() => ({ status: 413 }))
  expect(tooLong.status).toBe(413)
})

test('requests for the content of a realm with catalysts are sent on to one of them; an unknown realm has none', async (t) => {
  const catalyst = await aService(t)
  catalyst.state.answers['/about'] = aCatalystAbout(catalyst.url)
  const { source, get } = await aProvider(t)
  source.set(aRealm({ content: { catalysts: [`${catalyst.url}/`] } }))
  await expect.poll(() => get('/main/content/status', { redirect: 'manual' }).then(({ status }) => status)).toBe(307)
  const methods = { 'content/entities/active': 'POST', 'lambdas/profiles': 'POST', 'content/status': 'GET' }
  for (const [path, method] of Object.entries({
    ...methods,
    'lambdas/profiles/0x1': 'GET',
    'content/failed-deployments': 'GET',
  })) {
    const init = { method, redirect: 'manual' as const, ...(method === 'POST' && { body: '{}' }) }
    const sentOn = await get(`/MAIN/${path}?a=%2F`, init)
    expect([sentOn.status, sentOn.headers.get('location')]).toEqual([307, `${catalyst.url}/${path}?a=%2F`])
    expect((await get(`/nowhere/${path}`, init)).status).toBe(404)
  }
  source.set(aRealm({ content: { catalysts: ['http://127.0.0.1:1'] } }))
  const unknown = await get('/main/content/status', { redirect: 'manual' })
  expect([unknown.status, unknown.headers.get('retry-after')]).toEqual([503, '5'])
})

test('the empty world of a realm is at its own host for a client that came there', async (t) => {
  const { source, url, json } = await aProvider(t)
  const urlAt = async (host: string, headers?: Record<string, string>) => {
    const { body } = await rawGet(url, '/main/about', host, headers)
    return (JSON.parse(body) as { content: { publicUrl: string } }).content.publicUrl
  }
  source.set(aRealm({ statsUrl: 'https://main.example.org/stats' }))
  const cameThere = { 'x-realm-host': 'true' }
  expect(await urlAt('main.example.org', cameThere)).toBe('http://main.example.org/content/')
  // A provider may have the same host as a realm, whose routes need not have its content.
  expect(await urlAt('main.example.org')).toBe('http://main.example.org/main/content/')
  expect(await urlAt('realms.example.org', cameThere)).toBe('http://realms.example.org/main/content/')
  source.set(aRealm({ statsUrl: 'https://example.org:8443/r/main/stats' }))
  expect(await urlAt('example.org:8443', cameThere)).toBe('http://example.org:8443/r/main/content/')
  expect(await json('/main/about')).toMatchObject({ content: { publicUrl: `${url}/main/content/` } })
  const gatekeeperUrl = 'https://main.example.org/gatekeeper'
  source.set(aRealm({ world: {}, gatekeeperUrl }))
  expect(await urlAt('main.example.org', cameThere)).toBe('http://main.example.org/content/')
  source.set(aRealm({ world: { gatekeeperOf: 'host' }, gatekeeperUrl })) // the address is that of the host
  expect(await urlAt('main.example.org', cameThere)).toBe('http://main.example.org/main/content/')
})

test('other methods get 405 with Allow, other paths 404 in JSON', async (t) => {
  const { source, get } = await aProvider(t)
  source.set(aRealm())
  for (const path of ['/ping', '/status', '/realms', '/main/about', '/hot-scenes']) {
    const refused = await get(path, { method: 'DELETE' })
    expect([path, refused.status, refused.headers.get('allow')]).toEqual([path, 405, 'HEAD, GET'])
  }
  const missing = await get('/nothing/here')
  expect([missing.status, await missing.json()]).toEqual([404, { error: 'Not Found' }])
})

describe('a realm is found', () => {
  test('by its name in any case, where no two realms differ only in that', async (t) => {
    const { source, json, get } = await aProvider(t)
    source.set(aRealm({ name: 'plaza', realmName: 'Plaza' }))
    const named = (realmName: string) => ({ configurations: { realmName } })
    for (const name of ['Plaza', 'plaza', 'PLAZA']) expect(await json(`/${name}/about`)).toMatchObject(named('Plaza'))
    expect((await get('/PLAZA/content/status')).status).toBe(200)
    source.set(aRealm({ name: 'other', realmName: 'pLaza', createdAt: '2020-01-01T00:00:00Z' }))
    for (const name of ['Plaza', 'pLaza']) expect(await json(`/${name}/about`)).toMatchObject(named(name))
    expect((await get('/plaza/about')).status).toBe(404)
  })

  test('without a name, or as main, where it is the default one', async (t) => {
    const { source, json, get } = await aProvider(t, { config: { DEFAULT_REALM: 'plaza' } })
    expect((await get('/about')).status).toBe(404)
    source.set(aRealm({ name: 'plaza' }))
    for (const path of ['/about', '/main/about', '/Main/about', '/plaza/about'])
      expect(await json(path)).toMatchObject({
        configurations: { realmName: 'plaza' },
        content: { publicUrl: expect.stringMatching(/\/plaza\/content\/$/) },
      })
    source.set(aRealm())
    expect(await json('/main/about')).toMatchObject({ configurations: { realmName: 'main' } })
    expect(await json('/about')).toMatchObject({ configurations: { realmName: 'plaza' } })
    source.set(aRealm({ name: 'plaza', replicas: 0 }))
    expect((await get('/about', { method: 'HEAD' })).status).toBe(503)
    const { get: without } = await aProvider(t)
    expect([(await without('/about')).status, (await without('/main/about')).status]).toEqual([404, 404])
  })
})

test('malicious paths and Host headers are refused, and what they contain is not cached without limit', async (t) => {
  const { source, url, metrics, get } = await aProvider(t)
  source.set(aRealm())
  for (const path of [
    '/%zz/about',
    '//about',
    '/__proto__/about',
    '/constructor/about',
    `/${'x'.repeat(4000)}/about`,
    '/main%00/about',
  ]) {
    expect([path, (await rawGet(url, path)).status]).toEqual([path, 404])
  }
  for (const host of ['evil"onload=x', 'a b', '<script>', 'x'.repeat(300), 'user@host', 'h/path', 'h:port']) {
    const { status, body } = await rawGet(url, '/main/about', host)
    expect([host, status, body]).toEqual([host, 400, '{"error":"the Host header is not a host"}'])
    expect((await rawGet(url, '/realms', host)).status).toBe(400)
  }
  expect((await rawGet(url, '/main/about', '[::1]:3000')).body).toContain('http://[::1]:3000/main/content/')
  for (let n = 0; n < 4200; n += 100) {
    await Promise.all(Array.from({ length: 100 }, (_, i) => rawGet(url, '/main/about', `h${n + i}.example`)))
  }
  const counted = await metrics.registry.metrics()
  expect(counted).toContain('realm_provider_answers_overflows_total 1')
  // 4200 answers, 7 refused hosts and one address of IPv6, besides paths that lead to no realm.
  expect(Number(/about_seconds_count (\d+)/.exec(counted)?.[1])).toBeGreaterThanOrEqual(4_208)
  expect((await get('/main/about')).status).toBe(200)
})

test('before the realms are known no request gets a 404, and once known they are kept when their source fails', async (t) => {
  let ready = false
  let notify = () => {}
  const realm = { ...aRealm() }
  const { source: local } = await aProvider(t)
  local.set(realm)
  const source: RealmSource = {
    ...local,
    ready: () => ready,
    onChange: (listener) => {
      notify = listener
      return () => undefined
    },
  }
  const { get, json } = await aProvider(t, { source })
  for (const path of ['/main/about', '/realms', '/hot-scenes', '/health/ready']) expect((await get(path)).status).toBe(503)
  expect((await get('/health/live')).status).toBe(200)
  ready = true
  notify()
  expect((await get('/health/ready')).status).toBe(200)
  expect((await get('/main/about')).status).toBe(200)
  ready = false
  notify()
  expect((await get('/health/ready')).status).toBe(200)
  expect(await json('/realms')).toHaveLength(1)
})
