import { expect, test } from 'vitest'
import { ManualClock } from '../../../cells/chassis/clock.ts'
import type { FetchResult } from '../../../cells/chassis/fetch-json.ts'
import { silentLog } from '../../../cells/chassis/log.ts'
import type { ObjectKey } from '../../../crds/object.ts'
import { aCell, aRealm } from '../../desired/realm.fixtures.ts'
import { JoinSuccessRate } from './join-success-rate.ts'

const key = { namespace: 'metaverse', name: 'main' }
const [first, second] = [aCell(aRealm(), 0), aCell(aRealm(), 1)]
const answer = (given: unknown, missed: unknown, waiting: unknown): FetchResult => ({
  ok: true,
  status: 200,
  body: { ok: true, joins: { given, missed, waiting } },
})
const SILENCE: FetchResult = { ok: false, reason: 'refused' }

function aWatch() {
  const clock = new ManualClock()
  const world = {
    answers: new Map<string, FetchResult>(),
    asked: [] as string[],
    notified: [] as ObjectKey[],
    addresses: ['10.0.0.1'],
  }
  const fetch = async (url: string) => {
    world.asked.push(url)
    return world.answers.get(url) ?? SILENCE
  }
  const joinSuccess = new JoinSuccessRate({
    log: silentLog,
    addressesOf: () => world.addresses,
    port: 8080,
    clock,
    fetch,
  })
  joinSuccess.onChange((realm) => world.notified.push(realm))
  const turn = () => new Promise(setImmediate)
  const round = async () => {
    clock.advance(5_000)
    await turn()
  }
  return { world, joinSuccess, round, turn }
}

test('the answers of the connectors of a cell are added up', async () => {
  const { world, joinSuccess, turn } = aWatch()
  world.addresses = ['10.0.0.1', '10.0.0.2', '10.0.0.3']
  world.answers.set('http://10.0.0.1:8080/joins', answer(10, 1, 0)).set('http://10.0.0.2:8080/joins', answer(5, 0, 2))
  joinSuccess.watch(key, [first])
  expect(joinSuccess.get(first)).toBe('unknown')
  await turn()
  expect(joinSuccess.get(first)).toEqual({ given: 15, missed: 1, waiting: 2 })
  expect(world.notified).toEqual([key])
})

test('other numbers notify the listeners, the same do not', async () => {
  const { world, joinSuccess, round, turn } = aWatch()
  world.answers.set('http://10.0.0.1:8080/joins', answer(1, 0, 0))
  joinSuccess.watch(key, [first])
  await turn()
  await round()
  expect(world.notified).toHaveLength(1)
  world.answers.set('http://10.0.0.1:8080/joins', answer(2, 0, 0))
  await round()
  expect(world.notified).toHaveLength(2)
})

test('a cell that does not answer is unreachable after three rounds; its last numbers hold until then', async () => {
  const { world, joinSuccess, round, turn } = aWatch()
  world.answers.set('http://10.0.0.1:8080/joins', answer(3, 0, 0))
  joinSuccess.watch(key, [first])
  await turn()
  world.answers.clear()
  for (let i = 0; i < 2; i++) await round()
  expect(joinSuccess.get(first)).toEqual({ given: 3, missed: 0, waiting: 0 })
  await round()
  expect(joinSuccess.get(first)).toBe('unreachable')
})

test('a cell without a connector to ask is unreachable at once', async () => {
  const { world, joinSuccess, turn } = aWatch()
  world.addresses = []
  joinSuccess.watch(key, [first])
  await turn()
  expect(joinSuccess.get(first)).toBe('unreachable')
})

test('answers of older connectors and invalid answers do not count', async () => {
  const { world, joinSuccess, round, turn } = aWatch()
  joinSuccess.watch(key, [first])
  await turn()
  const answers: FetchResult[] = [
    { ok: true, status: 404, body: {} },
    answer(1, -1, 0),
    answer('1', 0, 0),
    { ok: true, status: 200, body: 7 },
  ]
  for (const given of answers) {
    world.answers.set('http://10.0.0.1:8080/joins', given)
    await round()
  }
  expect(joinSuccess.get(first)).toBe('unreachable')
})

test('a cell that is no longer watched is not asked', async () => {
  const { world, joinSuccess, round, turn } = aWatch()
  joinSuccess.watch(key, [first, second])
  await turn()
  joinSuccess.watch(key, [second])
  world.asked.length = 0
  await round()
  expect(world.asked).toHaveLength(1)
  expect(joinSuccess.get(first)).toBeUndefined()
  await joinSuccess.stop()
  await round()
  expect(world.asked).toHaveLength(1)
})
