import { expect, type TestContext, test } from 'vitest'
import { ManualClock } from '../../../cells/chassis/clock.ts'
import type { FetchResult } from '../../../cells/chassis/fetch-json.ts'
import { silentLog } from '../../../cells/chassis/log.ts'
import { aRealm, site } from '../../desired/realm.fixtures.ts'
import { PlayerCounts } from './player-counts.ts'

const URL = 'http://host-gatekeeper.metaverse.svc.cluster.local/live-data'

/** A world of the gatekeeper `host`. */
function aGuest(name: string, gatekeeperOf = 'host') {
  const scenes = ['urn:decentraland:entity:bafk']
  const realm = aRealm({ mode: 'World', world: { scenes, access: { type: 'Public' }, capacity: 1, gatekeeperOf } })
  return { ...realm, metadata: { ...realm.metadata, name } }
}

function aCounter(t: TestContext) {
  const clock = new ManualClock()
  const gatekeeper = { asked: [] as string[], users: {} as Record<string, number>, isAway: false }
  const fetch = async (url: string): Promise<FetchResult> => {
    gatekeeper.asked.push(url)
    if (gatekeeper.isAway) return { ok: false, reason: 'away' }
    const perWorld = Object.entries(gatekeeper.users).map(([worldName, users]) => ({ worldName, users }))
    return { ok: true, status: 200, body: { data: { totalUsers: 0, perWorld }, lastUpdated: '' } }
  }
  const counts = new PlayerCounts({ statsUrlOf: site.statsUrl, clock, log: silentLog, fetch, random: () => 0.5 })
  t.onTestFinished(() => counts.stop())
  const changes: string[] = []
  counts.onChange(({ name }) => changes.push(name))
  const pass = async (ms: number) => {
    clock.advance(ms)
    await new Promise(setImmediate)
  }
  const playersOf = (world: ReturnType<typeof aGuest>) => counts.get(world.metadata)?.bySlot?.get(0)
  return { gatekeeper, counts, changes, pass, playersOf }
}

test('the gatekeeper of a world is asked every second until it serves the world, and every ten seconds from then on', async (t) => {
  const { gatekeeper, counts, changes, pass, playersOf } = aCounter(t)
  const world = aGuest('main')
  counts.watch(world)
  for (let n = 0; n < 3; n++) await pass(1_200)
  expect([new Set(gatekeeper.asked), gatekeeper.asked.length > 1]).toEqual([new Set([URL]), true])
  expect(counts.get(world.metadata)?.bySlot?.has(0)).toBe(false)
  gatekeeper.users = { main: 3 }
  await pass(1_200)
  expect([playersOf(world), changes]).toEqual([3, ['main']])
  const before = gatekeeper.asked.length
  await pass(5_000)
  expect(gatekeeper.asked.length).toBe(before)
})

test('a gatekeeper is asked once for all of its worlds, and only worlds whose crowds changed are told', async (t) => {
  const { gatekeeper, counts, changes, pass, playersOf } = aCounter(t)
  const worlds = Array.from({ length: 1_000 }, (_, n) => aGuest(`w${n}`))
  for (const [n, world] of worlds.entries()) {
    gatekeeper.users[`w${n}`] = 1
    counts.watch(world)
  }
  await pass(1_000)
  expect([gatekeeper.asked, new Set(worlds.map(playersOf)), changes.length]).toEqual([[URL], new Set([1]), 1_000])
  gatekeeper.users.w7 = 90
  for (const world of worlds) counts.watch(world)
  await pass(10_000)
  expect([gatekeeper.asked.length, changes.slice(1_000)]).toEqual([2, ['w7']])
  await pass(10_000)
  expect(gatekeeper.asked.length).toBe(3)
})

test('a world that comes to a gatekeeper is asked about within a second, and one that goes ends nothing for the others', async (t) => {
  const { gatekeeper, counts, pass, playersOf } = aCounter(t)
  const [old, other, late] = [aGuest('old'), aGuest('other', 'elsewhere'), aGuest('late')]
  gatekeeper.users = { old: 1, other: 2, late: 3 }
  for (const world of [old, other]) counts.watch(world)
  await pass(1_000)
  expect([playersOf(old), playersOf(other)]).toEqual([1, 2])
  counts.watch(late)
  await pass(1_000)
  expect(playersOf(late)).toBe(3)
  counts.forget(old.metadata)
  expect([counts.get(old.metadata), playersOf(late)]).toEqual([undefined, 3])
  // Moved to the other gatekeeper.
  counts.watch(aGuest('late', 'elsewhere'))
  const before = gatekeeper.asked.length
  await pass(10_000)
  expect(new Set(gatekeeper.asked.slice(before))).toEqual(new Set([URL.replace('host', 'elsewhere')]))
})

test('while a gatekeeper is away its last numbers stand for a minute, and all of its worlds are told then', async (t) => {
  const { gatekeeper, counts, changes, pass, playersOf } = aCounter(t)
  const worlds = [aGuest('a'), aGuest('b')]
  gatekeeper.users = { a: 1, b: 2 }
  for (const world of worlds) counts.watch(world)
  await pass(1_000)
  gatekeeper.isAway = true
  for (let n = 0; n < 5; n++) await pass(10_000)
  expect([worlds.map(playersOf), changes.length]).toEqual([[1, 2], 2])
  await pass(10_000)
  expect(worlds.map(({ metadata }) => counts.get(metadata)?.isUnknown)).toEqual([true, true])
  expect([worlds.map(playersOf), changes.length]).toEqual([[undefined, undefined], 4])
  gatekeeper.isAway = false
  await pass(10_000)
  expect(worlds.map(playersOf)).toEqual([1, 2])
})
