import { afterAll, beforeAll, expect, type TestContext, test, vi } from 'vitest'
import { withPart } from '../../../testing/parts/with-part.ts'
import { signedFetch } from '../../../testing/player/signed-fetch.ts'
import { createWallet, type Wallet } from '../../../testing/player/wallet.ts'
import { ManualClock } from '../../chassis/clock.ts'
import { Refusal } from '../../chassis/errors.ts'
import { silentLog } from '../../chassis/log.ts'
import type { Database } from '../adapters/database.ts'
import { openPglite } from '../adapters/pglite.ts'
import { SqlStorage, type Storage } from '../adapters/storage.ts'
import { roomPrefixesOf, useOf } from '../core/room-names.ts'
import { aGatekeeper } from '../fixtures.ts'
import { migrate } from '../migrations/migrate.ts'
import { sceneMetadataOf, someServices } from '../upstream/fixtures.ts'
import type { ScenePlace } from '../upstream/places.ts'
import { aLivekitWorld } from './fixtures.ts'
import { RoomMetadata, type RoomMetadataOptions } from './room-metadata.ts'
import type { MetadataPart } from './room-metadata-text.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })
const SOON = { timeout: 10_000, interval: 50 }

withPart('livekit', 'the metadata of rooms, with a LiveKit', (binary) => {
  withPart('rtc', 'and players in its rooms', (rtc) => {
    const world = aLivekitWorld(binary, rtc)
    const [owner, villain, friend] = [createWallet('owner'), createWallet('villain'), createWallet('friend')]
    let scenes = 0
    let database: Database
    let storage: Storage
    beforeAll(async () => {
      database = await openPglite()
      await migrate(database, silentLog)
      storage = new SqlStorage({ query: database.query, transaction: (work) => database.transaction(work), stop: async () => {} })
    })
    afterAll(() => database.stop())

    /** Two replicas with one database, a scene of `owner`, and everyone's metadata of its room. */
    async function aScene(t: TestContext) {
      const services = await someServices()
      const [sceneId, parcel] = [`bafkscene${++scenes}`, `${scenes},0`]
      services.scenes.push({ id: sceneId, parcels: [parcel] })
      services.rights.set(`${owner.peer} ${parcel}`, 'owner')
      const clock = new ManualClock(Date.now())
      const config = { ...world.config, ...services.config }
      const replicas = [
        await aGatekeeper(t, { config, storage, clock }),
        await aGatekeeper(t, { config, storage, clock }),
      ] as const
      world.gatekeepers = replicas.map(({ url }) => url)
      world.delivery = () => ({ times: 1 })
      const decide = async (replica: number, method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, body?: object) => {
        const metadata = sceneMetadataOf(sceneId, parcel)
        const url = (replicas[replica]?.url ?? '') + path
        const request = {
          wallet: owner,
          method,
          metadata,
          ...(body && { body }),
          timestamp: clock.now(),
          format: 'current',
        } as const
        expect([path, (await signedFetch(url, request)).status]).toEqual([path, path.startsWith('/cast') ? 200 : 204])
      }
      const adapter = async (wallet: Wallet, replica = 0) => {
        const scene = { realmName: 'main', sceneId, parcel }
        const { ask } = replica === 0 ? replicas[0] : replicas[1]
        const answer = await ask(wallet, scene, { format: 'current' })
        expect(answer.status).toBe(200)
        return ((await answer.json()) as { adapter: string }).adapter
      }
      return { clock, decide, adapter }
    }
    const metadataOf = ({ roomMetadata }: { roomMetadata: string }) => JSON.parse(roomMetadata || '{}') as unknown

    test('the first participant sees who is banned, and everyone each change that any replica makes', async (t) => {
      const { decide, adapter } = await aScene(t)
      const villains = await world.join(await adapter(villain))
      await vi.waitFor(
        () => expect(metadataOf(villains)).toEqual({ bannedAddresses: [], sceneAdmins: [owner.peer], presenters: [] }),
        SOON,
      )
      const friends = await world.join(await adapter(friend, 1))
      await decide(1, 'POST', '/scene-bans', { banned_address: villain.address })
      await vi.waitFor(() => expect(villains.ended).toBe(true), SOON)
      // Written before the player was removed, so that everyone has it by then.
      await vi.waitFor(() => expect(metadataOf(friends)).toMatchObject({ bannedAddresses: [villain.peer] }), SOON)
      await decide(0, 'POST', '/scene-admin', { admin: friend.address })
      await vi.waitFor(
        () =>
          expect(metadataOf(friends)).toMatchObject({ bannedAddresses: [villain.peer], sceneAdmins: [friend.peer, owner.peer] }),
        SOON,
      )
      await decide(1, 'DELETE', '/scene-bans', { banned_address: villain.address })
      await decide(0, 'DELETE', '/scene-admin', { admin: friend.address })
      await vi.waitFor(() => expect(metadataOf(friends)).toMatchObject({ bannedAddresses: [], sceneAdmins: [owner.peer] }), SOON)
    })

    test('a room that opens has it by the token, also where no webhook arrives', async (t) => {
      const { decide, adapter } = await aScene(t)
      world.delivery = () => ({ times: 0 })
      await decide(0, 'POST', '/scene-bans', { banned_address: villain.address })
      const friends = await world.join(await adapter(friend))
      expect(metadataOf(friends)).toMatchObject({ bannedAddresses: [villain.peer], sceneAdmins: [owner.peer] })
    })

    test.for([
      ['a webhook', { times: 1 }],
      ['a look at the rooms', { times: 0 }],
    ] as const)('a room that is opened by an old token gets it by %s', async ([, delivery], t) => {
      const { decide, adapter, clock } = await aScene(t)
      const old = await adapter(friend)
      world.delivery = () => delivery
      await decide(0, 'POST', '/scene-bans', { banned_address: villain.address })
      const friends = await world.join(old)
      await vi.waitFor(() => {
        clock.advance(2_000)
        expect(metadataOf(friends)).toMatchObject({ bannedAddresses: [villain.peer] })
      }, SOON)
    })

    test.for([
      ['all webhooks', () => ({ times: 1 }), false],
      ['no webhook that a room began', (event: string) => ({ times: event === 'room_started' ? 0 : 1 }), false],
      ['a ban that was decided meanwhile', () => ({ times: 1 }), true],
    ] as const)('a LiveKit that starts anew has it again with the first participant, with %s', async ([, delivery, bans], t) => {
      const { decide, adapter, clock } = await aScene(t)
      const [friends, troll] = [await adapter(friend), createWallet('troll')]
      const witness = await world.join(await adapter(createWallet('witness')))
      await decide(0, 'POST', '/scene-bans', { banned_address: villain.address })
      await decide(1, 'POST', '/scene-admin', { admin: friend.address })
      await decide(0, 'GET', '/cast/generate-stream-link')
      // From now on the rooms are looked at every five minutes only, and the last change was a moment ago.
      clock.advance(20 * 60_000)
      await decide(1, 'PUT', `/cast/presenters/${friend.address}`)
      const expected = { bannedAddresses: [villain.peer], sceneAdmins: [friend.peer, owner.peer], presenters: [friend.peer] }
      await vi.waitFor(() => expect(metadataOf(witness)).toEqual(expected), SOON)
      await witness.leave()

      world.delivery = delivery
      await world.crash(async () => {
        if (bans) await decide(1, 'POST', '/scene-bans', { banned_address: troll.address })
        // Enough requests without an answer for it to count as away.
        for (let n = 0; n < 10; n++) {
          clock.advance(500)
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
      })
      const first = await world.join(friends)
      await vi.waitFor(() => {
        clock.advance(500)
        const bannedAddresses = bans ? [troll.peer, villain.peer] : [villain.peer]
        expect(metadataOf(first)).toEqual({ ...expected, bannedAddresses })
      }, SOON)
    })

    test('a ban that is typed in SQL is in the room within a second', async (t) => {
      const { adapter, clock } = await aScene(t)
      const friends = await world.join(await adapter(friend))
      await vi.waitFor(() => expect(metadataOf(friends)).toMatchObject({ bannedAddresses: [] }), SOON)
      const place = `place of ${scenes},0`
      await storage.database.query(
        'INSERT INTO scene_bans (place_id, banned_address, banned_by, banned_at) VALUES ($1, $2, $3, 1)',
        [place, villain.peer, 'sql'],
      )
      await vi.waitFor(() => {
        clock.advance(100)
        expect(metadataOf(friends)).toMatchObject({ bannedAddresses: [villain.peer] })
      }, SOON)
    })
  })
})

const ROOM = 'scene-main:bafk'

/** Metadata of one room, of a LiveKit in memory. */
function aRoom(options: Partial<RoomMetadataOptions> = {}) {
  const there = { name: ROOM, metadata: '', participantCount: 1 }
  const written: MetadataPart[] = []
  const clock = new ManualClock()
  const place: ScenePlace = { id: 'plaza', world: undefined, base: '0,0', positions: [], sceneId: 'bafk' }
  const prefixes = roomPrefixesOf({ SCENE_ROOM_PREFIX: 'scene-' })
  const metadata = new RoomMetadata({
    rooms: {
      rooms: async () => [{ ...there }],
      setMetadata: async (_room, text) => {
        there.metadata = text
        written.push(JSON.parse(text) as MetadataPart)
        return true
      },
    },
    useOf: (room) => useOf(room, prefixes),
    places: { placeOf: async () => place },
    readPlace: async () => ({ bannedAddresses: ['0x1'] }),
    hasBans: () => true,
    clock,
    log: silentLog,
    ...options,
  })
  return { metadata, there, written, clock }
}

test('what changes while it is written is written again, so that the last replica to write writes what is right', async () => {
  const bans = [['0x1'], ['0x1', '0x2'], ['0x1', '0x2']]
  const { metadata, written } = aRoom({ readPlace: async () => ({ bannedAddresses: bans.shift() ?? ['0x1', '0x2'] }) })
  await metadata.settle(ROOM)
  expect(written).toEqual([{ bannedAddresses: ['0x1'] }, { bannedAddresses: ['0x1', '0x2'] }])
})

test('keys of other sources are in it, and metadata that is right is not written', async () => {
  const { metadata, there, written } = aRoom()
  metadata.add(async (room) => ({ presenters: [room] }))
  there.metadata = '{"title":"Plaza"}'
  await Promise.all([metadata.settle(ROOM), metadata.settle(ROOM), metadata.settle(ROOM)])
  expect(written).toEqual([{ title: 'Plaza', bannedAddresses: ['0x1'], presenters: [ROOM] }])
  await metadata.check([{ ...there }])
  await metadata.settleIfOld(ROOM, there.metadata)
  expect(written.length).toBe(1)
  there.metadata = ''
  await metadata.check([{ ...there }])
  expect(written.length).toBe(2)
  there.metadata = ''
  await metadata.settleIfOld(ROOM, there.metadata)
  expect(written.length).toBe(3)
})

test('after a failure it is written again, later and later, without an event or a look at the rooms', async () => {
  let failures = 3
  const readPlace = vi.fn(async () => {
    if (failures-- > 0) throw new Refusal('UNAVAILABLE', 'away')
    return { bannedAddresses: ['0x1'] }
  })
  const { metadata, written, clock } = aRoom({ readPlace })
  await metadata.settle(ROOM)
  for (const [waitMs, calls] of [
    [1_500, 1],
    [1_000, 2],
    [3_500, 2],
    [3_000, 3],
    [7_500, 3],
    [5_000, 5],
  ] as const) {
    clock.advance(waitMs)
    await new Promise((resolve) => setImmediate(resolve))
    expect([waitMs, readPlace.mock.calls.length]).toEqual([waitMs, calls])
  }
  expect(written).toEqual([{ bannedAddresses: ['0x1'] }])
  clock.advance(600_000)
  expect(readPlace.mock.calls.length).toBe(5)
})

test('while the place of a scene cannot be found out, what is kept by the room is written', async () => {
  let isAway = true
  const place: ScenePlace = { id: 'plaza', world: undefined, base: '0,0', positions: [], sceneId: 'bafk' }
  const placeOf = async () => {
    if (isAway) throw new Refusal('UNAVAILABLE', 'away')
    return place
  }
  const { metadata, there, clock } = aRoom({ places: { placeOf } })
  metadata.add(async (room) => ({ presenters: [room] }))
  await metadata.settle(ROOM)
  expect(JSON.parse(there.metadata)).toEqual({ presenters: [ROOM] })
  isAway = false
  clock.advance(3_000)
  await vi.waitFor(() => expect(JSON.parse(there.metadata)).toEqual({ presenters: [ROOM], bannedAddresses: ['0x1'] }))
})

test('a list without entries is not written into a room that has none, and empties one that has some', async () => {
  const { metadata, there, written } = aRoom({ places: { placeOf: async () => undefined } })
  metadata.add(async () => ({ presenters: [] }))
  await metadata.settle(ROOM)
  expect(written).toEqual([])
  there.metadata = '{"presenters":["0x1"]}'
  await metadata.settle(ROOM)
  expect(written).toEqual([{ presenters: [] }])
})

test('a token waits for it half a second at most, and rooms of others are left alone', async () => {
  const { metadata, clock, written } = aRoom({ readPlace: () => new Promise(() => {}) })
  const waiting = metadata.forToken(ROOM, { world: undefined, sceneId: 'bafk', parcel: undefined })
  await new Promise((resolve) => setTimeout(resolve, 5))
  clock.advance(500)
  expect(await waiting).toBeUndefined()
  for (const room of ['voice-chat-private-1', 'room-of-others']) await metadata.settleSoon(room)
  expect(written).toEqual([])
})

test('nothing is asked for a token while no wallet is banned, and what was written a moment ago is known', async () => {
  const readPlace = vi.fn(async () => ({ bannedAddresses: [] }))
  const { metadata, clock } = aRoom({ hasBans: () => false, readPlace })
  const location = { world: undefined, sceneId: 'bafk', parcel: undefined }
  expect([await metadata.forToken(ROOM, location), readPlace.mock.calls.length]).toEqual([undefined, 0])
  await metadata.settle(ROOM)
  expect(await metadata.forToken(ROOM, location)).toBe('{"bannedAddresses":[]}')
  clock.advance(60_000)
  expect(await metadata.forToken(ROOM, location)).toBeUndefined()
})
