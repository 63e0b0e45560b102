import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { createWallet } from '../../../testing/player/wallet.ts'
import { ManualClock } from '../../chassis/clock.ts'
import { silentLog } from '../../chassis/log.ts'
import { onEachDatabase } from '../database.fixtures.ts'
import { Decisions } from '../decisions.ts'
import { sendWebhook } from '../livekit/livekit-api.fixtures.ts'
import { addressesOf, sceneMetadataOf } from '../upstream/fixtures.ts'
import { aStage, banFromPlatform, inPark, owner, PARK, preview, ROOM, WORLD } from './fixtures.ts'
import { StreamRecords } from './stream-records.ts'

const [ana, ben, cem] = [createWallet('ana'), createWallet('ben'), createWallet('cem')]
const PATH = '/scene-stream-access'
const [HOUR, DAY] = [3_600_000, 86_400_000]
const T0 = 1_700_000_000_000
const NO_KEY = [404, { error: 'No active streaming access found for place' }]
const keyed = (key: string, from = T0) => [
  200,
  { streaming_url: 'rtmp://ingress/live', streaming_key: key, created_at: from, ends_at: from + 4 * DAY },
]

/** A busy machine takes a while. */
const soon = (check: () => void | Promise<void>) => vi.waitFor(check, { timeout: 20_000, interval: 20 })

onEachDatabase('keys of streams', (empty) => {
  test('an owner gets one key, which stays until it is replaced or ended, and its RTMP endpoint with it', async (t) => {
    const { call, livekit } = await aStage(t, await empty())
    const keys = () => livekit.ingresses.map(({ streamKey }) => streamKey)
    expect(await call(owner, 'GET', PATH)).toEqual(NO_KEY)
    expect(await call(owner, 'POST', PATH)).toEqual(keyed('key1'))
    expect(livekit.ingresses).toMatchObject([
      { roomName: ROOM, participantIdentity: expect.stringMatching(/^[0-9a-f-]{36}-streamer$/) },
    ])
    expect([await call(owner, 'POST', PATH), await call(owner, 'GET', PATH)]).toEqual([keyed('key1'), keyed('key1')])
    expect(await call(owner, 'PUT', PATH)).toEqual(keyed('key2'))
    expect(await call(owner, 'GET', PATH)).toEqual(keyed('key2'))
    await soon(() => expect(keys()).toEqual(['key2']))
    expect(await call(owner, 'DELETE', PATH)).toEqual([204, undefined])
    await soon(() => expect(keys()).toEqual([]))
    expect([await call(owner, 'GET', PATH), await call(owner, 'PUT', PATH), await call(owner, 'DELETE', PATH)]).toEqual([
      NO_KEY,
      NO_KEY,
      NO_KEY,
    ])
  })

  test('who may not administer the scene, names none, or is banned gets no key', async (t) => {
    const { call, database, clock } = await aStage(t, await empty())
    const [signer, realm] = [inPark.signer, inPark.realm]
    for (const method of ['GET', 'POST', 'PUT', 'DELETE'] as const) {
      const ask = (metadata: Record<string, unknown>, wallet = owner) => call(wallet, method, PATH, { metadata })
      expect(await ask(inPark, ana)).toEqual([401, { error: 'Access denied, you are not authorized to access this scene' }])
      expect(await ask({ signer, realm })).toEqual([400, { error: 'Access denied, invalid signed-fetch request, no sceneId' }])
      expect(await ask({ signer, sceneId: PARK })).toEqual([
        401,
        { error: 'Access denied, invalid signed-fetch request, no realm' },
      ])
      expect((await ask(sceneMetadataOf('bafkgone', '99,99')))[0]).toBe(404)
      expect((await ask(preview))[0]).toBe(404)
    }
    await call(owner, 'POST', PATH)
    await banFromPlatform(database, owner)
    await soon(async () => {
      clock.advance(700)
      for (const method of ['GET', 'POST', 'PUT'] as const)
        expect(await call(owner, method, PATH)).toEqual([403, { error: 'Access denied, platform-banned user' }])
    })
  })

  test('a LiveKit without ingress has no keys of RTMP, and says so each time', async (t) => {
    const { call, livekit, database } = await aStage(t, await empty())
    livekit.mood = 'no ingress'
    for (let n = 0; n < 7; n++)
      expect(await call(owner, 'POST', PATH)).toEqual([
        501,
        { error: 'The LiveKit of this realm has no ingress, so nothing can be streamed to it by RTMP' },
      ])
    expect(await database.query('SELECT 1 FROM stream_ingress_removals')).toEqual([])
    livekit.mood = 'right'
    expect((await call(owner, 'POST', PATH))[0]).toBe(200)
  })

  test('while LiveKit does not answer no key is made or replaced, one is ended at once, and endpoints are removed later', async (t) => {
    const { call, livekit, clock, url } = await aStage(t, await empty())
    expect(await call(owner, 'POST', PATH)).toEqual(keyed('key1'))
    livekit.mood = 'broken'
    expect((await call(owner, 'PUT', PATH))[0]).toBe(503)
    expect(await call(owner, 'GET', PATH)).toEqual(keyed('key1'))
    expect(await call(owner, 'DELETE', PATH)).toEqual([204, undefined])
    for (let n = 0; n < 5; n++) expect((await call(owner, 'POST', PATH))[0]).toBe(503)
    const asked = livekit.requests.length
    expect((await call(owner, 'POST', PATH))[0]).toBe(503)
    expect(livekit.requests.length).toBe(asked) // not asked any more
    expect((await fetch(`${url}/status`)).status).toBe(200)
    livekit.mood = 'right'
    await soon(() => {
      clock.advance(10_000)
      expect(livekit.ingresses).toEqual([])
    })
  })

  test('an RTMP endpoint whose process ended before it stored the key is found and removed', async (t) => {
    const { livekit, database, clock } = await aStage(t, await empty())
    const records = new StreamRecords(database, new Decisions(database, { clock, log: silentLog }))
    const id = '6c1f3ed6-2a4f-4f0e-9d0b-d5b5b5c1a001'
    await records.plan(id, ROOM, clock.now())
    const endpoint = {
      ingressId: 'IN_x',
      roomName: ROOM,
      participantIdentity: 'x',
      streamKey: 'x',
      url: 'x',
      state: { status: 'ENDPOINT_INACTIVE' },
    }
    livekit.ingresses.push({ ...endpoint, name: `${ROOM}-ingress-${id}` }, { ...endpoint, ingressId: 'IN_y', name: 'of others' })
    clock.advance(4 * 60_000)
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(livekit.ingresses.length).toBe(2) // it may still be on its way
    await soon(() => {
      clock.advance(61_000)
      expect(livekit.ingresses.map(({ name }) => name)).toEqual(['of others'])
    })
  })

  test('a scene that is deployed anew gets a key for its new room, and the old one ends', async (t) => {
    const { call, livekit, services, clock } = await aStage(t, await empty())
    await call(owner, 'POST', PATH)
    services.scenes[0] = { id: 'bafknew', parcels: ['10,10', '10,11'] }
    clock.advance(60_001)
    const metadata = sceneMetadataOf('bafknew', '10,10')
    expect(await call(owner, 'GET', PATH, { metadata })).toEqual(NO_KEY)
    expect(await call(owner, 'POST', PATH, { metadata })).toEqual(keyed('key2', T0 + 60_001))
    await soon(() => expect(livekit.ingresses).toMatchObject([{ roomName: 'scene-main:bafknew' }]))
  })

  test('a key is for one scene of a world, in the room of its players', async (t) => {
    const { call, livekit } = await aStage(t, await empty())
    const at = (sceneId: string, parcel: string) => ({ metadata: sceneMetadataOf(sceneId, parcel, WORLD) })
    expect((await call(owner, 'POST', PATH, at('bafkstage', '0,0')))[0]).toBe(200)
    expect(await call(owner, 'GET', PATH, at('bafkbar', '1,0'))).toEqual(NO_KEY)
    expect(livekit.ingresses).toMatchObject([{ roomName: `world-scene-room-${WORLD}-bafkstage` }])
  })

  test('two who ask for the first key at a time get the same one', async (t) => {
    const { call, livekit } = await aStage(t, await empty())
    const [one, two] = await Promise.all([call(owner, 'POST', PATH), call(owner, 'POST', PATH)])
    expect(one).toEqual(two)
    const key = (one[1] as { streaming_key: string }).streaming_key
    await soon(async () => {
      expect(await call(owner, 'GET', PATH)).toEqual(one)
      expect(livekit.ingresses.map(({ streamKey }) => streamKey)).toContain(key)
    })
  })

  test('an administrator who is removed while LiveKit makes the endpoint gets no key', async (t) => {
    const { call, livekit, database, clock } = await aStage(t, await empty())
    await call(owner, 'POST', '/scene-admin', { body: { admin: ana.address } })
    livekit.before = async (method) => {
      if (method === 'CreateIngress') await call(owner, 'DELETE', '/scene-admin', { body: { admin: ana.address } })
    }
    expect(await call(ana, 'POST', PATH)).toEqual([401, { error: 'Access denied, you are not authorized to access this scene' }])
    expect(await database.query('SELECT 1 FROM scene_stream_access')).toEqual([])
    await soon(() => {
      clock.advance(310_000)
      expect(livekit.ingresses).toEqual([])
    })
  })

  test('a key that is not used ends after four days, and a stream after four hours, at one of two replicas', async (t) => {
    const { call, livekit, clock, database, url, replica } = await aStage(t, await empty())
    await replica()
    await call(owner, 'POST', PATH)
    const ended = async (afterMs: number) => {
      clock.advance(afterMs)
      await soon(async () => {
        clock.advance(60_000)
        expect(await database.query('SELECT 1 FROM scene_stream_access WHERE active')).toEqual([])
      })
      await soon(() => expect(livekit.ingresses).toEqual([]))
    }
    clock.advance(4 * DAY - 1)
    expect((await call(owner, 'GET', PATH))[0]).toBe(200)
    clock.advance(1)
    expect(await call(owner, 'GET', PATH)).toEqual(NO_KEY)
    await ended(0)
    expect((await call(owner, 'POST', PATH))[0]).toBe(200)
    const [endpoint] = livekit.ingresses
    if (endpoint) endpoint.state = { status: 'ENDPOINT_PUBLISHING', startedAt: String(BigInt(clock.now()) * 1_000_000n) }
    const ingressInfo = { ingressId: endpoint?.ingressId, state: endpoint?.state }
    expect(await sendWebhook(url, { event: 'ingress_started', id: '1', ingressInfo })).toBe(200)
    expect(await database.query('SELECT streaming FROM scene_stream_access WHERE active')).toEqual([{ streaming: true }])
    await ended(4 * HOUR)
  })

  test('events of LiveKit that are doubled and out of order leave what the latest session says', async (t) => {
    const { database } = await aStage(t, await empty())
    const clock = new ManualClock(T0)
    const records = new StreamRecords(database, new Decisions(database, { clock, log: silentLog }))
    const started = { actor: owner.peer, authority: undefined, place: undefined, room: ROOM, url: '', key: 'k' }
    const at = (session: number) => BigInt(T0 + session) * 1_000_000n
    let n = 0
    await fc.assert(
      fc.asyncProperty(
        fc.shuffledSubarray(['began 1', 'ended 1', 'began 2', 'ended 2', 'began 2', 'ended 1'], { minLength: 1 }),
        async (events) => {
          const ingressId = `IN_${++n}`
          const id = crypto.randomUUID()
          const usable = () => false
          await records.start({ ...started, id, placeId: ingressId, ingressId }, { replaces: false, usable })
          for (const event of events) {
            const session = at(Number(event.split(' ')[1]))
            if (event.startsWith('began')) await records.sessionBegan(ingressId, session)
            else await records.sessionEnded(ingressId, session)
          }
          const latest = Math.max(...events.map((event) => Number(event.split(' ')[1])))
          expect((await records.activeOf(ingressId))?.streaming).toBe(!events.includes(`ended ${latest}` as 'ended 1'))
        },
      ),
      { numRuns: 40, seed: 7 },
    )
  })

  test('where events are lost, LiveKit is asked what is streamed, and an endpoint it lost leaves the key to browsers', async (t) => {
    const { call, livekit, clock, database } = await aStage(t, await empty())
    await call(owner, 'POST', PATH)
    const [endpoint] = livekit.ingresses
    const seen = (expected: object) =>
      soon(async () => {
        clock.advance(40_000)
        expect(await database.query('SELECT streaming, ingress_id FROM scene_stream_access WHERE active')).toMatchObject([
          expected,
        ])
      })
    if (endpoint) endpoint.state = { status: 'ENDPOINT_PUBLISHING', startedAt: '1700000000000000000' }
    await seen({ streaming: true, ingress_id: 'IN_1' })
    if (endpoint) endpoint.state = { status: 'ENDPOINT_INACTIVE', startedAt: '1700000000000000000' }
    await seen({ streaming: false, ingress_id: 'IN_1' })
    livekit.ingresses = []
    await seen({ streaming: false, ingress_id: '' })
    expect((await call(owner, 'POST', PATH))[0]).toBe(200)
  })

  test.for(['platform', 'scene'] as const)('a ban from the %s of the one who made a key ends the key', async (from, t) => {
    const { call, services, livekit, clock, database } = await aStage(t, await empty())
    services.leases.push({ addresses: addressesOf(ana), plots: ['10,10'] })
    expect((await call(ana, 'POST', PATH))[0]).toBe(200)
    expect((await call(owner, 'GET', PATH))[0]).toBe(200)
    if (from === 'scene')
      expect((await call(owner, 'POST', '/scene-bans', { body: { banned_address: ana.address } }))[0]).toBe(204)
    else await banFromPlatform(database, ana)
    await soon(async () => {
      clock.advance(700)
      expect(await call(owner, 'GET', PATH)).toEqual(NO_KEY)
      expect(livekit.ingresses).toEqual([])
    })
  })

  test('services that say who owns what give no right while they do not answer', async (t) => {
    const { call, services, livekit } = await aStage(t, await empty())
    services.mood = 'broken'
    for (const method of ['GET', 'POST', 'PUT', 'DELETE'] as const) expect((await call(owner, method, PATH))[0]).toBe(503)
    expect((await call(owner, 'GET', '/cast/generate-stream-link'))[0]).toBe(503)
    expect(livekit.ingresses).toEqual([])
  })

  test('in whatever order it is asked, only administrators of the moment stream and name presenters', async (t) => {
    const { call, clock, database } = await aStage(t, await empty())
    const people = [owner, ana, ben, cem]
    const actions = ['add', 'remove', 'start', 'reset', 'end', 'link', 'present', 'presenters'] as const
    const step = fc.record({ actor: fc.nat(3), target: fc.nat({ max: 2 }), action: fc.constantFrom(...actions) })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 10 }), async (steps) => {
        for (const table of ['scene_admin', 'scene_stream_access', 'scene_presenters'])
          await database.query(`DELETE FROM ${table}`)
        const admins = new Set([owner.peer])
        for (const { actor, target, action } of steps) {
          clock.advance(61_000)
          const [who, whom] = [people[actor] ?? owner, people[target + 1] ?? ana]
          const admin = { body: { admin: whom.address } }
          const [status] = await {
            add: () => call(who, 'POST', '/scene-admin', admin),
            remove: () => call(who, 'DELETE', '/scene-admin', admin),
            start: () => call(who, 'POST', PATH),
            reset: () => call(who, 'PUT', PATH),
            end: () => call(who, 'DELETE', PATH),
            link: () => call(who, 'GET', '/cast/generate-stream-link'),
            present: () => call(who, 'PUT', `/cast/presenters/${whom.address}`),
            presenters: () => call(who, 'GET', '/cast/presenters'),
          }[action]()
          if (!admins.has(who.peer)) expect([401, 403, 404]).toContain(status)
          else expect([200, 204, 400, 404]).toContain(status)
          if (status === 204 && action === 'add') admins.add(whom.peer)
          if (status === 204 && action === 'remove') admins.delete(whom.peer)
        }
      }),
      { numRuns: 12, seed: 11 },
    )
  })
})
