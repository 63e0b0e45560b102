import { expect, test } from 'vitest'
import { ManualClock } from '../chassis/clock.ts'
import { at, peerId } from './core/fixtures.ts'
import { anArchipelago, aSession } from './fixtures.ts'
import { startFlushLoop } from './flush-loop.ts'

/** Flushes of given durations, and the time at which each began. */
function flushes(tookMs: number[]) {
  const clock = new ManualClock(0)
  const began: number[] = []
  let lateBy = 0
  const stalling = {
    now: () => clock.now() + lateBy,
    monotonic: () => clock.monotonic() + lateBy,
    after: clock.after,
  }
  const loop = startFlushLoop(stalling, 1_000, () => {
    began.push(stalling.now())
    lateBy += tookMs.shift() ?? 0
  })
  return { clock, began, loop }
}

test('flushes begin one period apart, whatever part of it each takes', () => {
  const { clock, began } = flushes([100, 900, 10])
  clock.advance(2_500)
  // The timers do not see the time that passes within a flush.
  expect(began.slice(0, 3)).toEqual([0, 1_000, 2_000])
})

test('a flush that takes longer than its period delays the next one, and leaves time for the messages in between', () => {
  const { clock, began, loop } = flushes([3_000, 0])
  clock.advance(1_500)
  expect(began).toEqual([0, 4_500])
  loop.stop()
  clock.advance(10_000)
  expect(began).toHaveLength(2)
})

test('a flush can be started at once, and the next one comes a period later', () => {
  const { clock, began, loop } = flushes([])
  clock.advance(300)
  loop.flushNow()
  clock.advance(1_200)
  expect(began).toEqual([0, 300, 1_300])
})

test('memory is bounded: peers beyond the limit are ignored, also those that only connect', async () => {
  const world = await anArchipelago({ env: { MAX_PEERS: '2' } })
  world.connect(peerId(1), aSession(1))
  world.heartbeat(peerId(2), at(0))
  world.connect(peerId(3), aSession(3))
  world.heartbeat(peerId(4), at(0))
  await world.flush()
  expect(await world.metric('peers ')).toContain('realm_archipelago_peers 2')
  expect(await world.metric('messages_ignored_total{reason="full"}')).toContain(
    'realm_archipelago_messages_ignored_total{reason="full"} 2',
  )
})

test('a crowd without changes is reported again without being encoded again', async () => {
  const world = await anArchipelago()
  const reports: Uint8Array[] = []
  world.bus.subscribe(world.subjects.islands, (payload) => reports.push(payload))
  world.heartbeat(peerId(1), at(0))
  await world.flush()
  reports.splice(0)
  world.heartbeat(peerId(1), at(0))
  await world.flush(4_000)
  expect(reports).toHaveLength(2)
  expect(Buffer.from(reports[0] ?? [])).toEqual(Buffer.from(reports[1] ?? []))
  world.heartbeat(peerId(1), at(1))
  await world.flush()
  expect(Buffer.from(reports[2] ?? [])).not.toEqual(Buffer.from(reports[0] ?? []))
})

test('the debug view shows the state of an archipelago and names no player', async () => {
  const world = await anArchipelago({ env: { BUS_SCOPE: 'ns.realm.0' } })
  for (let n = 0; n < 3; n++) world.heartbeat(peerId(n), at(n * 10))
  world.heartbeat(peerId(9), at(5_000))
  await world.flush()
  const { body, text } = await world.get('/debug')
  expect(body).toMatchObject({
    scope: 'ns.realm.0',
    bootId: 'boot',
    role: 'active',
    bus: 'connected',
    rules: { joinDistance: 64, leaveDistance: 80, islandSize: 100, flushPeriodMs: 2_000 },
    peers: { known: 4, away: 0, dirty: 0, due: 0 },
    islandCount: 2,
    islands: [
      { id: 'island-boot-1', peers: 3, center: [10, 0], radius: 10 },
      { id: 'island-boot-2', peers: 1, center: [5_000, 0], radius: 0 },
    ],
  })
  expect(text).not.toContain(peerId(9))
})
