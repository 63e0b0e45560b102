import { describe, expect, test } from 'vitest'
import type { RoomTransport } from '../rtc/room-transport.ts'
import { at, peerId } from './core/fixtures.ts'
import { aTransport } from './fixtures.ts'
import { aStage } from './takeover.fixtures.ts'

const [A, B, C, D] = [peerId(1), peerId(2), peerId(3), peerId(4)]
const PERIOD_MS = 2_000

/** An active archipelago and a standby, with two players on one island and one on another. */
async function aCastOfTwo(options: Parameters<ReturnType<typeof aStage>['enter']>[1] = {}) {
  const stage = aStage()
  const first = await stage.enter('first', options)
  await stage.pass(5_000)
  for (const [peer, x] of [
    [A, 0],
    [B, 10],
    [C, 1_000],
  ] as const)
    stage.walk(peer, at(x))
  await stage.pass(PERIOD_MS)
  const second = await stage.enter('second', options)
  await stage.pass(5_000)
  expect(stage.heard().map(({ peer, by }) => [peer, by])).toEqual([A, B, C].map((peer) => [peer, 'first']))
  return { stage, first, second, rooms: () => [A, B, C].map((peer) => stage.roomOf(peer)) }
}

describe('a standby', () => {
  test('announces nothing while the active one lives', async () => {
    const { stage, first, second } = await aCastOfTwo()
    stage.walk(D, at(20))
    await stage.pass(60_000)
    expect(stage.heard()).toMatchObject([{ peer: D, by: 'first' }])
    expect([await first.metric('active'), await second.metric('active')]).toEqual([1, 0])
    expect(second.cell.readiness()).toEqual({ ready: true })
  })

  test('takes over within three flush periods after the active one was killed, and moves no peer', async () => {
    const { stage, first, second, rooms } = await aCastOfTwo()
    const before = rooms()
    first.kill()
    stage.walk(D, at(20))
    await stage.pass(3 * PERIOD_MS)
    expect(stage.heard()).toMatchObject([{ peer: D, room: before[0], by: 'second' }])
    await stage.pass(60_000)
    expect(stage.heard()).toEqual([])
    expect(rooms()).toEqual(before)
    expect(await second.metric('active')).toBe(1)
  })

  test('takes over at once when the active one stops', async () => {
    const { stage, first, rooms } = await aCastOfTwo()
    const before = rooms()
    await first.cell.stop()
    stage.walk(D, at(20))
    await stage.pass(PERIOD_MS / 2)
    expect(stage.heard()).toMatchObject([{ peer: D, room: before[0], by: 'second' }])
    await stage.pass(60_000)
    expect(stage.heard()).toEqual([])
    expect(rooms()).toEqual(before)
  })

  test('publishes the announcements that the previous leader did not get to', async () => {
    const never: RoomTransport = { kind: 'livekit', connectionString: () => new Promise(() => {}) }
    const stage = aStage()
    const first = await stage.enter('first', { transport: never })
    await stage.pass(5_000)
    await stage.enter('second')
    await stage.pass(1_000)
    stage.walk(A, at(0))
    await stage.pass(PERIOD_MS)
    expect(stage.heard()).toEqual([])
    first.kill()
    await stage.pass(3 * PERIOD_MS)
    expect(stage.heard()).toMatchObject([{ peer: A, by: 'second' }])
  })

  test('creates rooms with ids that no other archipelago uses', async () => {
    const { stage, first } = await aCastOfTwo()
    first.kill()
    stage.walk(D, at(-1_000))
    await stage.pass(3 * PERIOD_MS)
    expect(stage.heard()).toMatchObject([{ peer: D, room: 'island-second-1' }])
  })
})

describe('an active archipelago', () => {
  test('that was frozen publishes nothing once it wakes, is a standby, and can take over again', async () => {
    const { stage, first, second, rooms } = await aCastOfTwo()
    const before = rooms()
    first.freeze()
    await stage.pass(20_000)
    stage.walk(D, at(-1_000))
    stage.walk(A, at(500))
    await stage.pass(PERIOD_MS)
    const [moved, newcomer] = stage.heard().sort((a, b) => (a.peer < b.peer ? -1 : 1))
    expect([moved, newcomer]).toMatchObject([
      { peer: A, by: 'second' },
      { peer: D, by: 'second' },
    ])
    await first.thaw(22_000)
    await stage.pass(30_000)
    expect(stage.heard()).toEqual([])
    expect([await first.metric('active'), await second.metric('active')]).toEqual([0, 1])

    second.kill()
    await stage.pass(30_000)
    expect(stage.heard()).toEqual([])
    expect(rooms()).toEqual([moved?.room, ...before.slice(1)])
    expect(await first.metric('active')).toBe(1)
  })

  test('that was frozen while a token was minted drops the announcement', async () => {
    const waiting: (() => void)[] = []
    const slow: RoomTransport = {
      kind: 'livekit',
      connectionString: (_, room) => new Promise((resolve) => waiting.push(() => resolve(`slow:${room}`))),
    }
    const stage = aStage()
    const first = await stage.enter('first', { transport: slow })
    await stage.pass(5_000)
    const second = await stage.enter('second', { transport: aTransport() })
    stage.walk(A, at(0))
    await stage.pass(PERIOD_MS)
    first.freeze()
    await stage.pass(3 * PERIOD_MS)
    expect(stage.heard()).toMatchObject([{ peer: A, by: 'second' }])
    for (const speak of waiting) speak()
    await first.thaw(3 * PERIOD_MS)
    await stage.pass(PERIOD_MS)
    expect(stage.heard()).toEqual([])
    expect(await second.metric('active')).toBe(1)
  })

  test('that was cut off from the bus is a standby when it is back', async () => {
    const { stage, first, second, rooms } = await aCastOfTwo()
    const before = rooms()
    first.line.become('disconnected')
    await stage.pass(20_000)
    first.line.become('connected')
    await stage.pass(20_000)
    expect(stage.heard()).toEqual([])
    expect(rooms()).toEqual(before)
    expect([await first.metric('active'), await second.metric('active')]).toEqual([0, 1])
  })

  test('takes over again before any standby does when all of them lost the broker', async () => {
    const { stage, first, second, rooms } = await aCastOfTwo()
    const before = rooms()
    for (const { line } of [first, second]) line.become('disconnected')
    await stage.pass(5_000)
    for (const { line } of [first, second]) line.become('connected')
    stage.walk(D, at(20))
    await stage.pass(500)
    expect(second.cell.readiness()).toEqual({ ready: true })
    await stage.pass(1_500)
    expect(stage.heard()).toMatchObject([{ peer: D, by: 'first', room: before[0] }])
    await stage.pass(20_000)
    expect(stage.heard()).toEqual([])
    expect([await first.metric('active'), await second.metric('active')]).toEqual([1, 0])
  })

  test('is one of three, whichever of the two standbys takes over', async () => {
    const { stage, first, second } = await aCastOfTwo()
    const third = await stage.enter('third')
    await stage.pass(5_000)
    first.kill()
    await stage.pass(10_000)
    const active = [await second.metric('active'), await third.metric('active')]
    expect(active.sort()).toEqual([0, 1])
    expect(stage.heard()).toEqual([])
  })
})

describe('an archipelago that starts where there is no other', () => {
  test('requests the sessions, and restores all peers under the same ids before it announces anything', async () => {
    const { stage, first, second, rooms } = await aCastOfTwo()
    const before = rooms()
    first.kill()
    second.kill()
    await stage.pass(1_000)
    await stage.enter('heir')
    await stage.pass(60_000)
    expect(stage.heard()).toEqual([])
    expect(rooms()).toEqual(before)
    stage.walk(D, at(20))
    await stage.pass(PERIOD_MS)
    expect(stage.heard()).toMatchObject([{ peer: D, room: before[0], by: 'heir' }])
  })

  test('goes on without the connectors that do not reply', async () => {
    const { stage, first, second } = await aCastOfTwo()
    first.kill()
    second.kill()
    stage.fallSilent()
    const heir = await stage.enter('heir')
    expect(heir.cell.readiness()).toEqual({ ready: false, reason: 'waiting for the connectors to report their sessions' })
    await stage.pass(3 * PERIOD_MS)
    expect(stage.heard().map(({ peer, by }) => [peer, by])).toEqual([A, B, C].map((peer) => [peer, 'heir']))
  })

  test('announces to all peers the same rooms again if the rooms ended with the previous process', async () => {
    const { stage, first, second, rooms } = await aCastOfTwo()
    const before = rooms()
    first.kill()
    second.kill()
    await stage.enter('heir', { roomsAreNew: true })
    await stage.pass(3 * PERIOD_MS)
    expect(stage.heard()).toHaveLength(3)
    expect(rooms()).toEqual(before)
    await stage.pass(60_000)
    expect(stage.heard()).toEqual([])
  })

  test('moves only the peers for which a smaller island has no room', async () => {
    const { stage, first, second, rooms } = await aCastOfTwo()
    const before = rooms()
    first.kill()
    second.kill()
    await stage.enter('heir', { env: { LIVEKIT_ISLAND_SIZE: '1' } })
    await stage.pass(3 * PERIOD_MS)
    const heard = stage.heard()
    expect(heard).toHaveLength(1)
    expect(rooms().filter((room) => room === before[0])).toHaveLength(1)
    expect(rooms()[2]).toBe(before[2])
  })
})

describe('a player whose connection breaks', () => {
  test('keeps their place for a while: they come back to the same room, with a new announcement', async () => {
    const { stage, rooms } = await aCastOfTwo()
    const [, , alone] = rooms()
    stage.leave(C, 'dropped')
    await stage.pass(9_000)
    stage.walk(C, at(1_000))
    await stage.pass(PERIOD_MS)
    expect(stage.heard()).toMatchObject([{ peer: C, room: alone }])
  })

  test('keeps it longer if their connector drained, and over a takeover too', async () => {
    const { stage, first, rooms } = await aCastOfTwo()
    const [, , alone] = rooms()
    stage.leave(C, 'drained')
    await stage.pass(15_000)
    first.kill()
    await stage.pass(10_000)
    expect(stage.heard()).toEqual([])
    stage.walk(C, at(1_000))
    await stage.pass(PERIOD_MS)
    expect(stage.heard()).toMatchObject([{ peer: C, room: alone, by: 'second' }])
  })

  test('loses it when they do not come back, and at once when they left', async () => {
    const { stage, first, rooms } = await aCastOfTwo()
    const [, , alone] = rooms()
    stage.leave(C, 'dropped')
    await stage.pass(13_000)
    expect(await first.metric('peers')).toBe(2)
    stage.walk(C, at(1_000))
    await stage.pass(PERIOD_MS)
    const [{ room } = { room: alone }] = stage.heard()
    expect(room).not.toBe(alone)
    stage.leave(C, 'left')
    await stage.pass(100)
    expect(await first.metric('peers')).toBe(2)
  })

  test('receives no announcement while disconnected', async () => {
    const { stage } = await aCastOfTwo()
    stage.leave(A, 'dropped')
    stage.walk(B, at(500))
    await stage.pass(PERIOD_MS)
    expect(stage.heard().map(({ peer }) => peer)).toEqual([B])
  })
})
