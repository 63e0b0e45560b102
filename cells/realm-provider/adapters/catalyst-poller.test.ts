import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, type TestContext, test } from 'vitest'
import { aCatalystAbout, anEndpoint, aProvider, aRealm, aService } from '../fixtures.ts'
import { createLocalSource } from '../sources/local.ts'

const timing = { catalysts: { periodMs: 40, retryMs: 10, timeoutMs: 200 } }
const poll = { timeout: 15_000 }
const contentOf = (host: string, healthy = true) => ({ healthy, content: { healthy, publicUrl: `${host}/content/` } })

test('the content is that of a healthy catalyst, then of another one when that fails, and is kept as unhealthy when all have failed', async (t) => {
  const [one, two] = [await aService(t), await aService(t)]
  for (const { url, state } of [one, two]) state.answers['/about'] = aCatalystAbout(url)
  const { source, get, json, service } = await aProvider(t, { realTime: true, timing })
  source.set(aRealm({ content: { catalysts: [`${one.url}/`, two.url] } }))
  const about = () => json('/main/about')

  await expect.poll(about, poll).toMatchObject(contentOf(one.url))
  expect(await json('/realms')).toHaveLength(1)
  await expect.poll(service.readiness, poll).toEqual({ ready: true })
  await one.die()
  await expect.poll(about, poll).toMatchObject(contentOf(two.url))
  two.state.hanging = true
  await expect.poll(about, poll).toMatchObject(contentOf(one.url, false))
  expect((await get('/main/about')).status).toBe(200)
  expect(await about()).toMatchObject({ comms: { healthy: true, adapter: anEndpoint(0).adapter } })
  expect(await json('/realms')).toEqual([])
  expect(service.readiness()).toEqual({ ready: true })
  two.state.hanging = false
  await expect.poll(about, poll).toMatchObject(contentOf(two.url))
})

test('a catalyst that never answered is shown as unhealthy, and delays no request', async (t) => {
  const hanging = await aService(t)
  hanging.state.hanging = true
  const { source, get, json } = await aProvider(t, {
    realTime: true,
    timing: { catalysts: { ...timing.catalysts, timeoutMs: 1_500 } },
  })
  source.set(aRealm({ content: { catalysts: [hanging.url] } }))
  const answer = await get('/main/about')
  expect([answer.status, await answer.json()]).toMatchObject([200, contentOf(hanging.url, false)])
  expect((await get('/health/ready')).status).toBe(503)
  expect(await json('/realms')).toEqual([])
})

test('one lost answer does not make a catalyst unhealthy', async (t) => {
  const catalyst = await aService(t)
  catalyst.state.answers['/about'] = aCatalystAbout(catalyst.url)
  const { source, json, metrics } = await aProvider(t, {
    realTime: true,
    timing: { catalysts: { ...timing.catalysts, retryMs: 60_000 } },
  })
  source.set(aRealm({ content: { catalysts: [catalyst.url] } }))
  await expect.poll(() => json('/main/about'), poll).toMatchObject(contentOf(catalyst.url))
  catalyst.state.status = 503
  await expect.poll(() => metrics.registry.metrics(), poll).toContain('realm_provider_catalyst_failures_total 1')
  expect(await json('/main/about')).toMatchObject(contentOf(catalyst.url))
})

test('changes of a catalyst are passed on, and one that no realm declares any more is not polled', async (t) => {
  const catalyst = await aService(t)
  catalyst.state.answers['/about'] = aCatalystAbout(catalyst.url)
  const { source, json } = await aProvider(t, { realTime: true, timing })
  source.set(aRealm({ content: { catalysts: [catalyst.url] } }))
  await expect.poll(() => json('/main/about'), poll).toMatchObject({ content: { version: '8.0.3' } })
  catalyst.state.answers['/about'] = aCatalystAbout(catalyst.url, ['8.1.0', '4.12.0'])
  await expect.poll(() => json('/main/about'), poll).toMatchObject({ content: { version: '8.1.0' } })
  source.set(aRealm())
  const other = await aService(t)
  other.state.answers['/about'] = aCatalystAbout(other.url)
  await new Promise((resolve) => setTimeout(resolve, 100)) // a request may be under way
  const asked = catalyst.state.asked.length
  source.set(aRealm({ name: 'other', content: { catalysts: [other.url] } }))
  await expect.poll(() => other.state.asked.length, poll).toBeGreaterThan(4)
  expect(catalyst.state.asked.length).toBe(asked)
})

test('a player may name the catalyst, and otherwise gets one of the newest', async (t) => {
  const [old, fresh] = [await aService(t), await aService(t)]
  old.state.answers['/about'] = aCatalystAbout(old.url, ['7.0.0', '4.12.0'])
  fresh.state.answers['/about'] = aCatalystAbout(fresh.url)
  const { source, json } = await aProvider(t, { realTime: true, timing })
  source.set(aRealm({ content: { catalysts: [old.url, fresh.url] } }))
  await expect.poll(() => json('/main/about'), poll).toMatchObject(contentOf(fresh.url))
  for (const named of [old.url, `${old.url}/`]) {
    await expect.poll(() => json(`/main/about?catalyst=${encodeURIComponent(named)}`), poll).toMatchObject(contentOf(old.url))
  }
  expect(await json('/main/about?catalyst=https://evil.example')).toMatchObject(contentOf(fresh.url))
  expect(await json('/main/about', { headers: { 'cf-ipcountry': 'DE' } })).toMatchObject(contentOf(fresh.url))
  expect(await json('/main/about', { headers: { 'cf-ipcountry': '<x>' } })).toMatchObject(contentOf(fresh.url))
})

test('a namespace with 600 catalysts displaces none of another namespace, also when the provider starts with both', async (t) => {
  const catalyst = await aService(t)
  catalyst.state.answers['/about'] = aCatalystAbout(catalyst.url)
  const greedy = Array.from({ length: 20 }, (_, n) =>
    aRealm({
      namespace: 'a',
      name: `greedy-${n}`,
      content: { catalysts: Array.from({ length: 30 }, (_, m) => `http://127.0.0.1:1/${n}/${m}`) },
    }),
  )
  const modest = aRealm({ namespace: 'b', content: { catalysts: [catalyst.url] } })
  for (const realms of [
    [...greedy, modest],
    [modest, ...greedy],
  ]) {
    const source = createLocalSource()
    for (const realm of realms) source.set(realm)
    const { json, metrics } = await aProvider(t, { realTime: true, timing, source })
    await expect.poll(() => json('/main/about'), poll).toMatchObject(contentOf(catalyst.url))
    expect(await metrics.registry.metrics()).toContain('realm_provider_catalysts_beyond_limit 89')
  }
})

test('the provider says of each realm how many of its catalysts it does not use', async (t) => {
  const urls = (count: number) => Array.from({ length: count }, (_, n) => `http://127.0.0.1:1/${n}`)
  const { source, get } = await aProvider(t, { realTime: true, timing })
  source.set(aRealm({ content: { catalysts: urls(512) } }))
  const unused = async (name: string) => (await get(`/${name}/about`)).headers.get('unused-catalysts')
  expect(await unused('main')).toBeNull()
  // The answer was cached before.
  source.set(
    aRealm({ namespace: 'other', name: 'other', content: { catalysts: ['http://127.0.0.1:1/a', 'http://127.0.0.1:1/b'] } }),
  )
  expect(await unused('main')).toBe('2')
  expect(await unused('other')).toBeNull()
})

test('an about with very many small values is not a catalyst', async (t) => {
  const catalyst = await aService(t)
  catalyst.state.answers['/about'] = { ...aCatalystAbout(catalyst.url), extra: Array.from({ length: 5_000 }, () => ({})) }
  const { source, json, metrics } = await aProvider(t, { realTime: true, timing })
  source.set(aRealm({ content: { catalysts: [catalyst.url] } }))
  await expect.poll(() => metrics.registry.metrics(), poll).toMatch(/catalyst_failures_total [1-9]/)
  expect(await json('/main/about')).toMatchObject(contentOf(catalyst.url, false))
})

/**
 * Lets the provider read the answers that are under way: catalysts and provider are in this process, so that turns of its event loop
 * do, whatever time they take.
 */
async function answersRead(): Promise<void> {
  for (let turn = 0; turn < 200; turn++) await new Promise(setImmediate)
}

/** A provider whose time the test moves, with a realm of these catalysts. */
async function aPolledRealm(t: TestContext, catalysts: string[]) {
  const provider = await aProvider(t)
  provider.source.set(aRealm({ content: { catalysts } }))
  const about = () => provider.json('/main/about')
  return {
    ...provider,
    about,
    /** Lets the next poll of a catalyst happen, and waits until it asked. */
    async poll({ state }: { state: { asked: string[] } }, byMs = 6_100) {
      await answersRead()
      const asked = state.asked.filter((path) => path === '/about').length
      provider.clock.advance(byMs)
      await expect.poll(() => state.asked.filter((path) => path === '/about').length, poll).toBeGreaterThan(asked)
      await answersRead()
    },
  }
}

test('a catalyst that flaps comes back after two good answers in a row', async (t) => {
  const catalyst = await aService(t)
  catalyst.state.answers['/about'] = aCatalystAbout(catalyst.url)
  const { about, poll: next } = await aPolledRealm(t, [catalyst.url])
  await expect.poll(about, poll).toMatchObject(contentOf(catalyst.url))
  catalyst.state.status = 503
  await next(catalyst)
  expect(await about()).toMatchObject(contentOf(catalyst.url))
  await next(catalyst, 700)
  await expect.poll(about, poll).toMatchObject(contentOf(catalyst.url, false))
  for (const status of [200, 503, 200]) {
    catalyst.state.status = status
    await next(catalyst)
    expect(await about()).toMatchObject(contentOf(catalyst.url, false))
  }
  // In doubt it is asked again soon.
  await next(catalyst, 700)
  await expect.poll(about, poll).toMatchObject(contentOf(catalyst.url))
})

test('a catalyst whose content or lambdas say that they do not work, or are behind, is not used, whatever its /about says', async (t) => {
  const [liar, honest] = [await aService(t), await aService(t)]
  honest.state.answers['/about'] = aCatalystAbout(honest.url)
  const { about, poll: next } = await aPolledRealm(t, [liar.url, honest.url])
  const good = aCatalystAbout(liar.url)
  const lies: Record<string, unknown>[] = [
    { '/about': { ...good, content: { ...good.content, healthy: false } } },
    { '/about': { ...good, lambdas: { ...good.lambdas, healthy: false } } },
    { '/about': { ...good, content: { ...good.content, synchronizationStatus: 'Bootstrapping' } } },
    { '/about': good, '/content/status': { synchronizationStatus: { synchronizationState: 'Failed to sync' } } },
    { '/about': { ...good, lambdas: { healthy: true, publicUrl: 'http://127.0.0.1:1/lambdas/' } } },
  ]
  for (const answers of lies) {
    liar.state.answers = answers
    await next(liar)
    await expect.poll(about, { ...poll, message: JSON.stringify(answers) }).toMatchObject(contentOf(honest.url))
  }
  liar.state.answers = { '/about': good, '/content/status': { synchronizationStatus: { synchronizationState: 'Syncing' } } }
  await next(liar)
  await expect.poll(about, poll).toMatchObject(contentOf(liar.url))
})

test('redirections of a catalyst are followed, and not without end', async (t) => {
  const catalyst = await aService(t)
  catalyst.state.answers['/about'] = aCatalystAbout(catalyst.url)
  const server = createServer((request, response) => {
    const end = request.url?.startsWith('/loop') ? `${base()}/loop` : `${catalyst.url}/about`
    response.writeHead(302, { location: end }).end()
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const base = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  t.onTestFinished(() => {
    server.close().closeAllConnections()
  })
  const { about, source, metrics } = await aPolledRealm(t, [base()])
  await expect.poll(about, poll).toMatchObject(contentOf(catalyst.url))
  source.set(aRealm({ content: { catalysts: [`${base()}/loop`] } }))
  await expect.poll(() => metrics.registry.metrics(), poll).toMatch(/catalyst_failures_total [1-9]/)
  expect(await about()).toMatchObject({ content: { healthy: false } })
})

test('a catalyst that is slow is not dead: others go first, and it is used where there is none', async (t) => {
  const [slow, prompt] = [await aService(t), await aService(t)]
  for (const { url, state } of [slow, prompt]) state.answers['/about'] = aCatalystAbout(url)
  slow.state.hanging = true
  const provider = await aProvider(t)
  provider.source.set(aRealm({ content: { catalysts: [slow.url, prompt.url] } }))
  const about = () => provider.json('/main/about')
  await expect.poll(() => slow.state.asked.length, poll).toBe(1)
  await answersRead()
  provider.clock.advance(1_500)
  slow.state.release()
  await expect.poll(() => provider.metrics.registry.metrics(), poll).toContain('realm_provider_catalysts_slow 1')
  expect(await provider.metrics.registry.metrics()).toContain('realm_provider_catalysts_healthy 2')
  expect(await about()).toMatchObject(contentOf(prompt.url))
  provider.source.set(aRealm({ content: { catalysts: [slow.url] } }))
  expect(await about()).toMatchObject(contentOf(slow.url))
})

test('a player gets the catalyst that is nearest by the headers that are declared, and caches are told which these are', async (t) => {
  const [north, south] = [await aService(t), await aService(t)]
  for (const { url, state } of [north, south]) state.answers['/about'] = aCatalystAbout(url)
  const config = {
    CLIENT_COUNTRY_HEADERS: ['X-Country', 'X-Other-Country'],
    CLIENT_LATITUDE_HEADER: 'X-Lat',
    CLIENT_LONGITUDE_HEADER: 'X-Lon',
  }
  const { source, get, json } = await aProvider(t, { config })
  const catalystLocations = [
    { url: `${north.url}/`, country: 'NO' },
    { url: south.url, coordinates: { latitude: -33.9, longitude: 18.4 } },
  ]
  source.set(aRealm({ content: { catalysts: [north.url, south.url], catalystLocations } }))
  const from = (headers: Record<string, string>) => json('/main/about', { headers })
  await expect.poll(() => from({ 'x-country': 'ZA' }), poll).toMatchObject(contentOf(south.url))
  await expect.poll(() => from({ 'x-country': 'DE' }), poll).toMatchObject(contentOf(north.url))
  expect(await from({ 'x-country': 'xx', 'x-other-country': 'za' })).toMatchObject(contentOf(south.url))
  expect(await from({ 'x-country': 'ZA', 'x-lat': '59.9', 'x-lon': '10.7' })).toMatchObject(contentOf(north.url))
  for (const [lat, lon] of [
    ['91', '0'],
    ['1e1', '0'],
    ['', ''],
    ['NaN', '1'],
  ] as const)
    expect(await from({ 'x-country': 'ZA', 'x-lat': lat, 'x-lon': lon })).toMatchObject(contentOf(south.url))
  // A header that is not declared does not count.
  expect(await from({ 'cf-ipcountry': 'ZA' })).toMatchObject(contentOf(north.url))
  expect((await get('/main/about')).headers.get('vary')).toContain('X-Country, X-Other-Country, X-Lat, X-Lon')
})

test('players are sent to the catalyst with fewer users by what each says, and those who just came are counted with them', async (t) => {
  const [full, empty] = [await aService(t), await aService(t)]
  for (const [{ url, state }, usersCount] of [
    [full, 500],
    [empty, 0],
  ] as const) {
    const about = aCatalystAbout(url)
    state.answers['/about'] = { ...about, comms: { ...about.comms, usersCount } }
  }
  const { about, json, poll: next } = await aPolledRealm(t, [full.url, empty.url])
  await expect.poll(about, poll).toMatchObject(contentOf(empty.url))
  const of = async (n: number) =>
    ((await json('/main/about', { headers: { 'x-forwarded-for': `203.0.113.${n}` } })) as { content: { publicUrl: string } })
      .content
  const first = await Promise.all(Array.from({ length: 100 }, (_, n) => of(n)))
  expect(new Set(first.map(({ publicUrl }) => publicUrl))).toEqual(new Set([`${empty.url}/content/`]))
  // Where one says nothing of its users, it is only about who was sent where.
  full.state.answers['/about'] = aCatalystAbout(full.url)
  await next(full)
  await expect.poll(about, poll).toMatchObject(contentOf(full.url))
})
