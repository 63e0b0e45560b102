import { expect, test } from 'vitest'
import { aProvider, aRealm, aService } from '../fixtures.ts'
import { ConsoleAccess } from './access.ts'
import { aMap } from './fixtures.ts'

const TOKEN = 'a-token-of-sixteen-letters'
const WALLET = `0x${'a'.repeat(40)}`
const withToken = (token = TOKEN) => ({ headers: { authorization: `Bearer ${token}` } })
const place = { lastPing: 1, parcel: [1, 2], position: [16.5, 0, 40] }
const anIsland = { id: 'I1', maxPeers: 100, center: [16, 0, 40], radius: 4, peers: [{ id: WALLET, address: WALLET, ...place }] }

const statistics = {
  '/map': aMap({
    peers: 1,
    tiles: [1, 2, 1],
    dots: [16, 40, 0],
    islandCount: 1,
    islands: [{ id: 'I1', center: [16, 40], radius: 4, peers: 1 }],
  }),
  [`/peers/${WALLET}`]: { ok: true, peer: { id: WALLET, address: WALLET, ...place } },
  '/islands/I1': anIsland,
}

async function aConsole(t: Parameters<typeof aProvider>[0], config: Parameters<typeof aProvider>[1] = {}) {
  const service = await aService(t, statistics)
  const provider = await aProvider(t, config)
  provider.source.set(aRealm({ statsUrl: service.url }))
  await expect.poll(() => service.state.asked).toContain('/map')
  return { ...provider, service }
}

test('the page runs its own files and nothing else, and each of them is there', async (t) => {
  const { get } = await aProvider(t)
  const page = await get('/console')
  expect(page.headers.get('content-security-policy')).toBe(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  )
  const text = await page.text()
  expect(text).not.toMatch(/<script(?![^>]*src)|<style|\son\w+=|\sstyle=|https?:\/\//)
  const wanted = [...text.matchAll(/(?:href|src)="(console\/[\w.-]+)"/g)].map(([, file]) => file ?? '')
  expect(wanted.length).toBeGreaterThan(3)
  const seen = new Set<string>()
  for (const file of wanted) {
    if (file === 'console/snapshot' || seen.has(file)) continue
    seen.add(file)
    const answer = await get(`/${file}`)
    expect([file, answer.status, answer.headers.get('x-content-type-options')]).toEqual([file, 200, 'nosniff'])
    for (const [, module] of (await answer.text()).matchAll(/from '\.\/([\w-]+\.js)'/g)) wanted.push(`console/${module}`)
  }
  expect(seen.size).toBeGreaterThan(15)
  const below = await (await get('/console/')).text()
  expect(below).toContain('src="app.js"')
  for (const missing of ['index.html', 'app.ts', '..%2froutes.ts', 'package.json']) {
    expect([missing, (await get(`/console/${missing}`)).status]).toEqual([missing, 404])
  }
})

test('every client may look, but no wallet is shown without the token', async (t) => {
  const { get, json } = await aConsole(t, { config: { CONSOLE_TOKEN: TOKEN } })
  await expect.poll(async () => (await get('/console/islands/I1?realm=realms/main')).status).toBe(200)
  expect(await json('/console/islands/I1?realm=realms/main')).toMatchObject({
    size: 1,
    peers: [{ wallet: null, parcel: [1, 2] }],
  })
  expect((await get(`/console/peers/${WALLET}`)).status).toBe(401)
  expect(await (await get('/console/snapshot')).text()).not.toContain(WALLET)
  expect(await json('/console/islands/I1?realm=realms/main', withToken())).toMatchObject({ peers: [{ wallet: WALLET }] })
  expect(await json(`/console/peers/${WALLET.toUpperCase().replace('0X', '0x')}`, withToken())).toMatchObject({
    peers: [{ realm: 'realms/main', realmName: 'main', parcel: [1, 2] }],
  })
  expect(await json('/console/access', withToken())).toEqual({ mode: 'Public', wallets: true })
  for (const path of ['/console/snapshot', '/console/access', `/console/peers/${WALLET}`]) {
    expect([path, (await get(path, withToken('a-wrong-token-of-letters'))).status]).toEqual([path, 401])
  }
})

test('without a token in the configuration no request sees wallets', async (t) => {
  const { get, json } = await aConsole(t)
  for (const init of [undefined, withToken(''), withToken('undefined')]) {
    expect((await get(`/console/peers/${WALLET}`, init)).status).toBe(401)
  }
  expect(await json('/console/access')).toEqual({ mode: 'Public', wallets: false })
})

test('behind a token everything but the page itself is refused without it', async (t) => {
  const { get } = await aConsole(t, { config: { CONSOLE: 'Token', CONSOLE_TOKEN: TOKEN } })
  for (const path of ['/console/feed', '/console/snapshot', '/console/access', '/console/islands/I1?realm=realms/main']) {
    expect([path, (await get(path)).status]).toEqual([path, 401])
  }
  for (const path of ['/console', '/console/app.js']) expect((await get(path)).status).toBe(200)
  expect((await get('/console/snapshot', withToken())).status).toBe(200)
  expect(() => new ConsoleAccess('Token', undefined)).toThrow('CONSOLE_TOKEN is not set')
})

test('where it is off there is no console, and no statistics are read for it', async (t) => {
  const service = await aService(t, statistics)
  const { get, source, clock } = await aProvider(t, { config: { CONSOLE: 'None' } })
  source.set(aRealm({ statsUrl: service.url }))
  clock.advance(60_000)
  for (const path of ['/console', '/console/feed', '/console/app.js', '/console/snapshot'])
    expect((await get(path)).status).toBe(404)
  expect(service.state.asked).not.toContain('/map')
})

test('the feed is a stream of events, which ends with the viewer and with the provider', async (t) => {
  const { get, clock } = await aConsole(t)
  const stop = new AbortController()
  const answer = await get('/console/feed?realm=realms/main', { signal: stop.signal })
  expect(answer.headers.get('content-type')).toBe('text/event-stream')
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader()
  const read = async (until: RegExp) => {
    let text = ''
    while (!until.test(text)) text += (await reader?.read())?.value ?? ''
    return text
  }
  expect(await read(/event: map\ndata: .*\n\n/)).toMatch(/^event: snapshot\ndata: \{"at":/)
  clock.advance(1_000)
  expect(await read(/\n\n/)).toContain('event: delta')
  const head = await get('/console/feed', { method: 'HEAD' })
  expect([head.status, head.headers.get('content-type')]).toEqual([200, 'text/event-stream'])
  stop.abort()
})

test('a page too many from one address is told to come later', async (t) => {
  const { get } = await aConsole(t)
  const stop = new AbortController()
  const from = (address: string) => get('/console/feed', { headers: { 'x-forwarded-for': address }, signal: stop.signal })
  for (let n = 0; n < 16; n++) expect((await from('192.0.2.1')).status).toBe(200)
  const refused = await from('192.0.2.1')
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5'])
  expect((await from('192.0.2.2')).status).toBe(200)
  stop.abort()
})

test('look-ups are limited, and refuse what is no wallet and no island', async (t) => {
  const { get, service } = await aConsole(t, { config: { CONSOLE_TOKEN: TOKEN } })
  expect((await get('/console/peers/0x12', withToken())).status).toBe(400)
  expect((await get('/console/islands/I1?realm=realms/none', withToken())).status).toBe(404)
  const before = service.state.asked.length
  const statuses = []
  for (let n = 0; n < 30; n++) statuses.push((await get('/console/islands/none?realm=realms/main')).status)
  expect(statuses.slice(0, 20)).toEqual(new Array(20).fill(404))
  expect(new Set(statuses.slice(20))).toEqual(new Set([503]))
  expect(service.state.asked.length - before).toBe(20)
})
