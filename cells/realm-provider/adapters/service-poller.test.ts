import { expect, test } from 'vitest'
import { aProvider, aRealm, aService } from '../fixtures.ts'

const poll = { timeout: 15_000 }

test('the services of a realm are shown with their health, which changes after two answers that say otherwise', async (t) => {
  const [events, places] = [await aService(t, { '/ping': 'pong' }), await aService(t, { '/api/health': {} })]
  const { source, json, get, clock, service } = await aProvider(t)
  const services = [
    { name: 'events', url: `${events.url}/` },
    { name: 'places', url: `${places.url}/api`, healthPath: '/health' },
    { name: 'badges', url: 'http://127.0.0.1:1' },
  ]
  source.set(aRealm({ content: { services } }))
  const health = async () => ((await json('/main/about')) as { services?: unknown }).services
  const shown = (eventsWork: boolean) => ({
    events: { publicUrl: `${events.url}/`, healthy: eventsWork },
    places: { publicUrl: `${places.url}/api`, healthy: true },
    badges: { publicUrl: 'http://127.0.0.1:1', healthy: false },
  })
  await expect.poll(health, poll).toEqual(shown(true))
  await expect.poll(service.readiness, poll).toEqual({ ready: true })
  expect(await json('/main/about')).toMatchObject({ healthy: true, acceptingUsers: true })
  const etag = (await get('/main/about')).headers.get('etag') ?? ''

  const next = async (status: number, byMs: number) => {
    const asked = events.state.asked.length
    events.state.status = status
    clock.advance(byMs)
    await expect.poll(() => events.state.asked.length, poll).toBeGreaterThan(asked)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  await next(500, 13_000)
  expect(await health()).toEqual(shown(true))
  expect((await get('/main/about', { headers: { 'if-none-match': etag } })).status).toBe(304)
  await next(500, 1_500)
  expect(await health()).toEqual(shown(false))
  // A realm is as healthy as before: players enter without these services.
  expect(await json('/main/about')).toMatchObject({ healthy: true, acceptingUsers: true })
  await next(200, 13_000)
  expect(await health()).toEqual(shown(false))
  await next(200, 1_500)
  expect(await health()).toEqual(shown(true))

  source.set(aRealm())
  expect(await health()).toBeUndefined()
  clock.advance(60_000)
  const asked = events.state.asked.length
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(events.state.asked.length).toBe(asked)
})

test('services that hang make no answer wait, and may not be on this machine where tenants choose them', async (t) => {
  const hanging = await aService(t, { '/ping': {} })
  hanging.state.hanging = true
  const content = { services: [{ name: 'events', url: hanging.url }] }
  const { source, json } = await aProvider(t)
  source.set(aRealm({ content }))
  expect(await json('/main/about')).toMatchObject({ services: { events: { healthy: false } } })
  await expect.poll(() => hanging.state.asked, poll).toEqual(['/ping'])
  const remote = await aProvider(t, { config: { ALLOW_LOCAL_URLS: 'false' } })
  remote.source.set(aRealm({ content }))
  await expect.poll(remote.service.readiness, poll).toEqual({ ready: true })
  expect(hanging.state.asked).toEqual(['/ping'])
})
