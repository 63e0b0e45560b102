import { expect, test, vi } from 'vitest'
import { ManualClock, systemClock } from '../../../cells/chassis/clock.ts'
import type { Fetched } from '../../../cells/chassis/fetch-json.ts'
import { createApp, ok, route } from '../../../cells/chassis/http.ts'
import { listen } from '../../../cells/chassis/listen.ts'
import { silentLog } from '../../../cells/chassis/log.ts'
import { Metrics } from '../../../cells/chassis/metrics.ts'
import type { Realm } from '../../../crds/realm.ts'
import { aRealm } from '../../desired/fixtures.ts'
import { createProber } from './publication-probe.ts'

const adapter = 'archipelago:archipelago:wss://h/cells/0/ws'
const serving = (value = adapter): Fetched => ({ ok: true, status: 200, body: { comms: { adapter: value } } })
const absent: Fetched = { ok: true, status: 404, body: {} }
const down: Fetched = { ok: false, reason: 'connect ECONNREFUSED' }
const withEndpoint = (state: 'Serving' | 'Starting' = 'Serving', realm = aRealm()): Realm => ({
  ...realm,
  status: { endpoints: [{ slot: 0, adapter, cell: 'main-0', state }] },
})

function aProber(first: Fetched = absent) {
  const clock = new ManualClock()
  const asked: string[] = []
  const changed: string[] = []
  const world = { answer: first }
  const fetch = async (url: string) => {
    asked.push(url)
    return world.answer
  }
  const prober = createProber({ providerUrl: 'http://provider', clock, fetch, random: () => 0.5 })
  prober.onChange(({ name }) => changed.push(name))
  const pass = async (ms: number) => {
    for (let at = 0; at < ms; at += 50) {
      clock.advance(50)
      await Promise.resolve().then(() => new Promise(setImmediate))
    }
  }
  return { prober, asked, changed, world, pass }
}

test('a realm is asked for faster than by the second until it is served, and rarely from then on', async () => {
  const { prober, asked, changed, world, pass } = aProber()
  expect(prober.sighting(withEndpoint())).toEqual({ state: 'unknown', aboutUrl: 'http://provider/main/about' })
  await pass(1000)
  expect(asked.length).toBeGreaterThanOrEqual(4)
  expect(prober.sighting(withEndpoint())).toMatchObject({ state: 'absent' })
  world.answer = serving()
  await pass(1000)
  expect(prober.sighting(withEndpoint())).toMatchObject({ state: 'serving' })
  const before = asked.length
  await pass(60_000)
  expect(asked.length - before).toBe(4)
  expect(changed).toEqual(['main', 'main'])
})

test('a realm without serving cells is not asked for', async () => {
  const { prober, asked, pass } = aProber()
  expect(prober.sighting(withEndpoint('Starting'))).toMatchObject({ state: 'unknown' })
  await pass(10_000)
  expect(asked).toEqual([])
})

test('other endpoints than the realm’s are not its publication', async () => {
  const { prober, world, pass } = aProber(serving('archipelago:archipelago:wss://elsewhere/ws'))
  prober.sighting(withEndpoint())
  await pass(500)
  expect(prober.sighting(withEndpoint())).toMatchObject({ state: 'absent' })
  world.answer = { ok: true, status: 200, body: 'nonsense' }
  await pass(2000)
  expect(prober.sighting(withEndpoint())).toMatchObject({ state: 'absent' })
})

test('a name under which somebody else goes on being served is taken, until it is free', async () => {
  const other = 'archipelago:archipelago:wss://elsewhere/ws'
  const { prober, world, changed, pass } = aProber(serving(other))
  prober.sighting(withEndpoint())
  await pass(500)
  expect(prober.sighting(withEndpoint())).toMatchObject({ state: 'absent' })
  await pass(3_000)
  expect(prober.sighting(withEndpoint())).toMatchObject({ state: 'taken', adapter: other })
  world.answer = serving()
  await pass(2_000)
  expect(prober.sighting(withEndpoint())).toMatchObject({ state: 'serving' })
  expect(changed).toEqual(['main', 'main', 'main'])
})

test('a provider that cannot be reached is told with its first reason for as long as it lasts', async () => {
  const { prober, world, changed, pass } = aProber(down)
  prober.sighting(withEndpoint())
  await pass(500)
  expect(prober.sighting(withEndpoint())).toMatchObject({ state: 'unreachable', message: 'connect ECONNREFUSED' })
  world.answer = { ok: true, status: 503, body: {} }
  await pass(5000)
  expect(prober.sighting(withEndpoint())).toMatchObject({ message: 'connect ECONNREFUSED' })
  expect(changed).toEqual(['main'])
})

test('a provider that restarts does not unpublish what it served; one that stays away does', async () => {
  const { prober, world, changed, pass } = aProber(serving())
  prober.sighting(withEndpoint())
  await pass(500)
  world.answer = down
  await pass(16_000)
  world.answer = serving()
  await pass(16_000)
  expect(changed).toEqual(['main'])
  world.answer = down
  await pass(20_000)
  expect(prober.sighting(withEndpoint())).toMatchObject({ state: 'unreachable' })
})

test('a new endpoint is looked for at once', async () => {
  const { prober, asked, pass } = aProber(serving())
  prober.sighting(withEndpoint())
  await pass(500)
  const before = asked.length
  const moved = withEndpoint()
  moved.status = { endpoints: [{ slot: 0, adapter: 'other', cell: 'main-0', state: 'Serving' }] }
  expect(prober.sighting(moved)).toMatchObject({ state: 'absent' })
  await pass(100)
  expect(asked.length).toBeGreaterThan(before)
})

test('a forgotten realm is not asked for again', async () => {
  const { prober, asked, changed, pass } = aProber(serving())
  prober.sighting(withEndpoint())
  prober.forget(aRealm())
  await pass(20_000)
  expect([asked, changed]).toEqual([[], []])
})

test('many realms are asked for a few at a time', async () => {
  const clock = new ManualClock()
  const pending: (() => void)[] = []
  const fetch = () => new Promise<Fetched>((resolve) => pending.push(() => resolve(absent)))
  const prober = createProber({ providerUrl: 'http://provider', clock, fetch })
  for (let index = 0; index < 40; index++) {
    const realm = withEndpoint()
    prober.sighting({ ...realm, metadata: { ...realm.metadata, name: `realm-${index}` } })
  }
  clock.advance(10)
  expect(pending).toHaveLength(16)
  for (const answer of pending.splice(0)) answer()
  await vi.waitFor(() => expect(pending).toHaveLength(16))
})

test('over HTTP the about of a realm is what decides', async () => {
  const about = route('GET', '/main/about', () => ok({ comms: { adapter } }))
  const app = createApp({ routes: [about], log: silentLog, metrics: new Metrics('test') })
  const provider = await listen(app, { port: 0, host: '127.0.0.1' })
  const prober = createProber({ providerUrl: provider.url, clock: systemClock })
  prober.sighting(withEndpoint())
  await expect.poll(() => prober.sighting(withEndpoint()).state).toBe('serving')
  await prober.stop()
  await provider.stop()
})
