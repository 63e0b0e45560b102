import { describe, expect, test } from 'vitest'
import type { RoomTransport } from '../rtc/room-transport.ts'
import { at, peerId } from './core/fixtures.ts'
import { aTransport } from './fixtures.ts'
import { aTestBus, walkApart } from './takeover.fixtures.ts'

const [A, B, C, D] = [peerId(1), peerId(2), peerId(3), peerId(4)]
const PERIOD_MS = 2_000

/** An active archipelago and a standby, with two players on one island and one on another. */
async function activeAndStandby(options: Parameters<ReturnType<typeof aTestBus>['start']>[1] = {}) {
  const testBus = aTestBus()
  const first = await testBus.start('first', options)
  await testBus.pass(5_000)
  walkApart(testBus)
  await testBus.pass(PERIOD_MS)
  const second = await testBus.start('second', options)
  await testBus.pass(5_000)
  expect(testBus.takeAnnouncements().map(({ peer, by }) => [peer, by])).toEqual([A, B, C].map((peer) => [peer, 'first']))
  return { testBus, first, second, rooms: () => [A, B, C].map((peer) => testBus.roomOf(peer)) }
}

describe('a standby', () => {
  test('announces nothing while the active one runs', async () => {
    const { testBus, first, second } = await activeAndStandby()
    testBus.walk(D, at(20))
    await testBus.pass(60_000)
    expect(testBus.takeAnnouncements()).toMatchObject([{ peer: D, by: 'first' }])
    expect([await first.metric('active'), await second.metric('active')]).toEqual([1, 0])
    expect(second.service.readiness()).toEqual({ ready: true })
  })

  test('takes over within three flush periods after the active one was killed, and moves no peer', async () => {
    const { testBus, first, second, rooms } = await activeAndStandby()
    const before = rooms()
    first.kill()
    testBus.walk(D, at(20))
    await testBus.pass(3 * PERIOD_MS)
    expect(testBus.takeAnnouncements()).toMatchObject([{ peer: D, room: before[0], by: 'second' }])
    await testBus.pass(60_000)
    expect(testBus.takeAnnouncements()).toEqual([])
    expect(rooms()).toEqual(before)
    expect(await second.metric('active')).toBe(1)
  })

  test('takes over at once when the active one stops', async () => {
    const { testBus, first, rooms } = await activeAndStandby()
    const before = rooms()
    await first.service.stop()
    testBus.walk(D, at(20))
    await testBus.pass(PERIOD_MS / 2)
    expect(testBus.takeAnnouncements()).toMatchObject([{ peer: D, room: before[0], by: 'second' }])
    await testBus.pass(60_000)
    expect(testBus.takeAnnouncements()).toEqual([])
    expect(rooms()).toEqual(before)
  })

  test('publishes the announcements that the previous leader did not get to', async () => {
    const never: RoomTransport = { kind: 'livekit', connectionString: () => new Promise(() => {}) }
    const testBus = aTestBus()
    const first = await testBus.start('first', { transport: never })
    await testBus.pass(5_000)
    await testBus.start('second')
    await testBus.pass(1_000)
    testBus.walk(A, at(0))
    await testBus.pass(PERIOD_MS)
    expect(testBus.takeAnnouncements()).toEqual([])
    first.kill()
    await testBus.pass(3 * PERIOD_MS)
    expect(testBus.takeAnnouncements()).toMatchObject([{ peer: A, by: 'second' }])
  })

  test('creates rooms with ids that no other archipelago uses', async () => {
    const { testBus, first } = await activeAndStandby()
    first.kill()
    testBus.walk(D, at(-1_000))
    await testBus.pass(3 * PERIOD_MS)
    expect(testBus.takeAnnouncements()).toMatchObject([{ peer: D, room: 'island-second-1' }])
  })
})

describe('an active archipelago', () => {
  test('that was frozen publishes nothing once it wakes, is a standby, and can take over again', async () => {
    const { testBus, first, second, rooms } = await activeAndStandby()
    const before = rooms()
    first.freeze()
    await testBus.pass(20_000)
    testBus.walk(D, at(-1_000))
    testBus.walk(A, at(500))
    await testBus.pass(PERIOD_MS)
    const [moved, arrived] = testBus.takeAnnouncements().sort((a, b) => (a.peer < b.peer ? -1 : 1))
    expect([moved, arrived]).toMatchObject([
      { peer: A, by: 'second' },
      { peer: D, by: 'second' },
    ])
    await first.thaw(22_000)
    await testBus.pass(30_000)
    expect(testBus.takeAnnouncements()).toEqual([])
    expect([await first.metric('active'), await second.metric('active')]).toEqual([0, 1])

    second.kill()
    await testBus.pass(30_000)
    expect(testBus.takeAnnouncements()).toEqual([])
    expect(rooms()).toEqual([moved?.room, ...before.slice(1)])
    expect(await first.metric('active')).toBe(1)
  })

  test('that was frozen while a token was minted drops the announcement', async () => {
    const waiting: (() => void)[] = []
    const slow: RoomTransport = {
      kind: 'livekit',
      connectionString: (_, room) => new Promise((resolve) => waiting.push(() => resolve(`slow:${room}`))),
    }
    const testBus = aTestBus()
    const first = await testBus.start('first', { transport: slow })
    await testBus.pass(5_000)
    const second = await testBus.start('second', { transport: aTransport() })
    testBus.walk(A, at(0))
    await testBus.pass(PERIOD_MS)
    first.freeze()
    await testBus.pass(3 * PERIOD_MS)
    expect(testBus.takeAnnouncements()).toMatchObject([{ peer: A, by: 'second' }])
    for (const mint of waiting) mint()
    await first.thaw(3 * PERIOD_MS)
    await testBus.pass(PERIOD_MS)
    expect(testBus.takeAnnouncements()).toEqual([])
    expect(await second.metric('active')).toBe(1)
  })

  test('that lost the bus is a standby after it reconnects', async () => {
    const { testBus, first, second, rooms } = await activeAndStandby()
    const before = rooms()
    first.connection.become('disconnected')
    await testBus.pass(20_000)
    first.connection.become('connected')
    await testBus.pass(20_000)
    expect(testBus.takeAnnouncements()).toEqual([])
    expect(rooms()).toEqual(before)
    expect([await first.metric('active'), await second.metric('active')]).toEqual([0, 1])
  })

  test('takes over again before any standby does when all of them lost the broker', async () => {
    const { testBus, first, second, rooms } = await activeAndStandby()
    const before = rooms()
    for (const { connection } of [first, second]) connection.become('disconnected')
    await testBus.pass(5_000)
    for (const { connection } of [first, second]) connection.become('connected')
    testBus.walk(D, at(20))
    await testBus.pass(500)
    expect(second.service.readiness()).toEqual({ ready: true })
    await testBus.pass(1_500)
    expect(testBus.takeAnnouncements()).toMatchObject([{ peer: D, by: 'first', room: before[0] }])
    await testBus.pass(20_000)
    expect(testBus.takeAnnouncements()).toEqual([])
    expect([await first.metric('active'), await second.metric('active')]).toEqual([1, 0])
  })

  test('takes over alone when there are two', async () => {
    const { testBus, first, second } = await activeAndStandby()
    const third = await testBus.start('third')
    await testBus.pass(5_000)
    first.kill()
    await testBus.pass(10_000)
    const active = [await second.metric('active'), await third.metric('active')]
    expect(active.sort()).toEqual([0, 1])
    expect(testBus.takeAnnouncements()).toEqual([])
  })
})

describe('an archipelago that starts where there is no other', () => {
  test('requests the sessions, and restores all peers under the same ids before it announces anything', async () => {
    const { testBus, first, second, rooms } = await activeAndStandby()
    const before = rooms()
    first.kill()
    second.kill()
    await testBus.pass(1_000)
    await testBus.start('successor')
    await testBus.pass(60_000)
    expect(testBus.takeAnnouncements()).toEqual([])
    expect(rooms()).toEqual(before)
    testBus.walk(D, at(20))
    await testBus.pass(PERIOD_MS)
    expect(testBus.takeAnnouncements()).toMatchObject([{ peer: D, room: before[0], by: 'successor' }])
  })

  test('continues without the connectors that do not reply', async () => {
    const { testBus, first, second } = await activeAndStandby()
    first.kill()
    second.kill()
    testBus.stopReplying()
    const successor = await testBus.start('successor')
    expect(successor.service.readiness()).toEqual({ ready: false, reason: 'waiting for the connectors to report their sessions' })
    await testBus.pass(3 * PERIOD_MS)
    expect(testBus.takeAnnouncements().map(({ peer, by }) => [peer, by])).toEqual([A, B, C].map((peer) => [peer, 'successor']))
  })

  test('announces to all peers the same rooms again if the rooms ended with the previous process', async () => {
    const { testBus, first, second, rooms } = await activeAndStandby()
    const before = rooms()
    first.kill()
    second.kill()
    await testBus.start('successor', { roomsAreNew: true })
    await testBus.pass(3 * PERIOD_MS)
    expect(testBus.takeAnnouncements()).toHaveLength(3)
    expect(rooms()).toEqual(before)
    await testBus.pass(60_000)
    expect(testBus.takeAnnouncements()).toEqual([])
  })

  test('moves only the peers for which a smaller island has no room', async () => {
    const { testBus, first, second, rooms } = await activeAndStandby()
    const before = rooms()
    first.kill()
    second.kill()
    await testBus.start('successor', { env: { LIVEKIT_ISLAND_SIZE: '1' } })
    await testBus.pass(3 * PERIOD_MS)
    const announced = testBus.takeAnnouncements()
    expect(announced).toHaveLength(1)
    expect(rooms().filter((room) => room === before[0])).toHaveLength(1)
    expect(rooms()[2]).toBe(before[2])
  })
})

describe('a player whose connection breaks', () => {
  test('keeps their place for a limited time: they return to the same room, with a new announcement', async () => {
    const { testBus, rooms } = await activeAndStandby()
    const [, , alone] = rooms()
    testBus.leave(C, 'dropped')
    await testBus.pass(9_000)
    testBus.walk(C, at(1_000))
    await testBus.pass(PERIOD_MS)
    expect(testBus.takeAnnouncements()).toMatchObject([{ peer: C, room: alone }])
  })

  test('keeps it longer if their connector drained, and over a takeover too', async () => {
    const { testBus, first, rooms } = await activeAndStandby()
    const [, , alone] = rooms()
    testBus.leave(C, 'drained')
    await testBus.pass(15_000)
    first.kill()
    await testBus.pass(10_000)
    expect(testBus.takeAnnouncements()).toEqual([])
    testBus.walk(C, at(1_000))
    await testBus.pass(PERIOD_MS)
    expect(testBus.takeAnnouncements()).toMatchObject([{ peer: C, room: alone, by: 'second' }])
  })

  test('loses it when they do not return, and at once when they left', async () => {
    const { testBus, first, rooms } = await activeAndStandby()
    const [, , alone] = rooms()
    testBus.leave(C, 'dropped')
    await testBus.pass(13_000)
    expect(await first.metric('peers')).toBe(2)
    testBus.walk(C, at(1_000))
    await testBus.pass(PERIOD_MS)
    const [{ room } = { room: alone }] = testBus.takeAnnouncements()
    expect(room).not.toBe(alone)
    testBus.leave(C, 'left')
    await testBus.pass(100)
    expect(await first.metric('peers')).toBe(2)
  })

  test('receives no announcement while disconnected', async () => {
    const { testBus } = await activeAndStandby()
    testBus.leave(A, 'dropped')
    testBus.walk(B, at(500))
    await testBus.pass(PERIOD_MS)
    expect(testBus.takeAnnouncements().map(({ peer }) => peer)).toEqual([B])
  })
})
