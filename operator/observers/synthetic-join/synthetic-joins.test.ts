import { expect, test } from 'vitest'
import { ManualClock } from '../../../cells/chassis/clock.ts'
import { silentLog } from '../../../cells/chassis/log.ts'
import type { ObjectKey } from '../../../crds/object.ts'
import { aCell, aRealm } from '../../desired/realm.fixtures.ts'
import type { JoinOutcome } from './join-cell.ts'
import { SyntheticJoins } from './synthetic-joins.ts'

const key = { namespace: 'metaverse', name: 'main' }
const NO: JoinOutcome = { ok: false, message: 'waiting for an island: none' }

function aJoiningOperator() {
  const clock = new ManualClock()
  const world = {
    answer: { ok: true } as JoinOutcome,
    asked: [] as string[],
    released: Promise.resolve(),
    notified: [] as ObjectKey[],
  }
  const join = async (url: string) => {
    world.asked.push(url)
    await world.released
    return world.answer
  }
  const joins = new SyntheticJoins({ log: silentLog, urlOf: ({ metadata }) => metadata.name, clock, join })
  joins.onChange((realm) => world.notified.push(realm))
  const pass = async (ms = 0) => {
    clock.advance(ms)
    await new Promise(setImmediate)
  }
  return { world, joins, pass }
}
const cell = aCell(aRealm())

test('a watched cell is joined once, and the listeners are notified', async () => {
  const { world, joins, pass } = aJoiningOperator()
  joins.watch(key, [cell])
  joins.watch(key, [cell])
  expect(joins.get(cell)).toEqual({ state: 'untried' })
  await pass()
  expect(joins.get(cell)).toEqual({ state: 'joined' })
  await pass(60_000)
  expect([world.asked, world.notified]).toEqual([['main-0'], [key]])
})

test('a join has failed after several attempts in a row, and is attempted again even then', async () => {
  const { world, joins, pass } = aJoiningOperator()
  world.answer = NO
  joins.watch(key, [cell])
  await pass()
  await pass(2_000)
  expect(joins.get(cell)).toEqual({ state: 'untried' })
  await pass(2_000)
  expect(joins.get(cell)).toEqual({ state: 'failed', message: 'waiting for an island: none' })
  world.answer = { ok: false, message: 'connecting: refused' }
  await pass(2_000)
  expect(joins.get(cell)).toMatchObject({ message: 'waiting for an island: none' })
  world.answer = { ok: true }
  await pass(2_000)
  expect(joins.get(cell)).toEqual({ state: 'joined' })
  expect(world.notified).toEqual([key, key])
})

test('a cell that is no longer watched is not joined, and a result under way is dropped', async () => {
  const { world, joins, pass } = aJoiningOperator()
  world.answer = NO
  let release = () => {}
  world.released = new Promise((resolve) => {
    release = resolve
  })
  joins.watch(key, [cell])
  await pass()
  joins.watch(key, [])
  release()
  await pass()
  await pass(60_000)
  expect([world.asked.length, world.notified]).toEqual([1, []])
  expect(joins.get(cell)).toBeUndefined()
})

test('a cell that was created again under the same name has no result', async () => {
  const { joins, pass } = aJoiningOperator()
  joins.watch(key, [cell])
  await pass()
  expect(joins.get({ ...cell, metadata: { ...cell.metadata, uid: 'another' } })).toBeUndefined()
})

test('cells of other realms stay watched', async () => {
  const { joins, pass } = aJoiningOperator()
  joins.watch(key, [cell])
  await pass()
  joins.watch({ namespace: 'metaverse', name: 'other' }, [])
  expect(joins.get(cell)).toEqual({ state: 'joined' })
})
