import { expect, test } from 'vitest'
import { aCatalystAbout, anEndpoint, aProvider, aRealm, aService } from '../fixtures.ts'
import { createLocalSource } from '../sources/local.ts'

const timing = { catalysts: { periodMs: 40, retryMs: 10, timeoutMs: 200 } }
const poll = { timeout: 5000 }
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
