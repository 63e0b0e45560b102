import { expect, test, vi } from 'vitest'
import { ManualClock, systemClock } from '../../../cells/chassis/clock.ts'
import type { FetchResult } from '../../../cells/chassis/fetch-json.ts'
import { createApp, ok, route } from '../../../cells/chassis/http.ts'
import { listen } from '../../../cells/chassis/listen.ts'
import { silentLog } from '../../../cells/chassis/log.ts'
import { Metrics } from '../../../cells/chassis/metrics.ts'
import type { Realm } from '../../../crds/realm.ts'
import { aRealm } from '../../desired/realm.fixtures.ts'
import { PublicationProbe, type PublicationProbeOptions } from './publication-probe.ts'

const adapter = 'archipelago:archipelago:wss://h/cells/0/ws'
const serving = (value = adapter): FetchResult => ({ ok: true, status: 200, body: { comms: { adapter: value } } })
const absent: FetchResult = { ok: true, status: 404, body: {} }
const waiting: FetchResult = { ok: true, status: 503, body: { healthy: false, acceptingUsers: false, error: 'no cell' } }
const down: FetchResult = { ok: false, reason: 'connect ECONNREFUSED' }
const withEndpoint = (state: 'Serving' | 'Starting' = 'Serving', realm = aRealm()): Realm => ({
  ...realm,
  status: { endpoints: [{ slot: 0, adapter, cell: 'main-0', state }] },
})

function aProbe(first: FetchResult = absent, metrics?: PublicationProbeOptions['metrics']) {
  const clock = new ManualClock()
  const asked: string[] = []
  const changed: string[] = []
  const world = { answer: first }
  const fetch = async (url: string) => {
    asked.push(url)
    return world.answer
  }
  const probe = new PublicationProbe({ log: silentLog, providerUrl: 'http://provider', clock, fetch, random: () => 0.5, metrics })
  probe.onChange(({ name }) => changed.push(name))
  const pass = async (ms: number) => {
    for (let at = 0; at < ms; at += 50) {
      clock.advance(50)
      await Promise.resolve().then(() => new Promise(setImmediate))
    }
  }
  /** One pass of a reconciler over a realm. */
  const observe = (realm: Realm) => {
    probe.watch(realm)
    return probe.get(realm.metadata)
  }
  return { probe, observe, asked, changed, world, pass }
}

test('how many catalysts the provider does not use is learned with the answer, and a change of it is told', async () => {
  const { observe, changed, world, pass } = aProbe(serving())
  observe(withEndpoint())
  await pass(1_000)
  expect(observe(withEndpoint())).not.toHaveProperty('unusedCatalysts')
  world.answer = { ...serving(), headers: { 'unused-catalysts': '3' } } as FetchResult
  await pass(20_000)
  expect(observe(withEndpoint())).toMatchObject({ state: 'serving', unusedCatalysts: 3 })
  expect(changed).toEqual(['main', 'main'])
  world.answer = { ...serving(), headers: { 'unused-catalysts': 'many' } } as FetchResult
  await pass(20_000)
  expect(observe(withEndpoint())).not.toHaveProperty('unusedCatalysts')
  world.answer = { ...serving(), headers: { 'catalyst-list-unreadable': 'true' } } as FetchResult
  await pass(20_000)
  expect(observe(withEndpoint())).toMatchObject({ state: 'serving', isListUnreadable: true })
  expect(changed).toHaveLength(4)
})

test('a realm is requested several times a second until it is served, and rarely from then on', async () => {
  const { observe, asked, changed, world, pass } = aProbe()
  expect(observe(withEndpoint())).toEqual({ state: 'unknown', aboutUrl: 'http://provider/main/about' })
  await pass(1000)
  expect(asked.length).toBeGreaterThanOrEqual(4)
  expect(observe(withEndpoint())).toMatchObject({ state: 'absent' })
  world.answer = serving()
  await pass(1000)
  expect(observe(withEndpoint())).toMatchObject({ state: 'serving' })
  const before = asked.length
  await pass(60_000)
  expect(asked.length - before).toBe(4)
  expect(changed).toEqual(['main', 'main'])
})

test('how long the provider takes to serve a change is measured once for each change', async () => {
  const served = vi.fn<(afterMs: number) => void>()
  const { observe, world, pass } = aProbe(absent, { served })
  observe(withEndpoint('Starting'))
  await pass(1000)
  observe(withEndpoint())
  await pass(2000)
  expect(served).not.toHaveBeenCalled()
  world.answer = serving()
  await pass(60_000)
  expect(served).toHaveBeenCalledTimes(1)
  expect(served.mock.calls[0]?.[0]).toBeGreaterThanOrEqual(2000)
  expect(served.mock.calls[0]?.[0]).toBeLessThan(3500)
})

test('a realm without serving cells is not requested', async () => {
  const { observe, asked, pass } = aProbe()
  expect(observe(withEndpoint('Starting'))).toMatchObject({ state: 'unknown' })
  await pass(10_000)
  expect(asked).toEqual([])
})

test('a realm that the provider knows but has no endpoint of is absent, not unreachable', async () => {
  const { observe, world, pass } = aProbe(waiting)
  observe(withEndpoint())
  await pass(500)
  expect(observe(withEndpoint())).toMatchObject({ state: 'absent' })
  world.answer = serving()
  await pass(1_000)
  expect(observe(withEndpoint())).toMatchObject({ state: 'serving' })
})

test('endpoints of another realm are not its publication', async () => {
  const { observe, world, pass } = aProbe(serving('archipelago:archipelago:wss://elsewhere/ws'))
  observe(withEndpoint())
  await pass(500)
  expect(observe(withEndpoint())).toMatchObject({ state: 'absent' })
  world.answer = { ok: true, status: 200, body: 'nonsense' }
  await pass(2000)
  expect(observe(withEndpoint())).toMatchObject({ state: 'absent' })
})

test('a name under which another realm keeps being served is taken, until it is free', async () => {
  const other = 'archipelago:archipelago:wss://elsewhere/ws'
  const { observe, world, changed, pass } = aProbe(serving(other))
  observe(withEndpoint())
  await pass(500)
  expect(observe(withEndpoint())).toMatchObject({ state: 'absent' })
  await pass(3_000)
  expect(observe(withEndpoint())).toMatchObject({ state: 'taken', adapter: other })
  world.answer = serving()
  await pass(2_000)
  expect(observe(withEndpoint())).toMatchObject({ state: 'serving' })
  expect(changed).toEqual(['main', 'main', 'main'])
})

test('one request that fails after the start of the operator changes nothing that is published', async () => {
  const { observe, changed, world, pass } = aProbe(down)
  observe(withEndpoint())
  await pass(500)
  expect(observe(withEndpoint())).toMatchObject({ state: 'unknown' })
  world.answer = serving()
  await pass(2_000)
  expect(observe(withEndpoint())).toMatchObject({ state: 'serving' })
  expect(changed).toEqual(['main'])
})

test('an unreachable provider is reported with its first error message while the failure lasts', async () => {
  const { observe, world, changed, pass } = aProbe(down)
  observe(withEndpoint())
  await pass(3_000)
  expect(observe(withEndpoint())).toMatchObject({ state: 'unreachable', message: 'connect ECONNREFUSED' })
  world.answer = { ok: true, status: 503, body: {} }
  await pass(5000)
  expect(observe(withEndpoint())).toMatchObject({ message: 'connect ECONNREFUSED' })
  expect(changed).toEqual(['main'])
})

test('a provider that restarts does not unpublish what it served; one that stays unreachable does', async () => {
  const { observe, world, changed, pass } = aProbe(serving())
  observe(withEndpoint())
  await pass(500)
  world.answer = down
  await pass(16_000)
  world.answer = serving()
  await pass(16_000)
  expect(changed).toEqual(['main'])
  world.answer = down
  await pass(20_000)
  expect(observe(withEndpoint())).toMatchObject({ state: 'unreachable' })
})

test('a realm whose cells serve again is requested again, whatever the provider answered before', async () => {
  const { observe, asked, pass } = aProbe(serving())
  observe(withEndpoint())
  await pass(500)
  observe(withEndpoint('Starting'))
  await pass(60_000)
  const before = asked.length
  observe(withEndpoint())
  await pass(100)
  expect(asked.length).toBeGreaterThan(before)
})

test('a new endpoint is requested at once', async () => {
  const { observe, asked, pass } = aProbe(serving())
  observe(withEndpoint())
  await pass(500)
  const before = asked.length
  const moved = withEndpoint()
  moved.status = { endpoints: [{ slot: 0, adapter: 'other', cell: 'main-0', state: 'Serving' }] }
  expect(observe(moved)).toMatchObject({ state: 'absent' })
  await pass(100)
  expect(asked.length).toBeGreaterThan(before)
})

test('a forgotten realm is not requested again', async () => {
  const { probe, observe, asked, changed, pass } = aProbe(serving())
  observe(withEndpoint())
  probe.forget(aRealm().metadata)
  await pass(20_000)
  expect([asked, changed]).toEqual([[], []])
})

test('of many realms only some are requested at the same time', async () => {
  const clock = new ManualClock()
  const pending: (() => void)[] = []
  const fetch = () => new Promise<FetchResult>((resolve) => pending.push(() => resolve(absent)))
  const probe = new PublicationProbe({ log: silentLog, providerUrl: 'http://provider', clock, fetch })
  for (let index = 0; index < 40; index++) {
    const realm = withEndpoint()
    probe.watch({ ...realm, metadata: { ...realm.metadata, name: `realm-${index}` } })
  }
  await vi.waitFor(() => expect(pending).toHaveLength(16))
  for (const answer of pending.splice(0)) answer()
  await vi.waitFor(() => expect(pending).toHaveLength(16))
})

test('over HTTP the about of a realm decides', async () => {
  const about = route('GET', '/main/about', () => ok({ comms: { adapter } }))
  const app = createApp({ routes: [about], log: silentLog, metrics: new Metrics('test') })
  const provider = await listen(app, { port: 0, host: '127.0.0.1' })
  const probe = new PublicationProbe({ log: silentLog, providerUrl: provider.url, clock: systemClock })
  probe.watch(withEndpoint())
  await expect.poll(() => probe.get(aRealm().metadata)?.state).toBe('serving')
  await probe.stop()
  await provider.stop()
})

test('a realm that shares its name is asked for by its uid, because the provider answers others for the nearest cluster', async () => {
  const { observe, asked, pass } = aProbe(serving())
  observe(withEndpoint('Serving', aRealm({ publication: { shared: true } })))
  await pass(1_000)
  expect(asked).toEqual(['http://provider/main/about?publisher=realm-uid'])
  expect(observe(withEndpoint('Serving', aRealm({ publication: { shared: true } })))).toMatchObject({ state: 'serving' })
})
