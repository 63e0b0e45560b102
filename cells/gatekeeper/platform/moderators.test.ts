import { expect, type TestContext, test, vi } from 'vitest'
import { createWallet } from '../../../testing/player/wallet.ts'
import type { Storage } from '../adapters/storage.ts'
import { onEachDatabase } from '../database.fixtures.ts'
import { aGatekeeper, answerOf } from '../fixtures.ts'
import { aFakeLivekit } from '../livekit/livekit-api.fixtures.ts'
import { aTown, MALL, owner, PARK } from '../scenes/fixtures.ts'

const [ana, ben, mod] = [createWallet('ana'), createWallet('ben'), createWallet('mod')]
const MODERATOR_TOKEN = 'moderators-token-0123'
const config = { MODERATOR_TOKEN, MODERATORS: [mod.peer], LIVEKIT_HOST: undefined }

/** Calls a gatekeeper with the moderators' token. */
const asTool = (url: string) => async (method: string, path: string, body?: object) => {
  const answer = await fetch(`${url}${path}${path.includes('?') ? '&' : '?'}moderator=Ruth`, {
    ...{ method, headers: { authorization: `Bearer ${MODERATOR_TOKEN}` } },
    ...(body && { body: JSON.stringify(body) }),
  })
  return [answer.status, answer.status === 204 ? undefined : await answer.json()] as const
}

async function aModerated(t: TestContext, storage: Storage) {
  const gatekeeper = await aGatekeeper(t, { storage, config })
  const kicked = async (...wallets: string[]) => {
    const body = JSON.stringify({ addresses: wallets })
    const [, answer] = await answerOf(await fetch(`${gatekeeper.url}/users/bans`, { method: 'POST', body }))
    return (answer as { data: { kicked: { address: string; secondsAgo: number }[] } }).data.kicked
  }
  const version = async () => {
    const [, answer] = await answerOf(await fetch(`${gatekeeper.url}/users/bans/version`))
    return (answer as { data: { version: string } }).data.version
  }
  return { ...gatekeeper, call: asTool(gatekeeper.url), kicked, version }
}

onEachDatabase('what moderators do besides banning', (empty) => {
  test('a kick is told to connectors at every replica within a second, for a minute, and refuses nothing', async (t) => {
    const storage = await empty()
    const [here, there] = [await aModerated(t, storage), await aModerated(t, storage)]
    const before = [await here.version(), await there.version()]
    expect(await here.call('POST', `/users/${ana.address}/kick`, { reason: 'shouting' })).toEqual([
      200,
      { data: { address: ana.peer, rooms: [] } },
    ])
    const recent = [{ address: ana.peer, secondsAgo: expect.any(Number) }]
    expect(await here.kicked(ana.peer, ben.peer)).toEqual(recent)
    there.clock.advance(999)
    await vi.waitFor(async () => expect(await there.kicked(ana.address, ben.address)).toEqual(recent))
    await vi.waitFor(async () => {
      for (const { clock } of [here, there]) clock.advance(500)
      const after = [await here.version(), await there.version()]
      expect([after[0]?.endsWith('.1'), after[0]]).toEqual([true, after[1]])
      expect(before).not.toContain(after[0])
    })

    const [, ban] = await answerOf(await fetch(`${here.url}/users/${ana.peer}/bans`))
    expect(ban).toEqual({ data: { isBanned: false } })
    here.clock.advance(60_000)
    expect(await here.kicked(ana.peer)).toEqual([])
    const [, { data }] = (await here.call('GET', '/moderation/decisions')) as [number, { data: object[] }]
    expect(data).toMatchObject([{ actor: 'ruth', action: 'kick', target: ana.peer, reason: 'shouting', result: 'done' }])
  })

  test('while LiveKit is away a kick says that the player may still be in rooms, and the connectors are told all the same', async (t) => {
    const gatekeeper = await aGatekeeper(t, { storage: await empty(), config: { MODERATOR_TOKEN } })
    const headers = { authorization: `Bearer ${MODERATOR_TOKEN}` }
    const kick = { method: 'POST', headers, body: '{"reason":"shouting"}' }
    const answer = await fetch(`${gatekeeper.url}/users/${ana.peer}/kick?moderator=ruth`, kick)
    expect([answer.status, Number(answer.headers.get('retry-after'))]).toEqual([503, expect.toSatisfy((wait) => wait > 0)])
    expect(await answer.json()).toEqual({
      error: expect.stringMatching(/leaves the connectors, and may still be in rooms: LiveKit/),
    })
    const asked = { method: 'POST', body: JSON.stringify({ addresses: [ana.peer] }) }
    const [, about] = await answerOf(await fetch(`${gatekeeper.url}/users/bans`, asked))
    expect(about).toMatchObject({ data: { kicked: [{ address: ana.peer }] } })
    const [, presence] = await answerOf(await fetch(`${gatekeeper.url}/users/${ana.peer}/presence`, { headers }))
    expect(presence).toMatchObject({ data: { rooms: null } })
  })

  test('two kicks of a player are two versions, and those that are long over are deleted with the next one', async (t) => {
    const storage = await empty()
    const { call, version } = await aModerated(t, storage)
    await storage.database.query("INSERT INTO player_kicks (address, kicked_at) VALUES ('0x', now() - interval '1 hour')")
    const seen = new Set<string>()
    for (let n = 0; n < 2; n++) {
      await call('POST', `/users/${ana.peer}/kick`, { reason: 'shouting' })
      seen.add(await version())
    }
    expect(seen.size).toBe(2)
    expect(await storage.database.query('SELECT address FROM player_kicks')).toEqual([
      { address: ana.peer },
      { address: ana.peer },
    ])
  })

  test('of a player there is shown when it was last seen, its ban, its warnings and the scenes it is banned from', async (t) => {
    const storage = await empty()
    const { call, clock, ask } = await aModerated(t, storage)
    const presence = async () => (await call('GET', `/users/${ana.address}/presence`))[1]
    const nothing = { address: ana.peer, lastSeenAt: null, rooms: null, ban: null, warnings: 0, sceneBans: [] }
    expect(await presence()).toEqual({ data: nothing })
    await ask(ana, { realmName: 'main', sceneId: 'bafk' })
    await call('POST', `/users/${ana.peer}/warnings`, { reason: 'hm' })
    await call('POST', `/users/${ana.peer}/bans`, { reason: 'spam' })
    await vi.waitFor(async () => {
      clock.advance(200)
      expect(await presence()).toEqual({
        data: {
          ...nothing,
          lastSeenAt: expect.stringMatching(/^2023-/),
          ban: { bannedAt: expect.stringMatching(/^2023-/), expiresAt: null, bannedBy: 'ruth', reason: 'spam' },
          warnings: 1,
        },
      })
    })
  })

  test('who may moderate is listed, for moderators alone', async (t) => {
    const { call, url } = await aModerated(t, await empty())
    expect(await call('GET', '/moderation/moderators')).toEqual([200, { data: { wallets: [mod.peer], token: true } }])
    for (const path of ['/moderation/moderators', `/users/${ana.peer}/presence`, '/moderation/scene-admins?parcel=1,1'])
      expect((await fetch(url + path)).status).toBe(401)
  })

  test('moderators add and remove administrators of a scene, named by a parcel, its id or its world', async (t) => {
    const { call: asWallet, url } = await aTown(t, await empty(), { config })
    const call = asTool(url)
    const list = async (query: string) => (await call('GET', `/moderation/scene-admins?${query}`))[1]
    const reason = 'the owner asked for it'
    expect(await call('POST', '/moderation/scene-admins', { parcel: '10,10', admin: ana.address, reason })).toEqual([
      204,
      undefined,
    ])
    const added = { admin: ana.peer, addedBy: 'ruth', addedAt: '2023-11-14T22:13:20.000Z', by: 'added' }
    const privileged = { admin: owner.peer, addedBy: null, addedAt: null, by: 'owner or operator' }
    const park = { data: { placeId: 'place of 10,10', admins: [added, privileged] } }
    expect([await list('parcel=10,11'), await list(`scene=${PARK}`)]).toEqual([park, park])
    expect(await asWallet(ana, 'POST', '/scene-bans', { banned_address: ben.address })).toEqual([204, undefined])

    expect(await call('POST', '/moderation/scene-admins', { scene: PARK, admin: ben.peer, reason })).toMatchObject([
      400,
      { error: 'Cannot add this address as an admin because it is banned from this scene' },
    ])
    expect(await call('DELETE', '/moderation/scene-admins', { scene: PARK, admin: owner.peer, reason })).toMatchObject([400, {}])
    expect(await call('DELETE', '/moderation/scene-admins', { parcel: '10,10', admin: ana.peer, reason })).toEqual([
      204,
      undefined,
    ])
    expect(await call('DELETE', '/moderation/scene-admins', { parcel: '10,10', admin: ana.peer, reason })).toMatchObject([
      400,
      {},
    ])
    expect((await asWallet(ana, 'GET', '/scene-bans'))[0]).toBe(401)
    expect(await call('GET', '/moderation/scene-admins?parcel=99,99')).toMatchObject([404, {}])
  })

  test('administrators whom a moderator adds or removes are in the metadata of the rooms of the scene', async (t) => {
    const livekit = await aFakeLivekit()
    const [room, other] = [`scene-main:${PARK}`, `scene-main:${MALL}`]
    for (const name of [room, other]) livekit.rooms.set(name, { identities: [], metadata: '' })
    const { url } = await aTown(t, await empty(), { config: { MODERATOR_TOKEN, ...livekit.config } })
    const adminsIn = (name: string) => JSON.parse(livekit.rooms.get(name)?.metadata || '{}').sceneAdmins
    const admins = (...expected: string[][]) =>
      vi.waitFor(() => expect([room, other].map(adminsIn)).toEqual(expected), { timeout: 20_000, interval: 20 })
    await admins([owner.peer], [owner.peer])
    const change = { parcel: '10,11', admin: ana.peer, reason: 'the owner asked for it' }
    expect((await asTool(url)('POST', '/moderation/scene-admins', change))[0]).toBe(204)
    await admins([ana.peer, owner.peer], [owner.peer])
    expect((await asTool(url)('DELETE', '/moderation/scene-admins', change))[0]).toBe(204)
    await admins([owner.peer], [owner.peer])
  })

  test.for([
    ['POST', `/users/${ana.peer}/kick`, {}],
    ['POST', '/users/ana/kick', { reason: 'x' }],
    ['GET', '/users/ana/presence', undefined],
    ['GET', '/moderation/scene-admins', undefined],
    ['GET', '/moderation/scene-admins?parcel=here', undefined],
    ['POST', '/moderation/scene-admins', { parcel: '1,1', admin: 'ana', reason: 'x' }],
    ['POST', '/moderation/scene-admins', { admin: ana.peer, reason: 'x' }],
    ['DELETE', '/moderation/scene-admins', { parcel: '1,1', admin: ana.peer }],
  ] as const)('%s %s with %j is invalid', async ([method, path, body], t) => {
    const { call } = await aModerated(t, await empty())
    expect((await call(method, path, body))[0]).toBe(400)
  })
})
