import { expect, type TestContext, test, vi } from 'vitest'
import { withPart } from '../../../testing/parts/with-part.ts'
import { createWallet } from '../../../testing/player/wallet.ts'
import { aBan, aGatekeeper, aStorage } from '../fixtures.ts'
import { aLivekitWorld } from './fixtures.ts'

const SECONDS = 1_000
vi.setConfig({ testTimeout: 60 * SECONDS })
const aDatabaseThatTakesAll = {
  query: async () => [],
  transaction: <Result>(work: (query: () => Promise<never[]>) => Promise<Result>) => work(async () => []),
}
const SOON = { timeout: 10 * SECONDS, interval: 50 }

withPart('livekit', 'with a LiveKit', (binary) => {
  withPart('rtc', 'and players in its rooms', (rtc) => {
    const world = aLivekitWorld(binary, rtc)
    let played = 0
    const aPlayer = () => createWallet().address.toLowerCase()
    const aRoom = (kind: string) => `${kind}-test${++played}`

    /** Two replicas with one database; `refresh` lets both look at it. */
    async function replicas(t: TestContext) {
      const one = await aGatekeeper(t, { config: world.config })
      const two = await aGatekeeper(t, { config: world.config, storage: one.storage })
      world.gatekeepers = [one.url, two.url]
      world.delivery = () => ({ times: 1 })
      const advance = (ms: number) => {
        for (const { clock } of [one, two]) clock.advance(ms)
      }
      return { one, two, storage: one.storage, advance }
    }

    test('a ban ends every room of the player, and no other one; an old token opens none for long', async (t) => {
      const { one, storage, advance } = await replicas(t)
      const [villain, friend] = [aPlayer(), aPlayer()]
      const rooms = [...['island', 'scene', 'world-scene-room'].map(aRoom), 'private-messages']
      const foreign = aRoom('room-of-others')
      const tokens = [...rooms, foreign].map((room) => world.token(villain, room))
      const visits = await Promise.all(tokens.map((token) => world.join(token)))
      const friends = await Promise.all(rooms.map((room) => world.join(world.token(friend, room))))

      storage.bans = [aBan({ bannedAddress: villain })]
      advance(700)
      await vi.waitFor(() => expect(visits.map(({ ended }) => ended)).toEqual([...rooms.map(() => true), false]), SOON)
      expect(friends.map(({ ended }) => ended)).toEqual(rooms.map(() => false))

      for (const token of tokens.slice(0, rooms.length)) {
        const again = await world.join(token)
        await vi.waitFor(() => expect(again.ended).toBe(true), SOON)
      }
      expect(friends.map(({ ended }) => ended)).toEqual(rooms.map(() => false))
      expect(await one.metrics.registry.metrics()).toMatch(/livekit_webhooks_total\{event="participant_joined"\} \d/)
    })

    test('a kick ends the rooms of the player and no other ones, once, and says which', async (t) => {
      const token = 'moderators-token-0123'
      const gatekeeper = await aGatekeeper(t, {
        config: { ...world.config, MODERATOR_TOKEN: token },
        storage: Object.assign(aStorage(), { database: aDatabaseThatTakesAll }),
      })
      world.gatekeepers = [gatekeeper.url]
      world.delivery = () => ({ times: 1 })
      const [loud, friend] = [aPlayer(), aPlayer()]
      const rooms = ['island', 'scene', 'world-scene-room'].map(aRoom)
      const visits = await Promise.all(rooms.map((room) => world.join(world.token(loud, room))))
      const friends = await Promise.all(rooms.map((room) => world.join(world.token(friend, room))))
      const call = async (method: string, path: string) => {
        const headers = { authorization: `Bearer ${token}` }
        const body = method === 'POST' ? { body: '{"reason":"shouting"}' } : {}
        return (await fetch(`${gatekeeper.url}/users/${loud}/${path}?moderator=ruth`, { method, headers, ...body })).json()
      }
      expect(await call('GET', 'presence')).toMatchObject({
        data: { rooms: expect.arrayContaining(rooms.map((room) => expect.objectContaining({ room }))) },
      })
      const answer = (await call('POST', 'kick')) as { data: { rooms: string[] } }
      expect(answer.data.rooms.sort()).toEqual([...rooms].sort())
      await vi.waitFor(() => expect(visits.map(({ ended }) => ended)).toEqual(rooms.map(() => true)), SOON)
      expect(friends.map(({ ended }) => ended)).toEqual(rooms.map(() => false))
      const again = await world.join(world.token(loud, rooms[0] ?? ''))
      expect((await call('GET', 'presence')) as object).toMatchObject({ data: { rooms: [{ room: rooms[0], kind: 'island' }] } })
      expect(again.ended).toBe(false)
    })

    test.for([
      ['lost', () => ({ times: 0 })],
      ['doubled', () => ({ times: 2 })],
      ['late and out of order', () => ({ times: 1, delayMs: Math.random() * 500 })],
    ] as const)('where webhooks are %s, a banned player who comes back with an old token is removed', async ([, delivery], t) => {
      const { storage, advance } = await replicas(t)
      world.delivery = delivery
      const villain = aPlayer()
      storage.bans = [aBan({ bannedAddress: villain })]
      advance(700)
      const back = await world.join(world.token(villain, aRoom('scene')))
      await vi.waitFor(() => {
        advance(1_000)
        expect(back.ended).toBe(true)
      }, SOON)
    })

    test('a ban of a device ends the rooms of the player who used it last', async (t) => {
      const { storage, advance } = await replicas(t)
      const villain = aPlayer() as `0x${string}`
      storage.connections.set(villain, { address: villain, ipAddress: undefined, deviceId: 'phone' })
      const visit = await world.join(world.token(villain, aRoom('scene')))
      storage.bans = [aBan({ bannedAddress: aPlayer(), bannedDeviceId: 'Phone' })]
      advance(700)
      await vi.waitFor(() => expect(visit.ended).toBe(true), SOON)
    })

    test.for([
      ['webhooks', { times: 1 }],
      ['no webhook', { times: 0 }],
    ] as const)('a player who lingers in the island before is removed from it, by %s', async ([, delivery], t) => {
      const { advance } = await replicas(t)
      world.delivery = () => delivery
      const [player, neighbour] = [aPlayer(), aPlayer()]
      const [before, now] = [aRoom('island'), aRoom('island')]
      const other = await world.join(world.token(neighbour, before))
      const old = await world.join(world.token(player, before))
      // LiveKit counts whole seconds.
      await new Promise((resolve) => setTimeout(resolve, 1_100))
      const current = await world.join(world.token(player, now))
      await vi.waitFor(() => {
        advance(5_000)
        expect(old.ended).toBe(true)
      }, SOON)
      expect([other.ended, current.ended]).toEqual([false, false])
    })

    test.for([
      ['no authorization', {}, 'Authorization header not found'],
      ['a token of others', { authorization: 'eyJhbGciOiJIUzI1NiJ9.e30.AAAA' }, 'Invalid webhook event'],
    ] as const)('a webhook with %s is refused', async ([, headers, error], t) => {
      const { one } = await replicas(t)
      const answer = await fetch(`${one.url}/livekit-webhook`, { method: 'POST', headers, body: '{"event":"room_started"}' })
      expect([answer.status, await answer.json()]).toEqual([400, { error }])
    })
  })
})

test('while LiveKit does not answer, the status stays 200 and says so, and players get their tokens', async (t) => {
  const { url, metrics, ask, clock } = await aGatekeeper(t)
  const status = async () => {
    const answer = await fetch(`${url}/status`)
    return [answer.status, ((await answer.json()) as { livekit: string }).livekit]
  }
  for (let sweep = 0; sweep < 8; sweep++) {
    await new Promise((resolve) => setTimeout(resolve, 30))
    clock.advance(12_500)
  }
  await vi.waitFor(async () => expect(await status()).toEqual([200, 'unreachable']))
  expect(await metrics.registry.metrics()).toContain('realm_gatekeeper_livekit_reachable 0')
  expect((await ask(createWallet(), { realmName: 'main', sceneId: 'bafk' })).status).toBe(200)
})
