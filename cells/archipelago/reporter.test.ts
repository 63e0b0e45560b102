import { expect, test } from 'vitest'
import { ManualClock } from '../chassis/clock.ts'
import { Metrics } from '../chassis/metrics.ts'
import { partOf } from '../wire/extension-fields.ts'
import { busPayloads } from '../wire/packets.ts'
import { subjects } from '../wire/subjects.ts'
import { at, crowd, peerId, someIslands } from './core/fixtures.ts'
import { archipelagoMetrics } from './metrics.ts'
import { Reporter } from './reporter.ts'

const NOTHING = () => 0
const READINGS = { peers: NOTHING, islands: NOTHING, due: NOTHING, away: NOTHING, dirty: NOTHING, termAt: NOTHING }

/** A reporter of islands with `peers` in groups of a hundred, and what it published. */
function aReporter(peers: number) {
  const islands = someIslands()
  for (let n = 0; n < peers; n += 100) crowd(islands, n, Math.min(100, peers - n), at(n * 10))
  islands.flush()
  const clock = new ManualClock()
  const published: Uint8Array[] = []
  const metrics = archipelagoMetrics(new Metrics('archipelago'), { ...READINGS, isActive: () => true, busConnected: () => true })
  const publish = (_: string, ...pieces: readonly Uint8Array[]) => published.push(Buffer.concat(pieces)) > 0
  const reporter = new Reporter({ islands, clock, metrics, publish, subjects: subjects(''), maxPeersPerIsland: 100 })
  /** Peers reported since the last call. */
  const reported = () =>
    published.splice(0).flatMap((payload) => busPayloads.decodeIslands(payload)?.data.flatMap((one) => one.peers) ?? [])
  return { islands, clock, published, reporter, reported }
}

test('a small report is published at once, in one message, also without any peer', () => {
  for (const peers of [0, 5_000]) {
    const { reporter, published, reported } = aReporter(peers)
    reporter.report()
    expect(published).toHaveLength(1)
    expect(reported()).toHaveLength(peers)
  }
})

test('a large report is encoded in slices and published only when it is complete', () => {
  const { reporter, clock, published, reported } = aReporter(25_000)
  reporter.report()
  expect(published).toHaveLength(0)
  clock.advance(0)
  expect(published.map(partOf)).toEqual([
    { message: 1, index: 0, count: 2 },
    { message: 1, index: 1, count: 2 },
  ])
  for (const { length } of published) expect(length).toBeLessThan(950_000)
  expect(new Set(reported()).size).toBe(25_000)
})

test('a report that is incomplete at the next flush is completed first', () => {
  const { reporter, clock, published } = aReporter(25_000)
  reporter.report()
  reporter.finish()
  expect(published).toHaveLength(2)
  clock.advance(1_000)
  expect(published).toHaveLength(2)
})

test('a stopped reporter publishes nothing more', () => {
  const { reporter, clock, published } = aReporter(25_000)
  reporter.report()
  reporter.stop()
  clock.advance(1_000)
  expect(published).toHaveLength(0)
})

test('a change while a report is encoded is in the next one', () => {
  const { reporter, islands, clock, reported } = aReporter(25_000)
  reporter.report()
  islands.upsert(peerId(30_000), at(-5_000))
  islands.remove(peerId(0))
  reporter.markChanged()
  clock.advance(0)
  reported()
  islands.flush()
  reporter.report()
  clock.advance(0)
  const now = new Set(reported())
  expect([now.size, now.has(peerId(30_000)), now.has(peerId(0))]).toEqual([25_000, true, false])
})
