import { createServer } from 'node:http'
import { expect, type TestContext, test } from 'vitest'
import { listening } from '../../../testing/http-proxy.ts'
import { ManualClock } from '../../chassis/clock.ts'
import { fetchJson } from '../../chassis/fetch-json.ts'
import { silentLog } from '../../chassis/log.ts'
import { Metrics } from '../../chassis/metrics.ts'
import { aCatalystAbout, aProvider, aRealm, aService } from '../fixtures.ts'
import { providerMetrics } from '../metrics.ts'
import { CatalystPoller } from './catalyst-poller.ts'

const poll = { timeout: 5000 }
/** Longer than until the next reading of a list, with what that varies by. */
const NEXT_READING_MS = 13 * 60_000

const listOf = (...urls: string[]) => urls.map((baseUrl, n) => ({ id: `0x0${n}`, baseUrl, owner: `0x${'0'.repeat(40)}` }))

/** A provider whose time the test moves, and a realm with its own catalyst and a list of two more. */
async function aListedRealm(t: TestContext, max = 16) {
  const [own, one, two, list] = [await aService(t), await aService(t), await aService(t), await aService(t)]
  for (const { url, state } of [own, one, two]) state.answers['/about'] = aCatalystAbout(url)
  list.state.answers['/servers'] = listOf(one.url, own.url, `${two.url}/`)
  const provider = await aProvider(t)
  const { json, get, source, clock } = provider
  source.set(aRealm({ content: { catalysts: [own.url], catalystList: { url: `${list.url}/servers`, max } } }))
  const about = (query = '') => json(`/main/about${query}`)
  return {
    ...provider,
    ...{ own, one, two, list, about },
    /** The catalyst that a player gets who asks for one by its URL. */
    async named({ url }: { url: string }) {
      const { content } = (await about(`?catalyst=${encodeURIComponent(url)}`)) as { content: { publicUrl: string } }
      return content.publicUrl.replace('/content/', '')
    },
    isUnreadable: async () => (await get('/main/about')).headers.get('catalyst-list-unreadable') === 'true',
    async readAgain(byMs = NEXT_READING_MS) {
      const before = list.state.asked.length
      const askedAgain = () => {
        // The last answer may still be on its way, and the next reading not planned yet.
        clock.advance(byMs)
        return list.state.asked.length
      }
      await expect.poll(askedAgain, poll).toBeGreaterThan(before)
    },
  }
}

test('catalysts of a list are used after those of the realm, whose own come first', async (t) => {
  const { own, one, two, about, named, clock, service } = await aListedRealm(t)
  await expect.poll(() => named(two), poll).toBe(two.url)
  expect(await named(one)).toBe(one.url)
  await expect.poll(service.readiness, poll).toEqual({ ready: true })
  expect(await about()).toMatchObject({ content: { publicUrl: `${own.url}/content/` } })
  own.state.status = 503
  for (let n = 0; n < 2; n++) {
    const asked = own.state.asked.length
    const askedAgain = () => {
      clock.advance(1_000)
      return own.state.asked.length
    }
    await expect.poll(askedAgain, poll).toBeGreaterThan(asked)
  }
  await expect.poll(() => about(), poll).toMatchObject({ healthy: true, content: { publicUrl: `${one.url}/content/` } })
})

test('no more catalysts of a list are used than the realm says', async (t) => {
  const { own, one, two, named } = await aListedRealm(t, 1)
  await expect.poll(() => named(one), poll).toBe(one.url)
  expect(await named(two)).toBe(own.url)
  expect(two.state.asked).toEqual([])
})

test('a list that fails, lies, or is gone stands as it was read last; the realm is told, until it can be read again', async (t) => {
  const { list, one, two, own, named, readAgain, isUnreadable, metrics } = await aListedRealm(t)
  await expect.poll(() => named(two), poll).toBe(two.url)
  const good = list.state.answers['/servers']
  const failures: (() => void)[] = [
    () => Object.assign(list.state, { status: 503 }),
    () => Object.assign(list.state, { status: 200, answers: {} }),
    () => Object.assign(list.state, { answers: { '/servers': [] } }),
    () => Object.assign(list.state, { answers: { '/servers': { servers: listOf('https://evil.example') } } }),
    () => Object.assign(list.state, { answers: { '/servers': [...listOf(one.url), 'x'.repeat(100_000)] } }),
  ]
  expect(await isUnreadable()).toBe(false)
  for (const fail of failures) {
    fail()
    await readAgain()
    await readAgain()
    await expect.poll(isUnreadable, poll).toBe(true)
    expect([await named(one), await named(two)]).toEqual([one.url, two.url])
  }
  expect(await metrics.registry.metrics()).toContain('realm_provider_catalyst_lists_unreadable 1')
  list.state.answers = { '/servers': good }
  await readAgain(40_000)
  await expect.poll(isUnreadable, poll).toBe(false)
  list.state.answers = { '/servers': listOf(two.url) }
  await readAgain()
  await expect.poll(() => named(one), poll).toBe(own.url)
  expect(await named(two)).toBe(two.url)
})

test('a list that is redirected without end, or not answered, leaves the realm with its own catalysts', async (t) => {
  const server = createServer((_, response) => response.writeHead(302, { location: '/again' }).end())
  t.onTestFinished(() => server.closeAllConnections())
  const url = `http://127.0.0.1:${await listening(server)}/servers`
  const own = await aService(t)
  own.state.answers['/about'] = aCatalystAbout(own.url)
  const { source, json, service, clock, metrics } = await aProvider(t)
  source.set(aRealm({ content: { catalysts: [own.url], catalystList: { url, max: 16 } } }))
  source.set(aRealm({ name: 'other', content: { catalysts: [own.url], catalystList: { url: 'http://127.0.0.1:1/x', max: 16 } } }))
  await expect.poll(service.readiness, poll).toEqual({ ready: true })
  clock.advance(40_000)
  await expect.poll(() => metrics.registry.metrics(), poll).toContain('realm_provider_catalyst_lists_unreadable 2')
  for (const realm of ['main', 'other']) expect(await json(`/${realm}/about`)).toMatchObject({ healthy: true })
})

test('what a list names is asked over TLS at addresses of the internet only', async () => {
  const asked = async (url: string) => {
    const answer = await fetchJson(url, {
      timeoutMs: 2_000,
      maxBytes: 100,
      onlyRemote: true,
      onlyPublic: true,
      followRedirects: true,
    })
    return answer.ok ? 'answered' : answer.reason
  }
  expect(await asked('http://203.0.113.1/about')).toBe('203.0.113.1 is not asked over TLS')
  for (const host of ['10.0.0.1', '192.168.1.1', '127.0.0.1', '[fd00::1]', '169.254.169.254'])
    expect(await asked(`https://${host}/about`)).toMatch(/no address that may be connected to$/)
})

test('catalysts that realms name themselves displace those of lists where there are too many', async (t) => {
  const metrics = providerMetrics(new Metrics('realm-provider'), {
    ...{ realms: () => 0, healthy: () => 0, clashes: () => 0, leased: () => 0 },
    ...{ catalysts: () => catalysts.count(), lists: () => ({ polled: 0, unreadable: 0 }) },
  })
  const catalysts = new CatalystPoller({ onlyRemote: true, clock: new ManualClock(), log: silentLog, metrics })
  t.onTestFinished(() => catalysts.stop())
  const urls = (kind: string, count: number) => Array.from({ length: count }, (_, n) => `https://127.0.0.1/${kind}/${n}`)
  const listed = urls('listed', 300).map((url) => ({ tenant: 'a', url, isListed: true }))
  const own = urls('own', 300).map((url) => ({ tenant: 'a', url }))
  catalysts.follow([...listed, ...own])
  expect([catalysts.unused(urls('own', 300)), catalysts.unused(urls('listed', 300))]).toEqual([0, 88])
})
