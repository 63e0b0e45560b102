import { expect, test } from 'vitest'
import { ManualClock } from '../../../cells/chassis/clock.ts'
import type { FetchResult } from '../../../cells/chassis/fetch-json.ts'
import { silentLog } from '../../../cells/chassis/log.ts'
import type { ObjectKey } from '../../../crds/object.ts'
import { aRealm, site } from '../../desired/realm.fixtures.ts'
import { PlayerCounts } from './player-counts.ts'

const key = { namespace: 'metaverse', name: 'main' }
const cells = (...counts: (number | undefined)[]): FetchResult => ({
  ok: true,
  status: 200,
  body: { cells: counts.map((userCount, slot) => ({ slot, healthy: userCount !== undefined, userCount: userCount ?? 7 })) },
})

function aCounter() {
  const clock = new ManualClock()
  const world = { answer: cells(0) as FetchResult, asked: [] as string[], notified: [] as ObjectKey[] }
  const fetch = async (url: string) => {
    world.asked.push(url)
    return world.answer
  }
  const counts = new PlayerCounts({
    log: silentLog,
    statsUrlOf: site.statsUrl,
    clock,
    fetch,
    random: () => 0.5,
  })
  counts.onChange((realm) => world.notified.push(realm))
  const pass = async (ms = 10_000) => {
    clock.advance(ms)
    await new Promise(setImmediate)
  }
  return { clock, world, counts, pass }
}

test('the players of a watched realm are counted cell by cell, at its statistics', async () => {
  const { world, counts, pass } = aCounter()
  world.answer = cells(3, 40)
  counts.watch(aRealm())
  expect(counts.get(key)?.bySlot).toBeUndefined()
  await pass()
  expect([...(counts.get(key)?.bySlot ?? [])]).toEqual([
    [0, 3],
    [1, 40],
  ])
  expect(world.asked).toEqual(['http://main-stats.metaverse.svc.cluster.local/stats/cells'])
})

test('the listeners are notified when a crowd gets another size, not of each player', async () => {
  const { world, counts, pass } = aCounter()
  counts.watch(aRealm())
  for (const count of [120, 125, 110, 101, 300]) {
    world.answer = cells(count)
    await pass()
  }
  expect(world.notified).toEqual([key, key])
  expect(counts.get(key)?.bySlot?.get(0)).toBe(300)
})

test('the last number of a silent cell does not count', async () => {
  const { world, counts, pass } = aCounter()
  world.answer = cells(3, undefined)
  counts.watch(aRealm())
  await pass()
  expect([...(counts.get(key)?.bySlot ?? [])]).toEqual([[0, 3]])
})

test('the numbers of statistics that do not answer are kept for a minute', async () => {
  const { world, counts, pass } = aCounter()
  world.answer = cells(5)
  counts.watch(aRealm())
  await pass()
  world.answer = { ok: false, reason: 'refused' }
  for (let i = 0; i < 5; i++) await pass()
  expect(counts.get(key)?.bySlot?.get(0)).toBe(5)
  await pass()
  expect(counts.get(key)?.bySlot).toBeUndefined()
  expect(world.notified).toEqual([key, key])
})

test('a realm that scales by its peak has one once it was counted for long enough', async () => {
  const { world, counts, pass } = aCounter()
  const autoscale = { playersPerConnector: 100, connectors: { min: 1, max: 2 }, scaleDownAfterSeconds: 20 }
  counts.watch(aRealm({ autoscale }))
  for (const count of [50, 7, 9]) {
    expect(counts.get(key)?.peak).toBeUndefined()
    world.answer = cells(count)
    await pass()
  }
  expect(counts.get(key)?.peak).toEqual({ bySlot: new Map([[0, 50]]), total: 50 })
  await pass()
  expect(counts.get(key)?.peak?.total).toBe(9)
  expect(counts.get(key)?.isUnknown).toBe(false)
  world.answer = { ok: false, reason: 'refused' }
  for (let i = 0; i < 6; i++) await pass()
  expect([counts.get(key)?.isUnknown, counts.get(key)?.peak]).toEqual([true, undefined])
  counts.watch(aRealm())
  world.answer = cells(3)
  for (let i = 0; i < 4; i++) await pass()
  expect([counts.get(key)?.isUnknown, counts.get(key)?.peak]).toEqual([false, undefined])
})

test('an invalid answer is no count', async () => {
  const { world, counts, pass } = aCounter()
  counts.watch(aRealm())
  const bodies = [
    null,
    'x',
    { cells: 'x' },
    { cells: [null, { slot: -1, healthy: true, userCount: 1 }, { slot: 1, healthy: true }] },
  ]
  for (const body of bodies) {
    world.answer = { ok: true, status: 200, body }
    await pass()
    expect([...(counts.get(key)?.bySlot ?? [])]).toEqual([])
  }
})

test('a realm is counted once a period however often it is watched, and not after it is forgotten', async () => {
  const { world, counts, pass } = aCounter()
  for (let i = 0; i < 5; i++) counts.watch(aRealm())
  await pass()
  expect(world.asked.length).toBe(1)
  counts.forget(key)
  await pass(60_000)
  expect(world.asked.length).toBe(1)
  expect(counts.get(key)?.bySlot).toBeUndefined()
})
