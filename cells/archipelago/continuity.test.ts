import { describe, expect, test } from 'vitest'
import { type MessagePart, partOf } from '../wire/extension-fields.ts'
import { busPayloads, type IslandStatusMessage } from '../wire/packets.ts'
import { at, peerId } from './core/fixtures.ts'
import { anArchipelago, aSession, someConfig, turns } from './fixtures.ts'

const [A, B] = [peerId(1), peerId(2)]

describe('when the bus disconnects and reconnects', () => {
  test('an announcement is repeated only for peers that, according to their connector, missed it', async () => {
    const world = await anArchipelago()
    world.connect(A, aSession(1))
    world.connect(B, aSession(2))
    world.heartbeat(A, at(0))
    world.heartbeat(B, at(0))
    await world.flush()
    world.bus.become('disconnected')
    await world.flush()
    world.bus.become('connected')
    world.replyToSyncRequests([
      { peer: A, session: aSession(1), room: 'island-boot-1' },
      { peer: B, session: aSession(2), room: undefined },
    ])
    expect(await world.flush(999)).toEqual([])
    expect(await world.flush(4_000)).toMatchObject([{ peer: B, islandId: 'island-boot-1', fromIslandId: undefined }])
    expect(await world.flush()).toEqual([])
  })

  test('announcements that became due in the meantime are published after the reconnect, once', async () => {
    const world = await anArchipelago()
    world.heartbeat(A, at(0))
    await turns()
    world.bus.become('disconnected')
    expect(await world.flush(11_500)).toEqual([])
    world.bus.become('connected')
    // Half a second later a connector may not be reconnected yet.
    expect(await world.flush(500)).toEqual([])
    expect(await world.flush(5_000)).toMatchObject([{ peer: A }])
  })

  test('short interruptions of the bus cause no announcement and end no island', async () => {
    const world = await anArchipelago()
    world.heartbeat(A, at(0))
    await world.flush()
    for (let i = 0; i < 20; i++) {
      world.bus.become('disconnected')
      await world.flush(900)
      world.bus.become('connected')
      expect(await world.flush(900)).toEqual([])
    }
    await world.flush(5_000)
    world.heartbeat(B, at(10))
    expect(await world.flush()).toMatchObject([{ peer: B, islandId: 'island-boot-1' }])
  })

  test('the time in which the bus was disconnected does not count as silence of a peer', async () => {
    const world = await anArchipelago()
    world.heartbeat(A, at(0))
    await world.flush()
    world.bus.become('disconnected')
    await world.flush(600_000)
    world.bus.become('connected')
    await world.flush(50_000)
    expect(await world.metric('peers ')).toContain('realm_archipelago_peers 1')
    await world.flush(12_000)
    expect(await world.metric('peers ')).toContain('realm_archipelago_peers 0')
  })
})

test('a player who reconnected gets the room announced at once, a new player with the next flush', async () => {
  const world = await anArchipelago()
  world.connect(A, aSession(1))
  world.heartbeat(A, at(0))
  expect(await world.flush()).toMatchObject([{ peer: A, islandId: 'island-boot-1' }])
  world.connect(A, aSession(2))
  world.connect(B, aSession(3))
  world.heartbeat(B, at(0))
  expect(await world.flush(100)).toMatchObject([{ peer: A, islandId: 'island-boot-1', fromIslandId: undefined }])
  expect(await world.flush()).toMatchObject([{ peer: B, islandId: 'island-boot-1' }])
  expect(await world.flush()).toEqual([])
})

test('no peer expires in a delayed flush, because heartbeats are still unread', async () => {
  const world = await anArchipelago()
  world.heartbeat(A, at(0))
  await world.flush()
  world.clock.stall(70_000)
  world.clock.advance(2_000)
  world.heartbeat(A, at(0))
  expect(await world.flush()).toEqual([])
  expect(await world.metric('peers ')).toContain('realm_archipelago_peers 1')
})

describe('readiness', () => {
  test('an archipelago is ready while it flushes', async () => {
    const world = await anArchipelago()
    await world.flush()
    expect(world.service.readiness()).toEqual({ ready: true })
    world.clock.stall(10_001)
    expect(world.service.readiness()).toEqual({ ready: false, reason: 'no flush for 10001 ms' })
    await world.flush()
    expect(world.service.readiness()).toEqual({ ready: true })
  })

  test('it is alive without a flush for a while, and no longer after three minutes of it', async () => {
    const world = await anArchipelago()
    await world.flush()
    world.clock.stall(179_000)
    expect((await world.get('/health/live')).text).toBe('alive')
    world.clock.stall(1_001)
    expect((await world.get('/health/live')).text).toBe('{"status":"fail","output":"no flush for minutes"}')
    await world.flush()
    expect((await world.get('/health/live')).text).toBe('alive')
  })

  test('it stays ready while a broker restarts, is not ready while the bus stays away, and is ready again at once', async () => {
    const world = await anArchipelago()
    world.bus.become('disconnected')
    await world.flush(9_900)
    expect(world.service.readiness()).toEqual({ ready: true })
    await world.flush(100)
    expect(world.service.readiness()).toEqual({ ready: false, reason: 'the bus is away: the connection broke' })
    world.bus.become('connected')
    expect(world.service.readiness()).toEqual({ ready: true })
  })
})

describe('what players wait for is measured', () => {
  const sumOf = async (world: Awaited<ReturnType<typeof anArchipelago>>, name: string) =>
    (await world.metric(name)).filter((line) => /_(sum|count) /.test(line)).map((line) => line.split(' ')[1])

  test('from the heartbeat of a peer that moved to its announcement, and of no other peer', async () => {
    const world = await anArchipelago()
    world.heartbeat(A, at(0))
    // The first flush is at once; its announcement follows with the next step of the clock, half a second later.
    await world.flush(1_500)
    world.heartbeat(B, at(1_000))
    await world.flush(250)
    world.heartbeat(B, at(1_001))
    await world.flush(250)
    expect(await sumOf(world, 'island_change_seconds')).toEqual(['1', '2'])
    world.heartbeat(A, at(0))
    world.heartbeat(B, at(1_002))
    await world.flush(2_000)
    expect(await sumOf(world, 'island_change_seconds')).toEqual(['1', '2'])
  })

  test('from a disconnect to the next session of the peer, while its place is kept', async () => {
    const world = await anArchipelago()
    for (const peer of [A, B]) world.connect(peer, aSession(1))
    for (const peer of [A, B]) world.heartbeat(peer, at(0), undefined, aSession(1))
    await world.flush()
    for (const peer of [A, B]) world.disconnect(peer, aSession(1), 'dropped')
    await world.flush(3_000)
    world.connect(A, aSession(2))
    await turns()
    world.connect(A, aSession(3))
    await world.flush(60_000)
    world.connect(B, aSession(4))
    await world.flush()
    expect(await sumOf(world, 'reconnect_seconds')).toEqual(['3', '1'])
  })
})

describe('reports', () => {
  async function reported(count: number) {
    const world = await anArchipelago()
    const reports: { bytes: number; part: MessagePart | undefined; message: IslandStatusMessage | undefined }[] = []
    world.bus.subscribe(world.subjects.islands, (payload) =>
      reports.push({ bytes: payload.length, part: partOf(payload), message: busPayloads.decodeIslands(payload) }),
    )
    for (let n = 0; n < count; n++) world.heartbeat(peerId(n), at(0))
    await world.flush()
    return { world, reports, last: reports.at(-1) }
  }

  test('every flush reports all islands', async () => {
    const { last } = await reported(2)
    const data = [{ id: 'island-boot-1', peers: [peerId(0), peerId(1)], maxPeers: 100, center: at(0), radius: 0 }]
    expect(last?.message).toEqual({ data })
  })

  test('even when there are none', async () => {
    const { reports } = await reported(0)
    expect(reports.map(({ message }) => message)).toEqual([{ data: [] }, { data: [] }])
  })

  test('a report too large for the broker is published in parts', async () => {
    const { reports, world } = await reported(21_000)
    const parts = reports.filter(({ part }) => part?.message === 1).slice(-2)
    expect(parts.map(({ part }) => part)).toEqual([0, 1].map((index) => ({ message: 1, index, count: 2 })))
    for (const { bytes } of parts) expect(bytes).toBeLessThan(1_000_000)
    expect(new Set(parts.flatMap(({ message }) => message?.data.flatMap(({ peers }) => peers))).size).toBe(21_000)
    expect(await world.metric('report_parts_total')).toContain('realm_archipelago_report_parts_total 4')
  })

  test('stats receive a status message at once and then every ten seconds', async () => {
    const world = await anArchipelago({ env: { COMMIT_HASH: 'abc1234' } })
    const startedAt = world.clock.now()
    world.heartbeat(A, at(0))
    await world.flush(20_000)
    expect(world.discoveries).toEqual(
      [0, 10_000, 20_000].map((elapsed) => ({
        serverName: 'archipelago',
        status: { currentTime: startedAt + elapsed, commitHash: 'abc1234', userCount: elapsed === 0 ? 0 : 1 },
      })),
    )
  })
})

test('a stopped archipelago publishes nothing more', async () => {
  const world = await anArchipelago()
  await world.service.stop()
  world.heartbeat(A, at(0))
  expect(await world.flush(60_000)).toEqual([])
})

describe('configuration', () => {
  test.each([
    [{ ARCHIPELAGO_JOIN_DISTANCE: '80', ARCHIPELAGO_LEAVE_DISTANCE: '80' }, /LEAVE_DISTANCE: must be greater/],
    [{ ROOMS_URL: '' }, /either LIVEKIT_HOST/],
    [{ LIVEKIT_HOST: 'wss://lk', LIVEKIT_API_KEY: 'k', LIVEKIT_API_SECRET: 's' }, /either LIVEKIT_HOST/],
    [{ ROOMS_URL: 'http://rooms' }, /ROOMS_URL/],
  ])('%j is refused', (env, problem) => {
    expect(() => someConfig(env)).toThrow(problem)
  })
})
