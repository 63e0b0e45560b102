import { expect, onTestFinished, test } from 'vitest'
import { aStats, peerId, publishers } from './fixtures.ts'

const HOUR_MS = 3_600_000
const ana = peerId(1)

test.each([
  ['forward', HOUR_MS],
  ['back', -HOUR_MS],
])('a time of day that is set %s removes no peer, island or cell, and keeps none that is silent', async (_, jumpMs) => {
  const { bus, clock, json } = await aStats({ onTestFinished })
  const cell = publishers(bus, '')
  cell.heartbeat(ana, [8, 0, 8])
  cell.islands({ id: 'I1', peers: [ana] })
  cell.discovery(clock.now(), 1)
  await bus.flush()
  clock.jump(jumpMs)
  clock.advance(2_000)
  expect(await json('/islands')).toMatchObject({ islands: [{ id: 'I1', peers: [{ id: ana }] }] })
  expect(await json('/core-status')).toEqual({ healthy: true, userCount: 1 })

  for (let seconds = 0; seconds < 90; seconds++) {
    clock.advance(1_000)
    await new Promise(setImmediate)
  }
  expect(await json('/peers')).toMatchObject({ peers: [] })
  expect(await json('/islands')).toMatchObject({ islands: [] })
  expect(await json('/core-status')).toMatchObject({ healthy: false })
})

test('an archipelago whose clock is wrong is alive as long as it reports', async (t) => {
  const { bus, clock, json } = await aStats(t)
  const cell = publishers(bus, '')
  cell.discovery(clock.now() - HOUR_MS, 3)
  expect(await json('/core-status')).toEqual({ healthy: true, userCount: 3 })
})
