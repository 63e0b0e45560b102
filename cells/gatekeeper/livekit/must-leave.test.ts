import { expect, test } from 'vitest'
import { Refusal } from '../../chassis/errors.ts'
import type { PeerId } from '../../wire/peer.ts'
import { aBan } from '../fixtures.ts'
import type { ScenePlace } from '../upstream/places.ts'
import { type Exclusions, mustLeave } from './must-leave.ts'
import type { RoomVisit } from './room-guard.ts'

const [villain, friend]: PeerId[] = [`0x${'a'.repeat(40)}`, `0x${'b'.repeat(40)}`]
const scene = { kind: 'scene', realmName: 'main', sceneId: 'bafk' } as const
const world = { kind: 'world', world: 'my.dcl.eth', sceneId: 'bafk' } as const

/** Excludes one wallet from one place. */
const exclusions = (placeOf: Exclusions['places']['placeOf'], more: Partial<Exclusions> = {}): Exclusions => ({
  bans: { against: () => undefined, hasDevices: false },
  denyList: { has: () => false },
  storage: { connectionOf: async () => undefined },
  sceneBans: { placesOf: (wallet) => new Set(wallet === villain ? ['plaza'] : []) },
  places: { placeOf },
  hosted: { mayStay: () => true },
  streams: { opens: async (room, keyId) => room === 'room' && keyId === 'valid' },
  ...more,
})
const place = (id: string): ScenePlace => ({ id, world: undefined, base: '0,0', positions: [], sceneId: 'bafk' })
const visit = (wallet: PeerId | undefined, use: RoomVisit['use']): RoomVisit => ({
  room: 'room',
  use,
  identity: wallet ?? '',
  wallet: wallet ?? '0x',
})

test('a ban from a scene closes the room of that scene, and no other room', async () => {
  const asked: unknown[] = []
  const inPlaza = exclusions(async (location) => {
    asked.push(location)
    return place('plaza')
  })
  expect(await mustLeave(visit(villain, scene), inPlaza)).toBe(true)
  expect(await mustLeave(visit(villain, world), inPlaza)).toBe(true)
  expect(asked).toEqual([
    { world: undefined, sceneId: 'bafk', parcel: undefined },
    { world: 'my.dcl.eth', sceneId: 'bafk', parcel: undefined },
  ])
  expect(await mustLeave(visit(villain, { kind: 'island' }), inPlaza)).toBe(false)
  expect(await mustLeave(visit(friend, scene), inPlaza)).toBe(false)
  expect(
    await mustLeave(
      visit(villain, scene),
      exclusions(async () => place('tower')),
    ),
  ).toBe(false)
  expect(
    await mustLeave(
      visit(villain, scene),
      exclusions(async () => undefined),
    ),
  ).toBe(false)
})

test('who streams with a key that ended, or with that of another room, has to leave, and not while that cannot be found out', async () => {
  const streamer = (keyId: string, room = 'room') => ({ ...visit(undefined, scene), wallet: undefined, room, keyId })
  const inPlaza = exclusions(async () => place('plaza'))
  expect(await mustLeave(streamer('valid'), inPlaza)).toBe(false)
  expect(await mustLeave(streamer('over'), inPlaza)).toBe(true)
  expect(await mustLeave(streamer('valid', 'other room'), inPlaza)).toBe(true)
  const opens = async () => {
    throw new Refusal('UNAVAILABLE', 'away')
  }
  expect(await mustLeave(streamer('over'), { ...inPlaza, streams: { opens } })).toBe(false)
})

test('while the place of a scene cannot be found out, no player is removed for a scene ban, and banned ones are still', async () => {
  const away = async () => {
    throw new Refusal('UNAVAILABLE', 'away')
  }
  expect(await mustLeave(visit(villain, scene), exclusions(away))).toBe(false)
  const banned = { bans: { against: () => aBan({}), hasDevices: false } }
  expect(await mustLeave(visit(villain, scene), exclusions(away, banned))).toBe(true)
  expect(await mustLeave(visit(friend, { kind: 'island' }), exclusions(away, { denyList: { has: () => true } }))).toBe(true)
})
