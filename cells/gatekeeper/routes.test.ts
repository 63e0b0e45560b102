import { expect, test, vi } from 'vitest'
import { aBan, aGatekeeper, answerOf } from './fixtures.ts'

const wallet = '0x00000000000000000000000000000000000000Aa'

test.for(['', '/gatekeeper'])('the build is shown below %j', async (prefix, t) => {
  const { url } = await aGatekeeper(t)
  expect(await (await fetch(`${url}${prefix}/ping`)).text()).toBe('/ping')
  expect(await answerOf(await fetch(`${url}${prefix}/status`))).toEqual([
    200,
    { version: '1.2.3', currentTime: 1_700_000_000_000, commitHash: 'abc' },
  ])
  const head = await fetch(`${url}${prefix}/status`, { method: 'HEAD' })
  expect([head.status, await head.text()]).toEqual([200, ''])
})

test('a ban is shown to every client, with dates as text', async (t) => {
  const { url, storage } = await aGatekeeper(t)
  storage.bans = [aBan({ bannedAddress: wallet.toLowerCase(), expiresAt: 1_800_000_000_000, customMessage: 'see you' })]
  expect(await answerOf(await fetch(`${url}/users/${wallet}/bans`))).toEqual([
    200,
    {
      data: {
        isBanned: true,
        ban: {
          id: '4c2f8a52-4f0f-4d3b-9a6b-0a3c4c0d8e11',
          bannedAddress: wallet.toLowerCase(),
          bannedBy: 'mod',
          reason: 'spam',
          customMessage: 'see you',
          bannedDeviceId: null,
          bannedAt: '2023-11-14T22:13:20.000Z',
          expiresAt: '2027-01-15T08:00:00.000Z',
          liftedAt: null,
          liftedBy: null,
          createdAt: '2023-11-14T22:13:20.000Z',
        },
      },
    },
  ])
})

test.for([wallet, 'not-a-wallet', "0x'; drop table user_bans"])('%s is not banned', async (address, t) => {
  const { url } = await aGatekeeper(t)
  const asked = await fetch(`${url}/gatekeeper/users/${encodeURIComponent(address)}/bans`)
  expect(await answerOf(asked)).toEqual([200, { data: { isBanned: false } }])
})

test('a ban that cannot be looked up is answered as an outage, not as no ban', async (t) => {
  const { url, storage } = await aGatekeeper(t)
  storage.broken = 'gone'
  expect(await answerOf(await fetch(`${url}/users/${wallet}/bans`))).toEqual([503, { error: 'Bans cannot be looked up now' }])
})

test('explorers in a browser may call the gatekeeper', async (t) => {
  const { url } = await aGatekeeper(t)
  const preflight = await fetch(`${url}/get-scene-adapter`, {
    method: 'OPTIONS',
    headers: { origin: 'https://play.example.org', 'access-control-request-headers': 'x-identity-metadata' },
  })
  expect([preflight.status, preflight.headers.get('access-control-allow-headers')]).toEqual([204, 'x-identity-metadata'])
  expect((await fetch(`${url}/get-scene-adapter`)).status).toBe(405)
})

test('an outage of the database of half a minute makes the gatekeeper unready, but not dead', async (t) => {
  const { url, service, storage, clock } = await aGatekeeper(t)
  const probe = async (name: string) => (await fetch(`${url}/health/${name}`)).status
  expect(await probe('ready')).toBe(200)
  storage.broken = 'gone'
  clock.advance(30_000)
  expect(await probe('ready')).toBe(200)
  clock.advance(1)
  expect(service.readiness()).toEqual({ ready: false, reason: 'the database cannot be reached' })
  expect([await probe('ready'), await probe('live')]).toEqual([503, 200])
  storage.broken = undefined
  await vi.waitFor(async () => {
    clock.advance(6_000)
    expect(await probe('ready')).toBe(200)
  })
})
