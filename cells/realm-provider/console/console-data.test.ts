import { expect, test } from 'vitest'
import type { Condition } from '../../../crds/realm.ts'
import { MAX_TILES } from '../../wire/realm-map.ts'
import { readRealmMap } from '../adapters/map-answer.ts'
import { cellRates } from '../core/cell-rates.ts'
import { overviewOf } from '../core/overview.ts'
import { problemsOfRealm, worstFirst } from '../core/problems.ts'
import { RealmChanges } from '../core/realm-changes.ts'
import { factsOf } from '../core/realm-facts.ts'
import { POINTS, SeriesStore } from '../core/series.ts'
import { aRealm } from '../fixtures.ts'
import { aMap } from './fixtures.ts'

const condition = (type: string, status: Condition['status'], reason: string, at = '2026-01-01T00:00:00Z'): Condition => ({
  type,
  status,
  reason,
  message: 'because',
  lastTransitionTime: at,
})
const factsWith = (...conditions: Condition[]) => {
  const realm = aRealm()
  return factsOf({ ...realm, status: { ...realm.status, conditions } })
}

test('a map that a tenant wrote is read whole or not at all', () => {
  const cell = { slot: 0, healthy: true, userCount: 1, islands: 0, peers: 1, heartbeats: 1, joins: 1, leaves: 0 }
  const good = aMap({ peers: 1, tiles: [0, -1, 1], islands: [{ id: 'I', center: [0, 0], radius: 1, peers: 1 }], cells: [cell] })
  expect(readRealmMap(JSON.parse(JSON.stringify(good)))).toEqual(good)
  const wrong = [
    { tiles: [1, 2] },
    { tiles: new Array(3 * MAX_TILES + 3).fill(0) },
    { tiles: [0.5, 0, 1] },
    { tile: 0 },
    { peers: -1 },
    { dots: ['0', 0, 0] },
    { islands: [{ id: 'x'.repeat(200), center: [0, 0], radius: 1, peers: 1 }] },
    { cells: [{ ...cell, slot: 32 }] },
    { cells: new Array(33).fill(cell) },
    { instance: 7 },
  ]
  for (const each of wrong) expect(readRealmMap({ ...good, ...each }), JSON.stringify(each).slice(0, 60)).toBeUndefined()
  for (const body of [undefined, null, [], '', { ok: false }]) expect(readRealmMap(body)).toBeUndefined()
})

test('rates are those between two maps of one instance, and unknown where counts began anew', () => {
  const cell = { slot: 1, healthy: true, userCount: 5, islands: 2, peers: 5, heartbeats: 100, joins: 10, leaves: 4 }
  const before = { map: aMap({ cells: [cell] }), atMs: 1_000 }
  const later = { ...cell, heartbeats: 160, joins: 11 }
  expect(cellRates({ map: aMap({ cells: [later] }), atMs: 3_000 }, before)).toEqual([
    { slot: 1, healthy: true, players: 5, islands: 2, heartbeats: 30, joins: 0.5, leaves: 0 },
  ])
  const unknown = { heartbeats: undefined, joins: undefined, leaves: undefined }
  expect(cellRates({ map: aMap({ cells: [later], instance: 'b' }), atMs: 3_000 }, before)).toMatchObject([unknown])
  expect(cellRates(before, undefined)).toMatchObject([unknown])
})

test('the picture of a realm covers its land, or where its peers are', () => {
  const land = [{ left: 0, bottom: 0, right: 31, top: 31 }]
  const on = overviewOf({ tile: 1, tiles: [0, 0, 1, 31, 31, 8] }, land)
  expect(on?.box).toEqual([0, 0, 32, 32])
  expect([on?.levels.length, on?.levels[0], on?.levels[31 * 40 + 31]]).toEqual([1_600, '1', '4'])
  const wide = [{ left: -150, bottom: -150, right: 150, top: 150 }]
  const even = Array.from({ length: 36 * 36 }, (_, n) => [(n % 36) - 18, Math.floor(n / 36) - 18, 1]).flat()
  const aligned = overviewOf({ tile: 8, tiles: even }, wide)
  expect([aligned?.origin, aligned?.field]).toEqual([[-152, -152], 8])
  // Each field within the crowd has the same number of tiles.
  expect(new Set(aligned?.levels.slice(40 * 5 + 5, 40 * 5 + 25))).toEqual(new Set(['1']))
  expect(overviewOf({ tile: 2, tiles: [-1, 4, 3] }, [])?.box).toEqual([-2, 8, 0, 10])
  expect(overviewOf({ tile: 1, tiles: [500, 0, 1] }, land)?.levels).not.toMatch(/[1-9]/)
  expect(overviewOf({ tile: 1, tiles: [] }, land)).toBeUndefined()
})

test('problems are what conditions say is wrong, and not what a person asked for', () => {
  const wrong = factsWith(
    condition('Ready', 'False', 'CellsNotReady'),
    condition('Stalled', 'True', 'JoinFailed'),
    condition('Reconciling', 'True', 'RollingOut'),
    condition('CertificateValid', 'False', 'Expired'),
    condition('DependenciesReady', 'Unknown', 'NotReady'),
  )
  expect(problemsOfRealm(wrong).map(({ reason, severity }) => [reason, severity])).toEqual([
    ['CellsNotReady', 'error'],
    ['JoinFailed', 'error'],
    ['RollingOut', 'change'],
    ['Expired', 'warning'],
    ['NotReady', 'warning'],
  ])
  const asked = [
    condition('AcceptingPlayers', 'False', 'Hibernated'),
    condition('Ready', 'True', 'AllServing'),
    condition('Stalled', 'False', 'NotStalled'),
    condition('MovementReachable', 'False', 'NoRelay'),
  ]
  expect(problemsOfRealm(factsWith(...asked))).toEqual([])
  expect(problemsOfRealm(factsOf(aRealm({ deleted: true })))).toMatchObject([
    { reason: 'Deleting', since: '2026-01-02T00:00:00Z' },
  ])
})

test('the worst problem comes first, of equally bad ones the latest', () => {
  const facts = factsWith(
    condition('Reconciling', 'True', 'RollingOut', '2026-01-03T00:00:00Z'),
    condition('Ready', 'False', 'CellsNotReady', '2026-01-01T00:00:00Z'),
    condition('Published', 'False', 'NameTaken', '2026-01-02T00:00:00Z'),
  )
  expect(
    problemsOfRealm(facts)
      .sort(worstFirst)
      .map(({ reason }) => reason),
  ).toEqual(['NameTaken', 'CellsNotReady', 'RollingOut'])
})

test('changes of conditions are kept, the latest first, with the time of a new status or of a new reason', () => {
  const changes = new RealmChanges()
  changes.observe([factsWith(condition('Ready', 'False', 'CellsNotReady'))], '2026-01-01T00:00:05Z')
  changes.observe([factsWith(condition('Ready', 'False', 'ServicesNotReady'))], '2026-01-01T00:01:00Z')
  changes.observe([factsWith(condition('Ready', 'False', 'ServicesNotReady'))], '2026-01-01T00:02:00Z')
  changes.observe([factsWith(condition('Ready', 'True', 'AllServing', '2026-01-01T00:03:00Z'))], '2026-01-01T00:03:09Z')
  expect(changes.latest.map(({ at, reason }) => [at, reason])).toEqual([
    ['2026-01-01T00:03:00Z', 'AllServing'],
    ['2026-01-01T00:01:00Z', 'ServicesNotReady'],
    ['2026-01-01T00:00:00Z', 'CellsNotReady'],
  ])
  const many = Array.from({ length: 300 }, (_, n) => condition(`T${n}`, 'True', 'R'))
  for (const one of many) changes.observe([factsWith(one)], '2026-01-02T00:00:00Z')
  expect(changes.latest).toHaveLength(200)
})

test('a message that a user wrote by hand is kept only in part', () => {
  const facts = factsWith({ ...condition('Ready', 'False', 'X'), message: 'x'.repeat(100_000) })
  expect(facts.conditions[0]?.message.length).toBe(600)
})

test('series hold ten minutes with gaps, and are forgotten when nothing was measured in them', () => {
  const store = new SeriesStore()
  for (let n = 0; n < POINTS + 2; n++) store.add(new Map([['a', n], ...(n === 0 ? [['b', 1] as const] : [])]))
  const { a, b } = store.toJSON()
  expect([a?.length, a?.[0], a?.at(-1), b]).toEqual([POINTS, 2, POINTS + 1, undefined])
  store.add(new Map())
  expect(store.toJSON().a?.at(-1)).toBeNull()
})

test('there is room for a number of series, however many realms there are', () => {
  const store = new SeriesStore()
  store.add(new Map(Array.from({ length: 10_000 }, (_, n) => [`s${n}`, n])))
  expect(store.size).toBe(4_096)
  expect(store.current.size).toBe(10_000)
})
