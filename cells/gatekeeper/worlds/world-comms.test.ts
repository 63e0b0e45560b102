import { describe, expect, test, vi } from 'vitest'
import { createWallet } from '../../../testing/player/wallet.ts'
import { aBan, aConfig, answerOf } from '../fixtures.ts'
import { aFakeLivekit } from '../livekit/livekit-api.fixtures.ts'
import { aWorld, aWorldGatekeeper } from './fixtures.ts'

const [ana, ben, eve] = [createWallet('ana'), createWallet('ben'), createWallet('eve')]
const both = (text: string) => ({ error: text, message: text })
const room = (name: string) => ({ fixedAdapter: `ws-room:wss://here/rooms/${encodeURIComponent(name)}` })
const SCENE = '/worlds/plaza/scenes/bafkscene/comms'

test('a player enters the room of a world, and the room of one of its scenes', async (t) => {
  const { enter, metrics } = await aWorldGatekeeper(t)
  expect(await answerOf(await enter(ana))).toEqual([200, room('world:realms.plaza')])
  expect(await answerOf(await enter(ana, {}, '/gatekeeper/worlds/PLAZA/comms'))).toEqual([200, room('world:realms.plaza')])
  expect(await answerOf(await enter(ana, {}, SCENE))).toEqual([200, room('world:realms.plaza:bafkScene')])
  expect(await metrics.registry.metrics()).toContain('realm_gatekeeper_world_answers_total{outcome="granted"} 3')
})

test('two scenes of a world whose ids differ by their case only have two rooms', async (t) => {
  const { enter } = await aWorldGatekeeper(t, { worlds: [aWorld({ scenes: ['QmAb', 'Qmab', 'bafkScene'] })] })
  const enterScene = async (id: string) => answerOf(await enter(ana, {}, `/worlds/plaza/scenes/${id}/comms`))
  for (const id of ['QmAb', 'Qmab']) expect(await enterScene(id)).toEqual([200, room(`world:realms.plaza:${id}`)])
  expect((await enterScene('qmab'))[0]).toBe(404)
  expect(await enterScene('bafkscene')).toEqual([200, room('world:realms.plaza:bafkScene')])
})

test('while LiveKit does not say who is in its rooms, a player is asked to come back', async (t) => {
  const livekit = {
    LIVEKIT_HOST: 'lk.example',
    LIVEKIT_API_KEY: 'key',
    LIVEKIT_API_SECRET: 'a secret of at least thirty-two characters',
  }
  const { enter } = await aWorldGatekeeper(t, { config: livekit, transport: undefined as never, rooms: undefined })
  const answer = await enter(ana)
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5'])
})

describe('refusals come in the order of upstream', () => {
  const closed = { access: { type: 'Allowlist' as const, wallets: [ben.peer] }, capacity: 1 }

  test('a ban before the deny list, that before an unknown world, that before access', async (t) => {
    const { enter } = await aWorldGatekeeper(t, { worlds: [aWorld(closed)], bans: [aBan({ bannedAddress: eve.peer })] })
    expect(await answerOf(await enter(eve, {}, '/worlds/nowhere/comms'))).toEqual([
      401,
      both('Access denied, platform-banned user.'),
    ])
    expect(await answerOf(await enter(ana, {}, '/worlds/nowhere/comms'))).toEqual([
      404,
      both('World "nowhere" is invalid or blocked.'),
    ])
    expect(await answerOf(await enter(ana, {}, '/worlds/plaza/scenes/none/comms'))).toEqual([
      401,
      both('You are not allowed to access world "plaza".'),
    ])
  })

  test('a missing scene before a full world', async (t) => {
    const { enter, rooms } = await aWorldGatekeeper(t, { worlds: [aWorld(closed)] })
    rooms.inRooms.set('world:realms.plaza', [eve.peer])
    expect(await answerOf(await enter(ben, {}, '/worlds/plaza/scenes/none/comms'))).toEqual([
      404,
      both('Scene "none" not found in world "plaza".'),
    ])
    const full = await enter(ben)
    expect([full.status, full.headers.get('retry-after'), await full.json()]).toEqual([
      503,
      '5',
      both('World "plaza" has reached its maximum capacity.'),
    ])
  })

  test('scene code, and requests that are not signed', async (t) => {
    const { enter, url } = await aWorldGatekeeper(t)
    expect((await enter(ana, { signer: 'decentraland-kernel-scene' })).status).toBe(400)
    expect((await fetch(`${url}/worlds/plaza/comms`, { method: 'POST' })).status).toBe(401)
  })

  test('while the bans are not known, every player is asked to come back', async (t) => {
    const { enter } = await aWorldGatekeeper(t, { broken: 'gone' })
    const answer = await enter(ana)
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5'])
  })
})

describe('capacity', () => {
  test('counts the players in all rooms of the world, and those who were just let in; who is in may come back', async (t) => {
    const { enter, rooms, clock } = await aWorldGatekeeper(t, { worlds: [aWorld({ capacity: 2 })] })
    rooms.inRooms.set('world:realms.plaza:bafkScene', [ana.peer])
    expect((await enter(ben)).status).toBe(200)
    expect((await enter(eve)).status).toBe(503)
    expect((await enter(ana)).status).toBe(200)
    expect((await enter(ben)).status).toBe(200)
    // Neither came.
    clock.advance(16_000)
    rooms.inRooms.clear()
    expect((await enter(eve)).status).toBe(200)
  })

  test('holds for players who come at the same moment', async (t) => {
    const { enter } = await aWorldGatekeeper(t, { worlds: [aWorld({ capacity: 2 })] })
    const answers = await Promise.all([ana, ben, eve].map((wallet) => enter(wallet)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 503])
  })
})

describe('a shared secret', () => {
  const secret = { access: { type: 'SharedSecret' as const, key: 'plaza' } }
  const outside = { headers: { 'x-forwarded-for': '203.0.113.7' } }
  const worldSecretOf = (key: string) => (key === 'plaza' ? 'Open Sesame' : undefined)
  const given = { worlds: [aWorld(secret)], worldSecretOf }

  test('opens the world to those who know it; a missing one is 403 too, and no try', async (t) => {
    const { enter } = await aWorldGatekeeper(t, given)
    const no = [403, both('You are not allowed to access world "plaza".')]
    for (let n = 0; n < 10; n++) expect((await enter(ana, { secret: '__missing_secret__' }, undefined, outside)).status).toBe(403)
    expect(await answerOf(await enter(ana, {}, undefined, outside))).toEqual(no)
    expect(await answerOf(await enter(ana, { secret: 'open sesame' }, undefined, { ...outside, format: 'current' }))).toEqual(no)
    expect((await enter(ana, { secret: 'Open Sesame' }, undefined, { ...outside, format: 'current' })).status).toBe(200)
    // A legacy signature covers no case.
    expect((await enter(ana, { secret: 'Open Sesame' }, undefined, { ...outside, format: 'legacy' })).status).toBe(200)
  })

  test('cannot be guessed: after three wrong ones the client waits, with whatever wallet, and others do not', async (t) => {
    const { enter, clock } = await aWorldGatekeeper(t, given)
    for (const wallet of [ana, ben, eve]) expect((await enter(wallet, { secret: 'x' }, undefined, outside)).status).toBe(403)
    const limited = await enter(createWallet(), { secret: 'Open Sesame' }, undefined, outside)
    expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '20'])
    expect(((await limited.json()) as { error: string }).error).toMatch(/^Too many/)
    const other = { headers: { 'x-forwarded-for': '203.0.113.8' } }
    expect((await enter(ana, { secret: 'Open Sesame' }, undefined, other)).status).toBe(200)
    clock.advance(20_000)
    expect((await enter(ana, { secret: 'Open Sesame' }, undefined, outside)).status).toBe(200)
    // Who knows it starts anew.
    for (let n = 0; n < 3; n++) expect((await enter(ana, { secret: 'x' }, undefined, outside)).status).toBe(403)
  })

  test.for([
    ['that the gatekeeper has not', { worldSecretOf: (): string | undefined => undefined }],
    ['that is empty', { worldSecretOf: (): string | undefined => '' }],
    ['of no key', { worlds: [aWorld({ access: { type: 'SharedSecret' as const, key: undefined } })] }],
  ] as const)('%s lets no player in', async ([, changes], t) => {
    const { enter } = await aWorldGatekeeper(t, { ...given, ...(changes as object) })
    for (const text of ['', 'undefined', 'Open Sesame']) expect((await enter(ana, { secret: text })).status).toBe(403)
  })

  test('is asked for rooms of scenes too, unless the player is in the world already', async (t) => {
    const { ask, enter, rooms, clock } = await aWorldGatekeeper(t, given)
    const scene = { realmName: 'plaza', sceneId: 'plaza' }
    expect((await ask(eve, scene)).status).toBe(401)
    expect((await ask(ana, { ...scene, secret: 'Open Sesame' })).status).toBe(200)
    expect((await enter(ben, { secret: 'Open Sesame' })).status).toBe(200)
    expect((await ask(ben, scene)).status).toBe(200)
    rooms.inRooms.set('world:realms.plaza', [eve.peer])
    clock.advance(1_000)
    expect((await ask(eve, scene)).status).toBe(200)
  })
})

test('the list of worlds is read again as it changes: new worlds open, closed ones end, and who is off a list leaves', async (t) => {
  const { enter, rooms, worldsFile, clock } = await aWorldGatekeeper(t)
  const soon = (check: () => void | Promise<void>) =>
    vi.waitFor(async () => {
      clock.advance(1_200)
      await check()
    })
  rooms.inRooms.set('world:realms.plaza', [ana.peer, ben.peer])
  worldsFile.write(
    aWorld({ access: { type: 'Allowlist', wallets: [ben.peer] } }),
    aWorld({ name: 'attic', room: 'world:realms.attic' }),
  )
  await soon(() => expect(rooms.removed).toEqual([[ana.peer, 'world:realms.plaza']]))
  expect((await enter(ana)).status).toBe(401)
  expect((await enter(ana, {}, '/worlds/attic/comms')).status).toBe(200)
  worldsFile.write(aWorld({ name: 'attic', room: 'world:realms.attic' }))
  await soon(() => expect(rooms.removed).toContainEqual([ben.peer, 'world:realms.plaza']))
  expect((await enter(ben)).status).toBe(404)
  // A file that cannot be read changes nothing.
  worldsFile.write({ name: 'broken' } as never)
  clock.advance(3_000)
  await soon(async () => expect((await enter(ana, {}, '/worlds/attic/comms')).status).toBe(200))
})

test('everyone may ask how many players are in worlds, and not who', async (t) => {
  const { url, rooms } = await aWorldGatekeeper(t, { worlds: [aWorld(), aWorld({ name: 'attic', room: 'world:realms.attic' })] })
  rooms.inRooms.set('world:realms.plaza', [ana.peer, ben.peer])
  expect(await (await fetch(`${url}/live-data`)).json()).toMatchObject({
    data: {
      totalUsers: 2,
      perWorld: [
        { worldName: 'plaza', users: 2 },
        { worldName: 'attic', users: 0 },
      ],
    },
  })
})

test('the scene of a world of another gatekeeper is a scene of the land', async (t) => {
  const { ask } = await aWorldGatekeeper(t, { worlds: [aWorld({ access: { type: 'Allowlist', wallets: [] } })] })
  expect((await ask(ana, { realmName: 'elsewhere', sceneId: 'bafk' })).status).toBe(200)
  expect((await ask(ana, { realmName: 'PLAZA', sceneId: 'bafk' })).status).toBe(401)
})

test('the rooms of a world that is gone end, also where LiveKit was away then, and not those of others or of a world that is back', async (t) => {
  const livekit = await aFakeLivekit()
  const { LIVEKIT_HOST, LIVEKIT_API_KEY, LIVEKIT_API_SECRET } = aConfig()
  const config = { LIVEKIT_HOST, LIVEKIT_API_KEY, LIVEKIT_API_SECRET, ...livekit.config }
  const [plaza, attic] = [aWorld(), aWorld({ name: 'attic', room: 'world:realms.attic' })]
  const { worldsFile, clock, enter } = await aWorldGatekeeper(t, {
    ...{ worlds: [plaza, attic], config, transport: undefined as never, rooms: undefined },
  })
  for (const name of [plaza.room, `${plaza.room}:bafkScene`, attic.room, 'world:realms.of-another-gatekeeper'])
    livekit.rooms.set(name, { identities: [ana.peer], metadata: '' })
  const soon = (check: () => void | Promise<void>) =>
    vi.waitFor(
      async () => {
        clock.advance(1_200)
        await check()
      },
      { timeout: 20_000, interval: 20 },
    )
  const askedFor = (method: string) => livekit.requests.filter((one) => one === method).length
  livekit.mood = 'broken'
  worldsFile.write()
  await soon(() => expect(askedFor('DeleteRoom')).toBeGreaterThan(0))
  worldsFile.write(attic)
  await soon(async () => expect((await enter(ana, {}, '/worlds/attic/comms')).status).toBe(503))
  livekit.mood = 'right'
  await soon(() => expect([...livekit.rooms.keys()]).toEqual([attic.room, 'world:realms.of-another-gatekeeper']))
})
