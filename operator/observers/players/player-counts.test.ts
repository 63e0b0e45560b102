import { expect, test } from 'vitest'
import { ManualClock } from '../../../cells/chassis/clock.ts'
import type { Fetched } from '../../../cells/chassis/fetch-json.ts'
import type { ObjectKey } from '../../../crds/object.ts'
import { aRealm, site } from '../../desired/fixtures.ts'
import { createCensus } from './player-counts.ts'

const key = { namespace: 'metaverse', name: 'main' }
const cells = (...counts: (number | undefined)[]): Fetched => ({
  ok: true,
  status: 200,
  body: { cells: counts.map((userCount, slot) => ({ slot, healthy: userCount !== undefined, userCount: userCount ?? 7 })) },
})

function aCensus() {
  const clock = new ManualClock()
  const world = { answer: cells(0) as Fetched, asked: [] as string[], told: [] as ObjectKey[] }
  const fetch = async (url: string) => {
    world.asked.push(url)
    return world.answer
  }
  const census = createCensus({ statsUrlOf: site.statsUrl, clock, fetch, random: () => 0.5 })
  census.onChange((realm) => world.told.push(realm))
  const pass = async (ms = 10_000) => {
    clock.advance(ms)
    await new Promise(setImmediate)
  }
  return { clock, world, census, pass }
}

test('an attended realm is counted cell by cell, at its statistics', async () => {
  const { world, census, pass } = aCensus()
  world.answer = cells(3, 40)
  census.attend(aRealm())
  expect(census.players(key)).toBeUndefined()
  await pass()
  expect([...(census.players(key) ?? [])]).toEqual([
    [0, 3],
    [1, 40],
  ])
  expect(world.asked).toEqual(['http://main-stats.metaverse.svc.cluster.local/stats/cells'])
})

test('it is news when a crowd gets another name, not when somebody comes or goes', async () => {
  const { world, census, pass } = aCensus()
  census.attend(aRealm())
  for (const count of [120, 125, 110, 95, 300]) {
    world.answer = cells(count)
    await pass()
  }
  expect(world.told).toEqual([key, key])
  expect(census.players(key)?.get(0)).toBe(300)
})

test('what a silent cell said last counts for nothing', async () => {
  const { world, census, pass } = aCensus()
  world.answer = cells(3, undefined)
  census.attend(aRealm())
  await pass()
  expect([...(census.players(key) ?? [])]).toEqual([[0, 3]])
})

test('statistics that do not answer keep their numbers for a minute', async () => {
  const { world, census, pass } = aCensus()
  world.answer = cells(5)
  census.attend(aRealm())
  await pass()
  world.answer = { ok: false, reason: 'refused' }
  for (let i = 0; i < 5; i++) await pass()
  expect(census.players(key)?.get(0)).toBe(5)
  await pass()
  expect(census.players(key)).toBeUndefined()
  expect(world.told).toEqual([key, key])
})

test('the most there were is known to realms that scale by it, once they were counted for long enough', async () => {
  const { world, census, pass } = aCensus()
  const autoscale = { playersPerConnector: 100, connectors: { min: 1, max: 2 }, scaleDownAfterSeconds: 20 }
  census.attend(aRealm({ autoscale }))
  for (const count of [50, 7, 9]) {
    expect(census.peak(key)).toBeUndefined()
    world.answer = cells(count)
    await pass()
  }
  expect(census.peak(key)).toEqual({ bySlot: new Map([[0, 50]]), total: 50 })
  await pass()
  expect(census.peak(key)?.total).toBe(9)
  expect(census.isLost(key)).toBe(false)
  world.answer = { ok: false, reason: 'refused' }
  for (let i = 0; i < 6; i++) await pass()
  expect([census.isLost(key), census.peak(key)]).toEqual([true, undefined])
  census.attend(aRealm())
  world.answer = cells(3)
  for (let i = 0; i < 4; i++) await pass()
  expect([census.isLost(key), census.peak(key)]).toEqual([false, undefined])
})

test('nonsense is no count', async () => {
  const { world, census, pass } = aCensus()
  census.attend(aRealm())
  const bodies = [
    null,
    'x',
    { cells: 'x' },
    { cells: [null, { slot: -1, healthy: true, userCount: 1 }, { slot: 1, healthy: true }] },
  ]
  for (const body of bodies) {
    world.answer = { ok: true, status: 200, body }
    await pass()
    expect([...(census.players(key) ?? [])]).toEqual([])
  }
})

test('a forgotten realm is asked about no more, and however often attended, a realm is asked about once a period', async () => {
  const { world, census, pass } = aCensus()
  for (let i = 0; i < 5; i++) census.attend(aRealm())
  await pass()
  expect(world.asked.length).toBe(1)
  census.forget(key)
  await pass(60_000)
  expect(world.asked.length).toBe(1)
  expect(census.players(key)).toBeUndefined()
})
