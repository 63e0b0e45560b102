import { expect, type TestContext, test, vi } from 'vitest'
import { withPart } from '../../testing/parts/with-part.ts'
import { signedFetch } from '../../testing/player/signed-fetch.ts'
import { createWallet, type Wallet } from '../../testing/player/wallet.ts'
import { aBan, aGatekeeper, answerOf } from './fixtures.ts'
import { aLivekitWorld } from './livekit/fixtures.ts'
import { aFakeLivekit } from './livekit/livekit-api.fixtures.ts'
import { sceneMetadataOf, someServices } from './upstream/fixtures.ts'

const [server, ana, ben] = [createWallet('server'), createWallet('ana'), createWallet('ben')]
const WORLD = 'name.dcl.eth'
const explorer = { intent: 'dcl:explorer:comms-handshake', signer: 'dcl:explorer', isGuest: false }

async function aTown(t: TestContext, options: Parameters<typeof aGatekeeper>[1] = {}) {
  const [services, livekit] = [await someServices(), await aFakeLivekit()]
  services.scenes.push({ id: 'bafkpark', parcels: ['10,10', '10,11'] })
  services.worlds.set(WORLD, {
    ...{ owner: ana.address, deployment: new Map(), streaming: new Map() },
    scenes: [{ id: 'bafkstage', parcels: ['4,4'] }],
  })
  const config = { ...services.config, ...livekit.config, AUTHORITATIVE_SERVER_ADDRESS: server.peer, ...options.config }
  const gatekeeper = await aGatekeeper(t, { ...options, config })
  const { url, clock } = gatekeeper
  const enter = async (wallet: Wallet, metadata: Record<string, unknown>) =>
    answerOf(
      await signedFetch(`${url}/get-server-scene-adapter`, {
        ...{ wallet, method: 'POST', metadata, timestamp: clock.now(), format: 'current' },
      }),
    )
  const participants = async (query: string) => answerOf(await fetch(`${url}/scene-participants?${query}`))
  return { ...gatekeeper, services, livekit, enter, participants }
}

/** What the token of an adapter is for. */
function tokenOf([status, body]: [number, unknown]) {
  expect(status).toBe(200)
  const { adapter } = body as { adapter: string }
  const { sub, video } = JSON.parse(Buffer.from(adapter.split('.').at(-2) ?? '', 'base64url').toString())
  return { sub, ...video }
}

test.for([
  ['a scene of the map', { realm: { serverName: 'main' }, sceneId: 'bafkPARK' }, 'scene-main:bafkPARK'],
  ['a scene of a world', { realm: { serverName: 'Name.dcl.eth' }, sceneId: 'bafkbar' }, `world-scene-room-${WORLD}-bafkbar`],
  ['the only scene of a world', { realm: { serverName: WORLD }, sceneId: WORLD }, `world-scene-room-${WORLD}-bafkstage`],
] as const)('the authoritative server enters the room that players of %s are in', async ([, metadata, room], t) => {
  const { enter } = await aTown(t)
  expect(tokenOf(await enter(server, { ...explorer, ...metadata }))).toMatchObject({
    ...{ sub: 'authoritative-server', room, canPublish: true, canUpdateOwnMetadata: true, canPublishSources: ['microphone'] },
  })
})

test('where previews are allowed, everyone is the server of a preview, in the room of its players, and of nothing else', async (t) => {
  const { enter, ask } = await aTown(t, { config: { ALLOW_LOCAL_PREVIEW: 'true' } })
  const preview = { ...explorer, realm: { serverName: 'LocalPreview' }, realmName: 'LocalPreview', sceneId: 'b64-L3Q=' }
  const player = tokenOf(await answerOf(await ask(ana, { realmName: 'LocalPreview', sceneId: 'b64-L3Q=' })))
  expect(tokenOf(await enter(ben, preview)).room).toBe(player.room)
  expect(await enter(ben, { ...preview, realm: { serverName: 'main' } })).toEqual([
    401,
    { error: 'Access denied, invalid server public key' },
  ])
  expect((await enter(ben, { ...preview, sceneId: undefined }))[0]).toBe(400)
})

const scene = { realm: { serverName: 'main' }, sceneId: 'bafkpark' }
test.for([
  ['another wallet', ana, { ...explorer, ...scene }, 401, 'Access denied, invalid server public key'],
  [
    'another wallet in a preview',
    ana,
    { ...scene, realm: { serverName: 'preview' } },
    401,
    'Access denied, invalid server public key',
  ],
  ['no scene', server, { realm: { serverName: 'main' } }, 400, 'Access denied, invalid signed-fetch request, no sceneId'],
  ['no realm', server, { sceneId: 'bafkpark' }, 401, 'Access denied, invalid signed-fetch request, no realm'],
  [
    'a realm without a name',
    server,
    { realm: {}, sceneId: 'x' },
    401,
    'Access denied, invalid signed-fetch request, no realmName',
  ],
  [
    'a world that does not exist',
    server,
    { realm: { serverName: 'a.eth' }, sceneId: 'a.eth' },
    400,
    'Failed to resolve scene ID for world a.eth',
  ],
  [
    'a name that is too long',
    server,
    { ...scene, sceneId: 'x'.repeat(256) },
    400,
    'Access denied, the room name exceeds 256 characters',
  ],
  [
    'scene code',
    server,
    sceneMetadataOf('bafkpark', '10,10'),
    401,
    'Access denied, invalid signed-fetch request, scene code may not join rooms',
  ],
] as const)('%s gets no token of a server', async ([, wallet, metadata, status, error], t) => {
  const { enter } = await aTown(t)
  expect(await enter(wallet, { ...metadata })).toEqual([status, { error }])
})

test('a banned wallet is no server of a preview, and while bans are not known there is no token', async (t) => {
  const preview = { ...explorer, realm: { serverName: 'preview' }, sceneId: 'x' }
  const config = { ALLOW_LOCAL_PREVIEW: 'true' } as const
  const banned = await aTown(t, { config, bans: [aBan({ bannedAddress: ana.peer })] })
  expect(await banned.enter(ana, preview)).toEqual([403, { error: 'Access denied, platform-banned user' }])
  const away = await aTown(t, { config, broken: 'gone' })
  expect((await away.enter(ana, preview))[0]).toBe(503)
})

test('a realm without LiveKit has neither servers nor participants', async (t) => {
  const { enter, participants } = await aTown(t, {
    transport: { kind: 'ws-room', connectionString: () => 'ws-room:wss://rooms.example.org/x' },
    config: { LIVEKIT_HOST: undefined },
  })
  const answer = [501, { error: 'This realm has no LiveKit, which this needs' }]
  expect(await enter(server, { ...explorer, ...scene })).toEqual(answer)
  expect(await participants('pointer=10,10')).toEqual(answer)
})

test.for([
  ['pointer=10,11', 'scene-main:bafkpark'],
  ['pointer=10,%2010&realm_name=main', 'scene-main:bafkpark'],
  ['pointer=10,10&realm_name=Other', 'scene-Other:bafkpark'],
  [`pointer=4,4&realm_name=${WORLD}`, `world-scene-room-${WORLD}-bafkstage`],
  [`pointer=0,0&realm_name=${WORLD.toUpperCase()}`, `world-scene-room-${WORLD}-bafkstage`],
  [`realm_name=${WORLD}`, `world-${WORLD}`],
] as const)('the participants of %s are the players in the room %s', async ([query, room], t) => {
  const { livekit, participants } = await aTown(t)
  const others = ['authoritative-server', 'stream:place:1', 'watch:room:2', 'uuid-streamer']
  livekit.rooms.set(room, { identities: [ana.address, `${ben.peer}:phone`, ben.peer, ...others], metadata: '' })
  expect(await participants(query)).toEqual([200, { ok: true, data: { addresses: [ana.peer, ben.peer] } }])
})

test.for([
  ['', 400, { error: 'Either pointer or realm_name must be provided' }],
  ['pointer=&realm_name=', 400, { error: 'Either pointer or realm_name must be provided' }],
  ['realm_name=main', 400, { error: 'Either pointer with realm_name or a world realm_name must be provided' }],
  ['pointer=here', 400, { error: 'Invalid pointer' }],
  [`pointer=${'1'.repeat(33)}`, 400, { error: expect.stringMatching(/^Invalid query: pointer/) }],
  ['pointer=99,99', 404, { error: 'No scene found at 99,99' }],
  ['pointer=0,0&realm_name=nowhere.dcl.eth', 404, { error: 'No scene found at 0,0' }],
  ['pointer=10,10', 200, { ok: true, data: { addresses: [] } }],
] as const)('the query %j for participants is answered %i', async ([query, status, body], t) => {
  const { participants } = await aTown(t)
  expect(await participants(query)).toEqual([status, body])
})

test('many who ask for participants at a time cost LiveKit one request in five seconds', async (t) => {
  const { livekit, participants, clock } = await aTown(t)
  const listed = () => livekit.requests.filter((method) => method === 'ListParticipants').length
  const before = listed()
  await Promise.all(Array.from({ length: 10 }, () => participants('pointer=10,10')))
  livekit.rooms.set('scene-main:bafkpark', { identities: [ana.peer], metadata: '' })
  expect([await participants('pointer=10,10'), listed() - before]).toMatchObject([[200, { data: { addresses: [] } }], 1])
  clock.advance(5_001)
  expect(await participants('pointer=10,10')).toMatchObject([200, { data: { addresses: [ana.peer] } }])
})

test('while LiveKit or the content server does not answer, participants are an outage, which is not remembered', async (t) => {
  const { livekit, services, participants, url } = await aTown(t)
  livekit.mood = 'broken'
  const answer = await fetch(`${url}/scene-participants?pointer=10,10`)
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5'])
  livekit.mood = 'right'
  expect((await participants('pointer=10,10'))[0]).toBe(200)
  services.mood = 'broken'
  expect((await participants('pointer=11,11'))[0]).toBe(503)
})

test('an address may ask for participants sixty times at once', async (t) => {
  const { url } = await aTown(t)
  const ask = async () =>
    (await fetch(`${url}/scene-participants?realm_name=${WORLD}`, { headers: { 'x-forwarded-for': '203.0.113.7' } })).status
  for (let n = 0; n < 60; n++) expect(await ask()).toBe(200)
  expect(await ask()).toBe(429)
})

withPart('livekit', 'with a LiveKit', (binary) => {
  withPart('rtc', 'and players in its rooms', (rtc) => {
    const world = aLivekitWorld(binary, rtc)
    test('the authoritative server meets the players of the scene, and is none of the participants', {
      timeout: 60_000,
    }, async (t) => {
      const { enter, ask, participants } = await aTown(t, { config: world.config })
      const adapterOf = async (answer: Promise<[number, unknown]>) => ((await answer)[1] as { adapter: string }).adapter
      await world.join(await adapterOf(ask(ana, { realmName: 'main', sceneId: 'bafkpark' }).then(answerOf)))
      const inRoom = await world.join(await adapterOf(enter(server, { ...explorer, ...scene })))
      await vi.waitFor(() => expect(inRoom.others()).toEqual([ana.peer]))
      expect(await participants('pointer=10,10')).toEqual([200, { ok: true, data: { addresses: [ana.peer] } }])
    })
  })
})
