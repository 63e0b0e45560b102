import { expect, test } from 'vitest'
import { ManualClock } from '../../../cells/chassis/clock.ts'
import type { ObjectKey } from '../../../crds/object.ts'
import { aCell, aRealm } from '../../desired/fixtures.ts'
import type { JoinOutcome } from './join-cell.ts'
import { createJoiner } from './synthetic-joins.ts'

const key = { namespace: 'metaverse', name: 'main' }
const NO: JoinOutcome = { ok: false, message: 'waiting for an island: none' }

function aJoiner() {
  const clock = new ManualClock()
  const world = { answer: { ok: true } as JoinOutcome, asked: [] as string[], told: [] as ObjectKey[] }
  const join = async (url: string) => {
    world.asked.push(url)
    return world.answer
  }
  const joiner = createJoiner({ urlOf: ({ metadata }) => metadata.name, clock, join })
  joiner.onChange((realm) => world.told.push(realm))
  const pass = async (ms = 0) => {
    clock.advance(ms)
    await new Promise(setImmediate)
  }
  return { world, joiner, pass }
}
const cell = aCell(aRealm())

test('an attended cell is joined once, and that is told', async () => {
  const { world, joiner, pass } = aJoiner()
  joiner.attend(key, [cell])
  joiner.attend(key, [cell])
  expect(joiner.joinOf(cell)).toEqual({ state: 'untried' })
  await pass()
  expect(joiner.joinOf(cell)).toEqual({ state: 'joined' })
  await pass(60_000)
  expect([world.asked, world.told]).toEqual([['main-0'], [key]])
})

test('only a cell that cannot be joined again and again has failed, and even then it is tried on', async () => {
  const { world, joiner, pass } = aJoiner()
  world.answer = NO
  joiner.attend(key, [cell])
  await pass()
  await pass(2_000)
  expect(joiner.joinOf(cell)).toEqual({ state: 'untried' })
  await pass(2_000)
  expect(joiner.joinOf(cell)).toEqual({ state: 'failed', message: 'waiting for an island: none' })
  world.answer = { ok: false, message: 'connecting: refused' }
  await pass(2_000)
  expect(joiner.joinOf(cell)).toMatchObject({ message: 'waiting for an island: none' })
  world.answer = { ok: true }
  await pass(2_000)
  expect(joiner.joinOf(cell)).toEqual({ state: 'joined' })
  expect(world.told).toEqual([key, key])
})

test('a cell nobody asks about any more is left alone, whatever came of it meanwhile', async () => {
  const { world, joiner, pass } = aJoiner()
  world.answer = NO
  joiner.attend(key, [cell])
  joiner.attend(key, [])
  await pass()
  await pass(60_000)
  expect([world.asked.length, world.told]).toEqual([1, []])
  expect(joiner.joinOf(cell)).toEqual({ state: 'untried' })
})

test('a cell that was made anew under its name has proved nothing', async () => {
  const { joiner, pass } = aJoiner()
  joiner.attend(key, [cell])
  await pass()
  expect(joiner.joinOf({ ...cell, metadata: { ...cell.metadata, uid: 'another' } })).toEqual({ state: 'untried' })
})

test('cells of other realms are left alone', async () => {
  const { joiner, pass } = aJoiner()
  joiner.attend(key, [cell])
  await pass()
  joiner.attend({ namespace: 'metaverse', name: 'other' }, [])
  expect(joiner.joinOf(cell)).toEqual({ state: 'joined' })
})
