import { expect, test } from 'vitest'
import { ManualClock } from '../../../cells/chassis/clock.ts'
import type { Fetched } from '../../../cells/chassis/fetch-json.ts'
import type { ObjectKey } from '../../../crds/object.ts'
import { aCell, aRealm } from '../../desired/fixtures.ts'
import { createJoinWatch } from './join-success-rate.ts'

const key = { namespace: 'metaverse', name: 'main' }
const [first, second] = [aCell(aRealm(), 0), aCell(aRealm(), 1)]
const says = (given: unknown, missed: unknown, waiting: unknown): Fetched => ({
  ok: true,
  status: 200,
  body: { ok: true, joins: { given, missed, waiting } },
})
const SILENCE: Fetched = { ok: false, reason: 'refused' }

function aWatch() {
  const clock = new ManualClock()
  const world = { answers: new Map<string, Fetched>(), asked: [] as string[], told: [] as ObjectKey[], addresses: ['10.0.0.1'] }
  const fetch = async (url: string) => {
    world.asked.push(url)
    return world.answers.get(url) ?? SILENCE
  }
  const watch = createJoinWatch({ addressesOf: () => world.addresses, port: 8080, clock, fetch })
  watch.onChange((realm) => world.told.push(realm))
  const turn = () => new Promise(setImmediate)
  const round = async () => {
    clock.advance(5_000)
    await turn()
  }
  return { world, watch, round, turn }
}

test('the connectors of a cell are asked one by one, and count together', async () => {
  const { world, watch, turn } = aWatch()
  world.addresses = ['10.0.0.1', '10.0.0.2', '10.0.0.3']
  world.answers.set('http://10.0.0.1:8080/joins', says(10, 1, 0)).set('http://10.0.0.2:8080/joins', says(5, 0, 2))
  watch.attend(key, [first])
  expect(watch.joinsOf(first)).toBe('unknown')
  await turn()
  expect(watch.joinsOf(first)).toEqual({ given: 15, missed: 1, waiting: 2 })
  expect(world.told).toEqual([key])
})

test('other numbers are news, the same are not', async () => {
  const { world, watch, round, turn } = aWatch()
  world.answers.set('http://10.0.0.1:8080/joins', says(1, 0, 0))
  watch.attend(key, [first])
  await turn()
  await round()
  expect(world.told).toHaveLength(1)
  world.answers.set('http://10.0.0.1:8080/joins', says(2, 0, 0))
  await round()
  expect(world.told).toHaveLength(2)
})

test('a cell nobody hears of is out of reach after three rounds; what it said before stands until then', async () => {
  const { world, watch, round, turn } = aWatch()
  world.answers.set('http://10.0.0.1:8080/joins', says(3, 0, 0))
  watch.attend(key, [first])
  await turn()
  world.answers.clear()
  for (let i = 0; i < 2; i++) await round()
  expect(watch.joinsOf(first)).toEqual({ given: 3, missed: 0, waiting: 0 })
  await round()
  expect(watch.joinsOf(first)).toBe('unreachable')
})

test('a cell without a connector to ask is out of reach at once', async () => {
  const { world, watch, turn } = aWatch()
  world.addresses = []
  watch.attend(key, [first])
  await turn()
  expect(watch.joinsOf(first)).toBe('unreachable')
})

test('connectors of another age, and nonsense, say nothing', async () => {
  const { world, watch, round, turn } = aWatch()
  watch.attend(key, [first])
  await turn()
  const answers: Fetched[] = [
    { ok: true, status: 404, body: {} },
    says(1, -1, 0),
    says('1', 0, 0),
    { ok: true, status: 200, body: 7 },
  ]
  for (const answer of answers) {
    world.answers.set('http://10.0.0.1:8080/joins', answer)
    await round()
  }
  expect(watch.joinsOf(first)).toBe('unreachable')
})

test('whoever is of no interest any more is asked no more', async () => {
  const { world, watch, round, turn } = aWatch()
  watch.attend(key, [first, second])
  await turn()
  watch.attend(key, [second])
  world.asked.length = 0
  await round()
  expect(world.asked).toHaveLength(1)
  expect(watch.joinsOf(first)).toBe('unknown')
  await watch.stop()
  await round()
  expect(world.asked).toHaveLength(1)
})
