import { expect, type TestContext, test, vi } from 'vitest'
import { aBan, aGatekeeper, answerOf } from './fixtures.ts'
import { someServices } from './upstream/fixtures.ts'

const COMMS_GATEKEEPER_AUTH_TOKEN = 'services-token-01234'
const [ana, ben] = [`0x${'A'.repeat(40)}`, `0x${'b'.repeat(40)}`]
const WORLD = 'name.dcl.eth'

async function aServed(t: TestContext, options: Parameters<typeof aGatekeeper>[1] = {}) {
  const gatekeeper = await aGatekeeper(t, { ...options, config: { COMMS_GATEKEEPER_AUTH_TOKEN, ...options.config } })
  const call = async (
    method: string,
    path: string,
    { headers = {}, body }: { headers?: Record<string, string>; body?: unknown } = {},
  ) =>
    fetch(gatekeeper.url + path, {
      ...{ method, headers: { authorization: `Bearer ${COMMS_GATEKEEPER_AUTH_TOKEN}`, ...headers } },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
  return { ...gatekeeper, call }
}

test('a service is told whether a wallet or a device is banned', async (t) => {
  const { call, url } = await aServed(t, { bans: [aBan({ bannedAddress: ana.toLowerCase(), bannedDeviceId: 'phone' })] })
  const ask = async (address: string, headers = {}) => answerOf(await call('GET', `/users/${address}/ban-status`, { headers }))
  expect(await ask(ana)).toEqual([200, { isBanned: true }])
  expect(await ask(ben)).toEqual([200, { isBanned: false }])
  expect(await ask(ben, { 'x-device-id': 'PHONE' })).toEqual([200, { isBanned: true }])
  expect(await ask('ana')).toEqual([400, { error: 'Invalid address' }])
  expect((await fetch(`${url}/users/${ana}/ban-status`)).status).toBe(401)
})

test('a service is told whether a player is banned from a scene of a world, also by the parcel 0,0 of its only scene', async (t) => {
  const services = await someServices()
  services.worlds.set(WORLD, {
    ...{ owner: ben, deployment: new Map(), streaming: new Map(), scenes: [{ id: 'bafkstage', parcels: ['5,5', '5,6'] }] },
  })
  services.worlds.set('other.dcl.eth', {
    ...{ owner: ben, deployment: new Map(), streaming: new Map(), scenes: [{ id: 'bafkother', parcels: ['5,5'] }] },
  })
  const { call, storage, clock } = await aServed(t, { config: services.config })
  vi.spyOn(storage.database, 'query').mockImplementation(async (sql: string) => {
    if (sql.includes('AS version')) return [{ version: '1' }] as never
    return sql.includes('FROM scene_bans')
      ? ([{ bans: JSON.stringify([['1', `place of ${WORLD}5,5`, ana.toLowerCase()]]) }] as never)
      : []
  })
  const ask = async (world: string, parcel: string, address = ana) =>
    answerOf(await call('GET', `/worlds/${world}/parcels/${encodeURIComponent(parcel)}/users/${address}/ban-status`))
  await vi.waitFor(async () => {
    clock.advance(3_600)
    expect(await ask(WORLD, '5,6')).toEqual([200, { isBanned: true }])
  })
  expect(await ask('Name.DCL.eth', '0,0')).toEqual([200, { isBanned: true }])
  expect(await ask('other.dcl.eth', '5,5')).toEqual([200, { isBanned: false }])
  expect(await ask(WORLD, '5,5', ben)).toEqual([200, { isBanned: false }])
  expect(await ask(WORLD, 'here')).toEqual([400, { error: 'Invalid parcel' }])
  services.mood = 'broken'
  clock.advance(60_000)
  expect((await ask(WORLD, '5,5'))[0]).toBe(503)
})

test('the connection of a player to another service is recorded', async (t) => {
  const { call, storage, clock } = await aServed(t)
  const report = async (body: unknown) => (await call('POST', `/users/${ana}/connection-info`, { body })).status
  expect(await report({ ipAddress: '203.0.113.7', deviceId: 'Phone' })).toBe(204)
  expect([await report({ ipAddress: 'here' }), await report({ deviceId: 'a\0b' }), await report({ more: 1 })]).toEqual([
    400, 400, 400,
  ])
  clock.advance(100)
  await vi.waitFor(() =>
    expect([...storage.connections.values()]).toEqual([
      { address: ana.toLowerCase(), ipAddress: '203.0.113.7', deviceId: 'phone' },
    ]),
  )
})
