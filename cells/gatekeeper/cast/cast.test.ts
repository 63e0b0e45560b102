import { expect, test, vi } from 'vitest'
import { withPart } from '../../../testing/parts/with-part.ts'
import { signedHeaders } from '../../../testing/player/signed-fetch.ts'
import { createWallet, type Wallet } from '../../../testing/player/wallet.ts'
import { onEachDatabase } from '../database.fixtures.ts'
import { aBan, aGatekeeper, aStorage } from '../fixtures.ts'
import { aLivekitWorld } from '../livekit/fixtures.ts'
import { aStage, banFromPlatform, claimsOf, inPark, owner, PARK, preview, ROOM, WORLD } from '../streams/fixtures.ts'
import { sceneMetadataOf } from '../upstream/fixtures.ts'
import { SealedWallets } from './sealed-wallets.ts'

const [ana, ben] = [createWallet('ana'), createWallet('ben')]
const LINK = '/cast/generate-stream-link'
const T0 = 1_700_000_000_000
const DAY = 86_400_000
const PLACE = 'place of 10,10'
const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'

type Stage = Awaited<ReturnType<typeof aStage>>
const keyFor = async ({ call }: Stage, metadata: Record<string, unknown> = inPark): Promise<string> =>
  ((await call(owner, 'GET', LINK, { metadata }))[1] as { streamingKey: string }).streamingKey

/** Asks to watch; with a wallet, signed. */
const watch = ({ post, clock }: Stage, wallet?: Wallet, more: Record<string, unknown> = {}) => {
  const request = { method: 'POST', metadata: { signer: 'dcl:explorer' }, timestamp: clock.now() } as const
  const headers = wallet ? signedHeaders('/cast/watcher-token', { wallet, ...request }) : {}
  return post('/cast/watcher-token', { location: '10,10', identity: 'Ann', ...more }, headers)
}
type Credentials = { url: string; token: string; roomId: string; identity: string }

/** A busy machine takes a while. */
const soon = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 20_000, interval: 20 })

onEachDatabase('streams from and to browsers', (empty) => {
  test('an administrator gets links, whose key is the one of RTMP, and the same ones again', async (t) => {
    const { call, livekit } = await aStage(t, await empty(), { config: { CAST2_URL: 'https://cast.example.org/' } })
    const links = {
      ...{ streamLink: 'https://cast.example.org/s/key1', watcherLink: 'https://cast.example.org/w/10,10', streamingKey: 'key1' },
      ...{ placeId: PLACE, placeName: 'A place', expiresAt: new Date(T0 + 4 * DAY).toISOString(), expiresInDays: 4 },
    }
    expect(await call(owner, 'GET', LINK)).toEqual([200, links])
    expect(await call(owner, 'GET', LINK)).toEqual([200, links])
    expect(await call(owner, 'POST', '/scene-stream-access')).toMatchObject([200, { streaming_key: 'key1' }])
    expect(livekit.ingresses.length).toBe(1)
    const stage = { metadata: sceneMetadataOf('bafkstage', '0,0', WORLD) }
    expect(await call(owner, 'GET', LINK, stage)).toMatchObject([200, { watcherLink: `https://cast.example.org/w/${WORLD}` }])
  })

  test('a LiveKit without ingress has links too, and no key of RTMP', async (t) => {
    const stage = await aStage(t, await empty())
    stage.livekit.mood = 'no ingress'
    const key = await keyFor(stage)
    expect([key.length, await keyFor(stage)]).toEqual([32, key])
    expect((await stage.call(owner, 'GET', '/scene-stream-access'))[0]).toBe(404)
    expect((await stage.post('/cast/streamer-token', { token: key, identity: 'Ann' }))[0]).toBe(200)
    expect((await stage.call(owner, 'POST', '/scene-stream-access'))[0]).toBe(501)
  })

  test('who does not administer the scene, names none, or is banned gets no link, in a preview too', async (t) => {
    const { call, clock, database } = await aStage(t, await empty(), { config: { ALLOW_LOCAL_PREVIEW: 'true' } })
    expect(await call(ana, 'GET', LINK)).toEqual([403, { error: 'Only scene administrators can generate stream links' }])
    const { sceneId: _, ...none } = inPark
    expect((await call(owner, 'GET', LINK, { metadata: none }))[0]).toBe(400)
    const room = 'scene-LocalPreview:b64-L3Q='
    expect(await call(ana, 'GET', LINK, { metadata: preview })).toMatchObject([
      200,
      { placeId: room, placeName: 'Local Preview' },
    ])
    expect((await call(ana, 'PUT', `/cast/presenters/${ben.address}`, { metadata: preview }))[0]).toBe(200)
    await banFromPlatform(database, ana)
    await soon(async () => {
      clock.advance(700)
      for (const metadata of [inPark, preview])
        expect(await call(ana, 'GET', LINK, { metadata })).toEqual([403, { error: 'Access denied, platform-banned user' }])
    })
  })

  test('where previews are not allowed, a scene that claims to be one has neither links nor presenters', async (t) => {
    const { call } = await aStage(t, await empty())
    expect((await call(owner, 'GET', LINK, { metadata: preview }))[0]).toBe(404)
    expect((await call(owner, 'PUT', `/cast/presenters/${ana.address}`, { metadata: preview }))[0]).toBe(404)
  })

  test('the holder of a key streams from any source, and is a presenter', async (t) => {
    const stage = await aStage(t, await empty())
    const key = await keyFor(stage)
    stage.livekit.rooms.set(ROOM, { identities: [], metadata: '{"title":"Plaza"}' })
    const [status, body] = await stage.post('/cast/streamer-token', { token: key, identity: 'Ann' })
    const { url, token, roomId, identity } = body as Credentials
    expect([status, url, roomId]).toEqual([200, 'wss://livekit.example.org', ROOM])
    expect(identity).toMatch(new RegExp(`^stream:${PLACE}:${UUID}$`))
    expect(claimsOf(token)).toMatchObject({
      ...{ sub: identity, name: 'Ann', metadata: '{"role":"streamer","displayName":"Ann"}' },
      video: { room: ROOM, canPublish: true, canSubscribe: true, canPublishData: true, canUpdateOwnMetadata: true },
    })
    expect(claimsOf(token).video).not.toHaveProperty('canPublishSources')
    expect(JSON.parse(stage.livekit.rooms.get(ROOM)?.metadata ?? '')).toMatchObject({
      title: 'Plaza',
      presenters: [identity],
    })
    expect(await stage.call(owner, 'GET', '/cast/presenters')).toEqual([200, { presenters: [identity] }])
  })

  test('the program that presents slides has a token of its own', async (t) => {
    const stage = await aStage(t, await empty())
    const [status, body] = await stage.post('/cast/presentation-bot-token', { streamingKey: await keyFor(stage) })
    const { token, ...rest } = body as Credentials
    expect([status, rest]).toEqual([200, { url: 'wss://livekit.example.org', roomId: ROOM }])
    expect(claimsOf(token)).toMatchObject({
      ...{ sub: expect.stringMatching(new RegExp(`^presentation-bot:${ROOM}:${UUID}$`)), metadata: '{"role":"presentation"}' },
      video: { room: ROOM, canPublish: true, canUpdateOwnMetadata: false },
    })
  })

  test('a key that is unknown, ended or expired opens nothing', async (t) => {
    const stage = await aStage(t, await empty())
    const { post, url, call, clock } = stage
    const opens = async (key: string) => {
      const info = await fetch(`${url}/cast/stream-info/${key}`)
      return [
        await post('/cast/streamer-token', { token: key, identity: 'Ann' }),
        await post('/cast/presentation-bot-token', { streamingKey: key }),
        [info.status, await info.json()],
      ]
    }
    const invalid = [401, { error: 'Invalid or expired streaming token' }]
    const nothing = [invalid, invalid, [404, { error: 'No such streaming key' }]]
    expect(await opens('unknown')).toEqual(nothing)
    const first = await keyFor(stage)
    expect((await opens(first)).map(([status]) => status)).toEqual([200, 200, 200])
    await call(owner, 'PUT', '/scene-stream-access')
    expect(await opens(first)).toEqual(nothing)
    const second = await keyFor(stage)
    clock.advance(4 * DAY)
    const expired = [401, { error: 'Streaming token has expired' }]
    expect([[expired, expired, nothing[2]], nothing]).toContainEqual(await opens(second)) // the key may be ended already
    for (const body of [{ token: second }, { token: '', identity: 'a' }, { token: 'x'.repeat(257), identity: 'a' }])
      expect((await post('/cast/streamer-token', body))[0]).toBe(400)
  })

  test('a key tells which scene it is for', async (t) => {
    const stage = await aStage(t, await empty())
    const info = async (key: string) => (await fetch(`${stage.url}/cast/stream-info/${key}`)).json()
    const park = { placeName: 'A place', placeId: PLACE, location: '10,10', isWorld: false }
    expect(await info(await keyFor(stage))).toEqual(park)
    const bar = await keyFor(stage, sceneMetadataOf('bafkbar', '1,0', WORLD))
    expect(await info(bar)).toMatchObject({ placeId: `place of ${WORLD}1,0`, location: WORLD, isWorld: true })
  })

  test('a person watches, anonymously or signed, and can only receive', async (t) => {
    const stage = await aStage(t, await empty())
    await keyFor(stage)
    for (const wallet of [undefined, ana]) {
      const [status, body] = await watch(stage, wallet)
      const { url, token, roomId, identity, placeName } = body as Credentials & { placeName: string }
      expect([status, url, roomId, placeName]).toEqual([200, 'wss://livekit.example.org', ROOM, 'A place'])
      expect(identity).toMatch(new RegExp(`^watch:${ROOM}:${wallet ? '[\\w-]{64}' : UUID}$`))
      expect(identity.toLowerCase()).not.toContain(ana.peer.slice(2))
      expect(claimsOf(token)).toMatchObject({
        ...{ sub: identity, metadata: JSON.stringify({ role: 'watcher', displayName: 'Ann', roomId: ROOM }) },
        video: { room: ROOM, canPublish: false, canSubscribe: true, canUpdateOwnMetadata: false },
      })
    }
  })

  test('a place is watched by any of its parcels, a world by its name, and a scene of it by a parcel too', async (t) => {
    const stage = await aStage(t, await empty())
    await keyFor(stage)
    await keyFor(stage, sceneMetadataOf('bafkstage', '0,0', WORLD))
    for (const [body, status] of [
      [{ location: '10,11' }, 200],
      [{ location: '20,20' }, 404],
      [{ location: '99,99' }, 404],
      [{ location: 'here' }, 400],
      [{ location: '' }, 400],
      [{ location: WORLD }, 200],
      [{ location: WORLD.toUpperCase(), parcel: '0,0' }, 200],
      [{ location: WORLD, parcel: '1,0' }, 404],
      [{ location: WORLD, parcel: 'there' }, 400],
      [{ location: 'nowhere.dcl.eth' }, 404],
    ] as const)
      expect([body, (await watch(stage, undefined, body))[0]]).toEqual([body, status])
  })

  test('a banned wallet does not watch, and every other one does', async (t) => {
    const stage = await aStage(t, await empty())
    await keyFor(stage)
    await stage.call(owner, 'POST', '/scene-bans', { body: { banned_address: ana.address } })
    expect(await watch(stage, ana)).toEqual([403, { error: 'You are banned from this scene' }])
    await banFromPlatform(stage.database, ben)
    await soon(async () => {
      stage.clock.advance(700)
      expect(await watch(stage, ben)).toEqual([403, { error: 'Access denied, platform-banned user' }])
    })
    expect((await watch(stage, createWallet('cem')))[0]).toBe(200)
  })

  test('a watcher who is banned from one scene of a world leaves its room, and no other room of the world', async (t) => {
    const stage = await aStage(t, await empty())
    const metadata = sceneMetadataOf('bafkbar', '1,0', WORLD)
    await keyFor(stage, metadata)
    const [, body] = await watch(stage, ana, { location: WORLD, parcel: '1,0' })
    const { identity, roomId } = body as Credentials
    const other = `world-scene-room-${WORLD}-bafkstage`
    for (const room of [roomId, other]) stage.livekit.rooms.set(room, { identities: [identity], metadata: '' })
    await stage.call(owner, 'POST', '/scene-bans', { body: { banned_address: ana.address }, metadata })
    await soon(() => expect(stage.livekit.rooms.get(roomId)?.identities).toEqual([]))
    expect(stage.livekit.rooms.get(other)?.identities).toEqual([identity])
  })

  test('administrators name presenters, whatever else is in the metadata of the room', async (t) => {
    const { call, livekit, ...rest } = await aStage(t, await empty())
    const present = (method: 'GET' | 'PUT' | 'DELETE', who = '', wallet = owner) =>
      call(wallet, method, `/cast/presenters${who && `/${encodeURIComponent(who)}`}`)
    expect(await present('GET')).toEqual([404, { error: `No active stream found for ${ROOM}` }])
    await keyFor({ call, livekit, ...rest })
    expect(await present('PUT', ana.address, ana)).toEqual([403, { error: 'Only scene administrators can manage presenters' }])
    livekit.rooms.set(ROOM, { identities: [], metadata: 'no JSON' })
    expect(await present('PUT', ana.address)).toEqual([200, { message: 'Participant promoted to presenter' }])
    const streamer = `stream:${PLACE}:6c1f3ed6-2a4f-4f0e-9d0b-d5b5b5c1a001`
    expect((await present('PUT', streamer))[0]).toBe(200)
    expect(await present('PUT', ana.address)).toEqual([200, { message: 'Participant promoted to presenter' }])
    for (const other of ['ana', streamer.replace(PLACE, 'another place'), 'authoritative-server', `watch:${ROOM}:1`])
      expect(await present('PUT', other)).toEqual([400, { error: 'Invalid participant identity' }])
    const presenters = [ana.peer, streamer].sort()
    expect(((await present('GET'))[1] as { presenters: string[] }).presenters.toSorted()).toEqual(presenters)
    expect(JSON.parse(livekit.rooms.get(ROOM)?.metadata ?? '').presenters.toSorted()).toEqual(presenters)
    expect(await present('DELETE', streamer)).toEqual([200, { message: 'Participant demoted from presenter' }])
    livekit.mood = 'broken'
    expect((await present('DELETE', ana.address))[0]).toBe(200)
    expect(await present('GET')).toEqual([200, { presenters: [] }])
  })

  test('a client that tries keys from one address is slowed down', async (t) => {
    const { post } = await aStage(t, await empty())
    const attempt = async () =>
      (await post('/cast/streamer-token', { token: 'guess', identity: 'a' }, { 'x-forwarded-for': '203.0.113.7' }))[0]
    for (let n = 0; n < 60; n++) expect(await attempt()).toBe(401)
    expect(await attempt()).toBe(429)
  })

  test('a realm without LiveKit has no streams', async (t) => {
    const { call, post } = await aStage(t, await empty(), {
      transport: { kind: 'ws-room', connectionString: () => 'ws-room:wss://rooms.example.org/x' },
      config: { LIVEKIT_HOST: undefined },
    })
    expect((await call(owner, 'GET', LINK))[0]).toBe(501)
    expect((await post('/cast/streamer-token', { token: 'x', identity: 'a' }))[0]).toBe(401)
  })
})

test('the wallet of a watcher is read by those with the secret, and by no others', () => {
  const [ours, others] = [new SealedWallets('secret'), new SealedWallets('other secret')]
  const sealed = ours.seal(ana.peer)
  expect([ours.open(sealed), others.open(sealed), ours.seal(ana.peer) === sealed]).toEqual([ana.peer, undefined, false])
  for (const text of ['', 'x', sealed.slice(1), `${sealed}AAAA`, 'A'.repeat(64)]) expect(ours.open(text)).toBeUndefined()
})

withPart('livekit', 'with a LiveKit', (binary) => {
  withPart('rtc', 'and watchers in its rooms', (rtc) => {
    const world = aLivekitWorld(binary, rtc)
    test('a ban removes a watcher who signed at every replica, with an old token too, and no other one', {
      timeout: 60_000,
    }, async (t) => {
      const storage = aStorage()
      const one = await aGatekeeper(t, { config: world.config, storage })
      const two = await aGatekeeper(t, { config: world.config, storage })
      world.gatekeepers = [one.url, two.url]
      const sealed = new SealedWallets(world.livekit.apiSecret)
      const room = `scene-main:${PARK}`
      const watcher = (suffix: string) => world.token(`watch:${room}:${suffix}`, room)
      const [villain, friend] = [watcher(sealed.seal(ana.peer)), watcher(sealed.seal(ben.peer))]
      const [bad, good, anonymous] = [
        await world.join(villain),
        await world.join(friend),
        await world.join(watcher(crypto.randomUUID())),
      ]
      storage.bans = [aBan({ bannedAddress: ana.peer })]
      for (const { clock } of [one, two]) clock.advance(700)
      await soon(() => expect(bad.ended).toBe(true))
      const streamer = await world.join(world.token(`stream:${PLACE}:${crypto.randomUUID()}`, room)) // of a key that ended
      await soon(() => expect(streamer.ended).toBe(true))
      const again = await world.join(villain)
      await soon(() => expect(again.ended).toBe(true))
      expect([good.ended, anonymous.ended]).toEqual([false, false])
    })
  })
})
