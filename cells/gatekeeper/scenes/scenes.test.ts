import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { signedFetch } from '../../../testing/player/signed-fetch.ts'
import { createWallet } from '../../../testing/player/wallet.ts'
import type { Storage } from '../adapters/storage.ts'
import { onEachDatabase } from '../database.fixtures.ts'
import { aGatekeeper } from '../fixtures.ts'
import { addressesOf, type FakeServices, sceneMetadataOf } from '../upstream/fixtures.ts'
import { aTown, MALL, owner, PARK, WORLD } from './fixtures.ts'

const [ana, ben, cem] = [createWallet('ana'), createWallet('ben'), createWallet('cem')]

const BANNED = [403, 'User is banned from this scene']
const IN = [200, undefined]
const UNAVAILABLE = 503

onEachDatabase('administration of scenes', (empty) => {
  test('a wallet that the owner bans gets no token for the scene, and every other one as before', async (t) => {
    const { call, entry } = await aTown(t, await empty())
    expect(await entry(ana)).toEqual(IN)
    expect(await call(owner, 'POST', '/scene-bans', { banned_address: ana.address })).toEqual([204, undefined])
    expect(await call(owner, 'POST', '/scene-bans', { banned_address: ana.address })).toEqual([204, undefined])
    expect([await entry(ana), await entry(ana)]).toEqual([BANNED, BANNED])
    expect([await entry(ana, { sceneId: MALL, parcel: '20,20' }), await entry(ben)]).toEqual([IN, IN])
    expect(await call(owner, 'GET', '/scene-bans')).toEqual([
      200,
      { results: [{ bannedAddress: ana.peer, name: `Ana#${ana.peer.slice(-4)}` }], total: 1, page: 1, pages: 1, limit: 100 },
    ])
    expect(await call(owner, 'DELETE', '/scene-bans', { banned_name: 'ana' })).toEqual([204, undefined])
    expect(await entry(ana)).toEqual(IN)
    expect(await call(owner, 'DELETE', '/scene-bans', { banned_address: ana.address })).toEqual([204, undefined])
  })

  test.for([
    ['the parcel of another scene', { sceneId: PARK, parcel: '20,20' }],
    ['no parcel', { sceneId: PARK }],
    ['its id in upper case', { sceneId: PARK.toUpperCase(), parcel: '20,20' }],
    ['its id in upper case, without a parcel', { sceneId: PARK.toUpperCase() }],
    ['another parcel of it', { sceneId: PARK, parcel: '10,11' }],
  ] as const)('a banned wallet does not get into the scene by naming %s', async ([, metadata], t) => {
    const { call, entry } = await aTown(t, await empty())
    await call(owner, 'POST', '/scene-bans', { banned_address: ana.address })
    expect(await entry(ana, metadata)).toEqual(BANNED)
  })

  test('a ban stays when the scene is deployed anew', async (t) => {
    const { call, entry, services, clock } = await aTown(t, await empty())
    await call(owner, 'POST', '/scene-bans', { banned_address: ana.address })
    services.scenes[0] = { id: 'bafkparknew', parcels: ['10,10', '10,11'] }
    clock.advance(60_000)
    expect(await entry(ana, { sceneId: 'bafkparknew' })).toEqual(BANNED)
    expect(await entry(ben, { sceneId: 'bafkparknew' })).toEqual(IN)
  })

  test('a refusal is stable and cheap: a client that asks again and again costs no further question to other services', async (t) => {
    const { call, entry, services } = await aTown(t, await empty())
    await entry(ben)
    expect(services.requests).toEqual([]) // of a wallet without a scene ban nothing is asked
    await call(owner, 'POST', '/scene-bans', { banned_address: ana.address })
    await entry(ana)
    // What the ban writes into the metadata of the room is read meanwhile.
    let asked = -1
    while (asked !== services.requests.length) {
      asked = services.requests.length
      await sleep(200)
    }
    for (let n = 0; n < 20; n++) expect(await entry(ana)).toEqual(BANNED)
    expect(services.requests.length).toBe(asked)
  })

  test('while other services do not answer, a wallet with a scene ban waits and every other one enters', async (t) => {
    const { call, entry, services, clock } = await aTown(t, await empty())
    await call(owner, 'POST', '/scene-bans', { banned_address: ana.address })
    clock.advance(60_001)
    services.mood = 'broken'
    expect(await entry(ana)).toEqual([UNAVAILABLE, 'Scene-ban verification is temporarily unavailable'])
    expect(await entry(ben)).toEqual(IN)
  })

  test.for(['broken', 'other shape'] as const)('services that are %s give no right', async (mood, t) => {
    const { call, services } = await aTown(t, await empty())
    services.mood = mood
    for (const [method, path, body] of [
      ['POST', '/scene-bans', { banned_address: ana.address }],
      ['DELETE', '/scene-bans', { banned_address: ana.address }],
      ['POST', '/scene-admin', { admin: ana.address }],
      ['DELETE', '/scene-admin', { admin: ana.address }],
      ['GET', '/scene-bans', undefined],
    ] as const)
      expect((await call(owner, method, path, body))[0]).toBe(UNAVAILABLE)
    services.mood = 'right'
    expect((await call(owner, 'POST', '/scene-admin', { admin: ana.address }))[0]).toBe(204) // an outage is not remembered
  })

  test('an administrator is listed with how it came to that, and may be removed', async (t) => {
    const { call, services } = await aTown(t, await empty())
    services.rights.set(`${cem.peer} 10,10`, 'updateManager')
    services.leases.push({ addresses: addressesOf(ben), plots: ['10,11'] }, { addresses: addressesOf(cem), plots: ['9,9'] })
    expect(await call(owner, 'POST', '/scene-admin', { name: 'ana' })).toEqual([204, undefined])
    const [status, list] = await call(ben, 'GET', '/scene-admin')
    const name = expect.any(String)
    expect([status, list]).toEqual([
      200,
      [
        {
          ...{ id: expect.any(String), place_id: 'place of 10,10', admin: ana.peer, added_by: owner.peer, name },
          ...{ created_at: '1700000000000', active: true, canBeRemoved: true },
        },
        { admin: owner.peer, name, canBeRemoved: false },
        { admin: cem.peer, name, canBeRemoved: false },
        { admin: ben.peer, name, canBeRemoved: false },
      ],
    ])
    expect(await call(ben, 'GET', `/scene-admin?admin=${cem.address}`)).toMatchObject([200, [{ admin: owner.peer }, {}, {}]])
    expect((await call(ana, 'DELETE', '/scene-admin', { admin: ana.address }))[0]).toBe(204)
    expect(await call(owner, 'DELETE', '/scene-admin', { admin: ana.address })).toEqual([
      400,
      { error: 'The specified admin does not exist or is already inactive' },
    ])
  })

  const sources: readonly [string, string | undefined, (services: FakeServices) => void, boolean][] = [
    ['owns the land', undefined, ({ rights }) => rights.set(`${cem.peer} 10,10`, 'owner'), true],
    ['operates the land', undefined, ({ rights }) => rights.set(`${cem.peer} 10,10`, 'operator'), true],
    ['is approved for all land of the owner', undefined, ({ rights }) => rights.set(`${cem.peer} 10,10`, 'approvedForAll'), true],
    ['owns land beside it', undefined, ({ rights }) => rights.set(`${cem.peer} 20,20`, 'owner'), false],
    ['leases the land', undefined, ({ leases }) => leases.push({ addresses: addressesOf(cem), plots: ['10,11'] }), true],
    ['leases other land', undefined, ({ leases }) => leases.push({ addresses: addressesOf(cem), plots: ['10,12'] }), false],
    ['owns the name of the world', WORLD, ({ names }) => names.set('name', cem.address), true],
    ['owns another name', WORLD, ({ names }) => names.set('other', cem.address), false],
    ['may deploy to the whole world', WORLD, ({ worlds }) => worlds.get(WORLD)?.deployment.set(cem.peer, []), true],
    ['may stream in this scene of it', WORLD, ({ worlds }) => worlds.get(WORLD)?.streaming.set(cem.peer, ['0,0']), true],
    ['may deploy to the other scene of it', WORLD, ({ worlds }) => worlds.get(WORLD)?.deployment.set(cem.peer, ['1,0']), false],
    ['has no right', undefined, () => {}, false],
    ['has no right in the world', WORLD, () => {}, false],
  ]
  test.for(sources)('a wallet that %s (%s) administers the scene or not', async ([, world, give, may], t) => {
    const { call, services } = await aTown(t, await empty())
    give(services)
    const metadata = world ? sceneMetadataOf('bafkstage', '0,0', world) : sceneMetadataOf(PARK, '10,10')
    const expected = may ? [204, undefined] : [401, { error: 'You do not have permission to ban users from this place' }]
    expect(await call(cem, 'POST', '/scene-bans', { banned_address: ana.address }, metadata)).toEqual(expected)
    expect((await call(cem, 'GET', '/scene-bans/addresses', undefined, metadata))[0]).toBe(may ? 200 : 401)
  })

  test('the administrator of one scene of a world is none of its other scene', async (t) => {
    const { call } = await aTown(t, await empty())
    const [stage, bar] = [sceneMetadataOf('bafkstage', '0,0', WORLD), sceneMetadataOf('bafkbar', '1,0', WORLD)]
    expect((await call(owner, 'POST', '/scene-admin', { admin: ana.address }, stage))[0]).toBe(204)
    expect((await call(ana, 'POST', '/scene-bans', { banned_address: ben.address }, stage))[0]).toBe(204)
    expect((await call(ana, 'POST', '/scene-bans', { banned_address: ben.address }, bar))[0]).toBe(401)
    // The parcel of its own scene beside the id of the other one.
    expect(
      (await call(ana, 'POST', '/scene-bans', { banned_address: cem.address }, sceneMetadataOf('bafkbar', '0,0', WORLD)))[0],
    ).toBe(404)
  })

  test.for([
    ['POST', '/scene-bans', { banned_address: owner.address }, 400, 'Cannot ban this address'],
    ['POST', '/scene-bans', { banned_name: 'unknown' }, 404, 'Could not find the owner of the name unknown'],
    ['POST', '/scene-admin', { admin: owner.address }, 400, 'Cannot add this address as an admin'],
    ['POST', '/scene-admin', { name: 'unknown' }, 404, 'Could not find the owner of the name unknown'],
    ['DELETE', '/scene-admin', { admin: owner.address }, 400, 'Cannot remove the user with privileges from this scene'],
  ] as const)('the owner who sends %s %s with %j is answered %i', async ([method, path, body, status, error], t) => {
    const { call } = await aTown(t, await empty())
    expect(await call(owner, method, path, body)).toEqual([status, { error }])
  })

  test.for([
    ['POST', '/scene-bans', {}],
    ['POST', '/scene-bans', { banned_address: '0x1' }],
    ['POST', '/scene-bans', { banned_address: ana.address, more: 1 }],
    ['POST', '/scene-admin', { admin: 7 }],
    ['DELETE', '/scene-admin', { admin: 'ana' }],
    ['DELETE', '/scene-bans', {}],
  ] as const)('%s %s with %j is malformed', async ([method, path, body], t) => {
    const { call } = await aTown(t, await empty())
    expect(await call(owner, method, path, body)).toMatchObject([400, { ok: false, message: 'Invalid JSON body' }])
  })

  test('a banned wallet becomes no administrator, and an administrator is not banned', async (t) => {
    const { call } = await aTown(t, await empty())
    await call(owner, 'POST', '/scene-bans', { banned_address: ana.address })
    expect(await call(owner, 'POST', '/scene-admin', { admin: ana.address })).toEqual([
      400,
      { error: 'Cannot add this address as an admin because it is banned from this scene' },
    ])
    await call(owner, 'POST', '/scene-admin', { admin: ben.address })
    expect(await call(owner, 'POST', '/scene-bans', { banned_address: ben.address })).toEqual([
      400,
      { error: 'Cannot ban this address' },
    ])
  })

  test('what is decided at one replica about a scene or a player is so at another one within a second', async (t) => {
    const storage = await empty()
    const config = { MODERATOR_TOKEN: 'moderators-token-0123' }
    const [here, there] = [await aTown(t, storage, { config }), await aTown(t, storage, { config })]
    const within = async (look: () => Promise<unknown>, seen: unknown) => {
      there.clock.advance(999)
      await vi.waitFor(async () => expect(await look()).toEqual(seen), { timeout: 10_000, interval: 50 })
    }
    await here.call(owner, 'POST', '/scene-bans', { banned_address: ana.address })
    await within(() => there.entry(ana), BANNED)
    await here.call(owner, 'DELETE', '/scene-bans', { banned_address: ana.address })
    await within(() => there.entry(ana), IN)

    const ban = () => there.call(ben, 'POST', '/scene-bans', { banned_address: cem.address }).then(([status]) => status)
    expect(await ban()).toBe(401)
    await here.call(owner, 'POST', '/scene-admin', { admin: ben.address })
    await within(ban, 204)
    await here.call(owner, 'DELETE', '/scene-admin', { admin: ben.address })
    await within(ban, 401)

    const headers = { authorization: `Bearer ${config.MODERATOR_TOKEN}` }
    const warnings = (url: string) => `${url}/users/${ana.peer}/warnings?moderator=ruth`
    await fetch(warnings(here.url), { method: 'POST', headers, body: '{"reason":"hm"}' })
    const count = async () => ((await (await fetch(warnings(there.url), { headers })).json()) as { data: unknown[] }).data.length
    await within(count, 1)
  })

  test('who decides about a scene is in the record of decisions, also a caller who has no right, or a wallet that has none', async (t) => {
    const storage = await empty()
    const { call } = await aTown(t, storage)
    await call(owner, 'POST', '/scene-admin', { admin: ben.address })
    await call(ana, 'POST', '/scene-bans', { banned_address: ben.address })
    await call(owner, 'POST', '/scene-bans', { banned_address: owner.address })
    await call(owner, 'POST', '/scene-bans', { banned_address: ben.address })
    await call(owner, 'DELETE', '/scene-admin', { admin: cem.address })
    await call(owner, 'DELETE', '/scene-bans', { banned_name: 'nobody' })
    const row = (actor: string, action: string, target: string, result: string) => ({ actor, action, target, place, result })
    const place = 'place of 10,10'
    await vi.waitFor(async () =>
      expect(
        await storage.database.query(
          'SELECT actor, action, target, place_id AS place, result FROM moderation_decisions ORDER BY action, actor, target, id',
        ),
      ).toEqual(
        [
          row(owner.peer, 'scene-admin-add', ben.peer, 'done'),
          row(owner.peer, 'scene-admin-remove', cem.peer, 'no admin'),
          row(ana.peer, 'scene-ban', ben.peer, 'refused: You do not have permission to ban users from this place'),
          row(owner.peer, 'scene-ban', ben.peer, 'is admin'),
          row(owner.peer, 'scene-ban', owner.peer, 'refused: Cannot ban this address'),
          row(owner.peer, 'scene-unban', 'nobody', 'refused: Could not find the owner of the name nobody'),
        ].sort((a, b) => ([a.action, a.actor, a.target].join() < [b.action, b.actor, b.target].join() ? -1 : 1)),
      ),
    )
  })

  test('a request that names no realm, or a scene that is not deployed, is refused', async (t) => {
    const { call } = await aTown(t, await empty())
    const ban = (metadata: Record<string, unknown>) =>
      call(owner, 'POST', '/scene-bans', { banned_address: ana.address }, metadata)
    const signer = 'decentraland-kernel-scene'
    expect(await ban({ signer, sceneId: PARK, parcel: '10,10' })).toEqual([
      401,
      { error: 'Access denied, invalid signed-fetch request, no realm' },
    ])
    expect(await ban(sceneMetadataOf('bafkgone', '99,99'))).toEqual([404, { error: 'No place found with parcel 99,99' }])
    expect((await ban(sceneMetadataOf(PARK, 'here')))[0]).toBe(204) // by its id alone
  })

  test('without a places service the base parcel names the place', async (t) => {
    const { call, entry } = await aTown(t, await empty(), { config: { PLACES_API_URL: undefined } })
    expect((await call(owner, 'POST', '/scene-bans', { banned_address: ana.address }))[0]).toBe(204)
    expect([await entry(ana), await entry(ana, { sceneId: MALL })]).toEqual([BANNED, IN])
  })

  test('a ban that another replica has written applies here within seconds', async (t) => {
    const storage = await empty()
    const { entry, clock } = await aTown(t, storage)
    await storage.database.query(
      "INSERT INTO scene_bans (place_id, banned_address, banned_by, banned_at) VALUES ('place of 10,10', $1, 'x', 1)",
      [ana.peer],
    )
    await vi.waitFor(async () => {
      clock.advance(3_600)
      expect(await entry(ana)).toEqual(BANNED)
    })
  })

  test('whatever is asked in whatever order, also at the same time, no wallet gains a right that none with one gave it', async (t) => {
    const town = await aTown(t, await empty())
    const people = [ana, ben, cem]
    const step = fc.record({
      actor: fc.nat(3),
      target: fc.nat(2),
      action: fc.constantFrom('add', 'remove', 'ban', 'unban'),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(step, { minLength: 1, maxLength: 3 }), { maxLength: 5 }), async (rounds) => {
        const { database } = await empty()
        for (const round of rounds) {
          town.clock.advance(60_000)
          const before = await adminsOf(database)
          const may = (actor: number) => actor === 3 || before.has(people[actor]?.peer ?? '')
          const answers = await Promise.all(
            round.map(({ actor, target, action }) => {
              const path = action === 'add' || action === 'remove' ? '/scene-admin' : '/scene-bans'
              const key = path === '/scene-admin' ? 'admin' : 'banned_address'
              const method = action === 'add' || action === 'ban' ? 'POST' : 'DELETE'
              return town.call(people[actor] ?? owner, method, path, { [key]: people[target]?.address })
            }),
          )
          // In a round, only who had the right before it, or was given it in it by one who had, may have been obeyed.
          const given = new Set(
            round.flatMap(({ action, target, actor }, n) =>
              action === 'add' && answers[n]?.[0] === 204 && may(actor) ? [target] : [],
            ),
          )
          const reach = closure(given, round, answers)
          round.forEach(({ actor }, n) => {
            if (answers[n]?.[0] === 204) expect(may(actor) || reach.has(actor)).toBe(true)
          })
          const after = await adminsOf(database)
          const banned = await database.query<{ a: string }>('SELECT banned_address AS a FROM scene_bans')
          for (const { a } of banned) expect(after.has(a)).toBe(false)
          for (const admin of after) expect(before.has(admin) || [...reach].some((n) => people[n]?.peer === admin)).toBe(true)
        }
      }),
      { numRuns: 25 },
    )
  })
})

/** Those who were given the right in a round, also by others who were given it in the same round. */
function closure(
  given: ReadonlySet<number>,
  round: readonly { actor: number; target: number; action: string }[],
  answers: readonly (readonly [number, unknown])[],
): Set<number> {
  const reach = new Set(given)
  for (let size = -1; size !== reach.size; ) {
    size = reach.size
    round.forEach(({ actor, target, action }, n) => {
      if (action === 'add' && answers[n]?.[0] === 204 && reach.has(actor)) reach.add(target)
    })
  }
  return reach
}

const adminsOf = async (database: Storage['database']): Promise<Set<string>> =>
  new Set((await database.query<{ admin: string }>('SELECT admin FROM scene_admin WHERE active')).map(({ admin }) => admin))

describe('without any content server', () => {
  test('scenes cannot be administered, and the answer says so', async (t) => {
    const { url, clock } = await aGatekeeper(t)
    const answer = await signedFetch(`${url}/scene-bans`, {
      wallet: owner,
      metadata: sceneMetadataOf(PARK, '10,10'),
      timestamp: clock.now(),
    })
    expect([answer.status, await answer.json()]).toEqual([
      503,
      {
        error:
          'This gatekeeper has no URL of the content server: spec.content.catalysts of its Realm, or CONTENT_URL, gives it one',
      },
    ])
  })
})
