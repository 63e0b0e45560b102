import { expect, type TestContext, test, vi } from 'vitest'
import { signedFetch } from '../../../testing/player/signed-fetch.ts'
import { createWallet, type Wallet } from '../../../testing/player/wallet.ts'
import { ManualClock } from '../../chassis/clock.ts'
import { silentLog } from '../../chassis/log.ts'
import type { Storage } from '../adapters/storage.ts'
import { onEachDatabase } from '../database.fixtures.ts'
import { aGatekeeper, answerOf } from '../fixtures.ts'

const [ana, ben, mod] = [createWallet('ana'), createWallet('ben'), createWallet('mod')]
const MODERATOR_TOKEN = 'moderators-token-0123'
const NOW = '2023-11-14T22:13:20.000Z'
const scene = { realmName: 'main', sceneId: 'bafkTEST' }
const REFUSED = [401, { error: 'You are not authorized to access this resource' }]

async function aModerated(t: TestContext, storage: Storage, more: Parameters<typeof aGatekeeper>[1] = {}) {
  const gatekeeper = await aGatekeeper(t, {
    storage,
    ...more,
    config: { MODERATORS: [mod.peer], MODERATOR_TOKEN, ...more.config },
  })
  const { url, clock, ask } = gatekeeper
  /** A request of a wallet, or of a tool with the token. */
  const call = async (method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown, wallet: Wallet | 'tool' = mod) => {
    if (wallet !== 'tool')
      return signedFetch(url + path, { wallet, method, timestamp: clock.now(), ...(body !== undefined && { body }) })
    const headers = { authorization: `Bearer ${MODERATOR_TOKEN}` }
    return fetch(`${url}${path}${path.includes('?') ? '&' : '?'}moderator=Ruth`, {
      ...{ method, headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
  }
  const answer = async (...question: Parameters<typeof call>) => {
    const response = await call(...question)
    return [response.status, response.status === 204 ? undefined : await response.json()] as const
  }
  const entry = async (wallet: Wallet, deviceIdentifier?: string) =>
    (await ask(wallet, { ...scene, ...(deviceIdentifier && { deviceIdentifier }) })).status
  return { ...gatekeeper, call, answer, entry }
}

onEachDatabase('moderation of the platform', (empty) => {
  test('a ban applies at once, is shown with everything about it, and ends when it is lifted', async (t) => {
    const { answer, entry, url } = await aModerated(t, await empty())
    expect(await entry(ana)).toBe(200)
    const [status, body] = await answer('POST', `/users/${ana.address}/bans`, { reason: 'spam', customMessage: 'Bye' })
    const ban = {
      ...{ id: expect.stringMatching(/^[0-9a-f-]{36}$/), bannedAddress: ana.peer, bannedBy: mod.peer, reason: 'spam' },
      ...{ customMessage: 'Bye', bannedDeviceId: null, bannedAt: NOW, expiresAt: null, liftedAt: null, liftedBy: null },
      createdAt: NOW,
    }
    expect([status, body]).toEqual([201, { data: ban }])
    expect(await entry(ana)).toBe(403)
    expect(await answerOf(await fetch(`${url}/users/${ana.peer}/bans`))).toEqual([
      200,
      { data: { isBanned: true, ban: { expiresAt: null } } },
    ])
    expect(await answer('GET', '/bans')).toEqual([200, { data: [ban] }])

    expect(await answer('DELETE', `/users/${ana.address}/bans`)).toEqual([204, undefined])
    expect(await entry(ana)).toBe(200)
    expect(await answer('GET', '/bans')).toEqual([200, { data: [] }])
  })

  test('a ban with a duration ends by itself', async (t) => {
    const { answer, entry, clock } = await aModerated(t, await empty())
    const [, body] = await answer('POST', `/users/${ana.peer}/bans`, { reason: 'spam', duration: 90_000 })
    expect(body).toMatchObject({ data: { expiresAt: '2023-11-14T22:14:50.000Z' } })
    clock.advance(89_999)
    expect(await entry(ana)).toBe(403)
    clock.advance(1)
    expect(await entry(ana)).toBe(200)
    expect((await answer('POST', `/users/${ana.peer}/bans`, { reason: 'again' }))[0]).toBe(201)
  })

  test('the device that the player last used is banned with the wallet, and free again with it', async (t) => {
    const { answer, entry, clock, storage: _ } = await aModerated(t, await empty())
    await entry(ana, 'Phone-1')
    clock.advance(200)
    await vi.waitFor(async () => {
      clock.advance(200)
      const [, body] = await answer('POST', `/users/${ana.peer}/bans`, { reason: 'spam' })
      if ((body as { data?: { bannedDeviceId: string } }).data?.bannedDeviceId === 'phone-1') return
      await answer('DELETE', `/users/${ana.peer}/bans`)
      throw new Error('the connection is not recorded yet')
    })
    expect([await entry(ben, 'PHONE-1'), await entry(ben, 'other')]).toEqual([403, 200])
    await answer('DELETE', `/users/${ana.peer}/bans`)
    expect(await entry(ben, 'phone-1')).toBe(200)
  })

  test('of two moderators who ban the same player at the same time, one is told of the other', async (t) => {
    const { answer } = await aModerated(t, await empty())
    const tries = await Promise.all(
      Array.from({ length: 8 }, (_, n) => answer('POST', `/users/${ana.peer}/bans`, { reason: `spam ${n}` }, 'tool')),
    )
    expect(tries.map(([status]) => status).sort()).toEqual([201, ...Array(7).fill(409)])
    expect(tries.find(([status]) => status === 409)?.[1]).toEqual({
      error: 'Conflict',
      message: `The player ${ana.peer} is already banned`,
    })
    const lifts = await Promise.all(
      Array.from({ length: 4 }, () => answer('DELETE', `/users/${ana.peer}/bans`, undefined, 'tool')),
    )
    expect(lifts.map(([status]) => status).sort()).toEqual([204, 404, 404, 404])
    expect(lifts.find(([status]) => status === 404)?.[1]).toMatchObject({ error: 'Not Found' })
  })

  test('all bans come in one answer, the latest first, or in pages', async (t) => {
    const { answer, clock } = await aModerated(t, await empty())
    const wallets = Array.from({ length: 5 }, (_, n) => `0x${String(n).padStart(40, '0')}`)
    for (const wallet of wallets) {
      clock.advance(1_000)
      await answer('POST', `/users/${wallet}/bans`, { reason: 'spam' }, 'tool')
    }
    const addresses = async (query: string) => {
      const [status, body] = await answer('GET', `/bans${query}`, undefined, 'tool')
      const { data, ...numbers } = body as { data: { bannedAddress: string }[] }
      return [status, data.map(({ bannedAddress }) => wallets.indexOf(bannedAddress)), numbers]
    }
    expect(await addresses('')).toEqual([200, [4, 3, 2, 1, 0], {}])
    expect(await addresses('?limit=2&offset=3')).toEqual([200, [2, 1], { total: 5, page: 2, pages: 3, limit: 2 }])
    expect(await addresses('?offset=0')).toEqual([200, [4, 3, 2, 1, 0], { total: 5, page: 1, pages: 1, limit: 100 }])
  })

  test('warnings are kept, the latest first', async (t) => {
    const { answer, clock } = await aModerated(t, await empty())
    const warning = { id: expect.any(String), warnedAddress: ana.peer, warnedBy: 'ruth', warnedAt: NOW, createdAt: NOW }
    expect(await answer('POST', `/users/${ana.address}/warnings`, { reason: ' no spam ' }, 'tool')).toEqual([
      201,
      { data: { ...warning, reason: 'no spam' } },
    ])
    clock.advance(1_000)
    await answer('POST', `/users/${ana.peer}/warnings`, { reason: 'really' })
    expect(await answer('GET', `/users/${ana.peer}/warnings`)).toMatchObject([
      200,
      { data: [{ reason: 'really', warnedBy: mod.peer }, { reason: 'no spam' }] },
    ])
    expect(await answer('GET', `/users/${ben.peer}/warnings`)).toEqual([200, { data: [] }])
  })

  test('a ban that is made at one replica, and its end, apply at every other one within a second', async (t) => {
    const storage = await empty()
    const [here, there] = [await aModerated(t, storage), await aModerated(t, storage)]
    const within = async (status: number) => {
      there.clock.advance(999)
      await vi.waitFor(async () => expect(await there.entry(ana)).toBe(status), { timeout: 10_000, interval: 100 })
    }
    expect(await there.entry(ana)).toBe(200)
    await here.answer('POST', `/users/${ana.peer}/bans`, { reason: 'spam' })
    await within(403)
    await here.answer('DELETE', `/users/${ana.peer}/bans`)
    await within(200)
  })

  test('every decision is recorded with who, about whom, why and with which result', async (t) => {
    const { answer, url } = await aModerated(t, await empty())
    await answer('POST', `/users/${ana.peer}/bans`, { reason: 'spam' })
    await answer('POST', `/users/${ana.peer}/bans`, { reason: 'more spam' }, 'tool')
    await answer('DELETE', `/users/${ana.peer}/bans`, undefined, 'tool')
    await answer('DELETE', `/users/${ana.peer}/bans`, undefined, 'tool')
    await answer('POST', `/users/${ben.peer}/warnings`, { reason: 'hm' })
    await answer('POST', `/users/${ben.peer}/bans`, { reason: 'a stranger asks' }, ana)
    const row = (actor: string, action: string, target: string, reason: string | null, result: string) => ({
      ...{ id: expect.any(String), decidedAt: NOW, placeId: null, actor, action, target, reason, result },
    })
    const all = [
      row(ana.peer, 'ban', ben.peer, null, 'refused: may not call this'),
      row(mod.peer, 'warn', ben.peer, 'hm', 'done'),
      row('ruth', 'unban', ana.peer, null, 'not banned'),
      row('ruth', 'unban', ana.peer, null, 'done'),
      row('ruth', 'ban', ana.peer, 'more spam', 'banned already'),
      row(mod.peer, 'ban', ana.peer, 'spam', 'done'),
    ]
    const list = (query: string) => answer('GET', `/moderation/decisions${query}`)
    await vi.waitFor(async () => expect(await list('')).toEqual([200, { data: all, total: 6, page: 1, pages: 1, limit: 100 }]))
    expect(await list('?limit=2&offset=2')).toEqual([200, { data: all.slice(2, 4), total: 6, page: 2, pages: 3, limit: 2 }])
    expect(await list(`?target=${ben.address}`)).toMatchObject([200, { data: all.slice(0, 2), total: 2 }])
    expect(await list('?actor=Ruth')).toMatchObject([200, { total: 3 }])
    expect((await fetch(`${url}/moderation/decisions`)).status).toBe(401)
  })

  test.for(['POST /users/0x1/bans', 'DELETE /users/ana/bans', 'POST /users/0x1/warnings', 'GET /users/0x1/warnings'])(
    '%s names no wallet',
    async (route, t) => {
      const { answer } = await aModerated(t, await empty())
      const [method, path = ''] = route.split(' ') as ['GET', string]
      expect(await answer(method, path, method === 'GET' ? undefined : { reason: 'spam' }, 'tool')).toEqual([
        400,
        { error: 'Invalid address' },
      ])
    },
  )

  test.for([
    [{}, 'reason'],
    [{ reason: '' }, 'reason'],
    [{ reason: 'a\0b' }, 'reason'],
    [{ reason: 'x'.repeat(2_001) }, 'reason'],
    [{ reason: 'spam', duration: 0 }, 'duration'],
    [{ reason: 'spam', duration: '1 day' }, 'duration'],
    [{ reason: 'spam', duration: 1e300 }, 'duration'],
    [{ reason: 'spam', until: 'tomorrow' }, ''],
  ] as const)('a ban with %j is refused, and bans no player', async ([body, path], t) => {
    const { answer, entry } = await aModerated(t, await empty())
    expect(await answer('POST', `/users/${ana.peer}/bans`, body)).toMatchObject([
      400,
      { ok: false, message: 'Invalid JSON body', data: [{ path }] },
    ])
    expect(await entry(ana)).toBe(200)
  })

  test('a wallet that does not moderate decides nothing, and learns nothing', async (t) => {
    const { answer, entry } = await aModerated(t, await empty())
    for (const [method, path, body] of [
      ['POST', `/users/${ben.peer}/bans`, { reason: 'spam' }],
      ['DELETE', `/users/${ben.peer}/bans`, undefined],
      ['GET', '/bans', undefined],
      ['POST', `/users/${ben.peer}/warnings`, { reason: 'spam' }],
      ['GET', `/users/${ben.peer}/warnings`, undefined],
    ] as const)
      expect(await answer(method, path, body, ana)).toEqual(REFUSED)
    expect(await entry(ben)).toBe(200)
  })
})

test('without a database a moderator is told so, and the bans that are known are still listed', async (t) => {
  const gatekeeper = await aGatekeeper(t, {
    config: { MODERATOR_TOKEN },
    clock: new ManualClock(1_700_000_000_000),
    log: silentLog,
  })
  const headers = { authorization: `Bearer ${MODERATOR_TOKEN}` }
  const answer = await fetch(`${gatekeeper.url}/users/${ana.peer}/bans?moderator=ruth`, {
    ...{ method: 'POST', headers, body: '{"reason":"spam"}' },
  })
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5'])
  expect((await fetch(`${gatekeeper.url}/bans`, { headers })).status).toBe(200)
})
