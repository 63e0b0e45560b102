import { expect, test } from 'vitest'
import { ManualClock } from '../chassis/clock.ts'
import { FairQueue, type FairQueueOptions } from './fair-queue.ts'
import { aClient } from './fixtures.ts'

const proxy = { network: '10.0.0.1', isOneClient: false }

function aQueue(options: Partial<FairQueueOptions> = {}) {
  const clock = new ManualClock()
  const overdue: string[] = []
  const queue = new FairQueue<string>(
    { clock, maxWaiting: 100, maxWaitMs: 10_000, maxUnderWayPerAddress: 2, ...options },
    (item) => overdue.push(item),
  )
  return { clock, overdue, queue, enter: (number: number, item: string) => queue.enter(aClient(number), item) }
}

test('addresses take turns, each in the order of its items', () => {
  const { queue, enter } = aQueue({ maxUnderWayPerAddress: 9 })
  for (const item of ['a1', 'a2', 'a3']) enter(1, item)
  for (const item of ['b1', 'b2']) enter(2, item)
  enter(3, 'c1')
  expect(Array.from({ length: 7 }, () => queue.next()?.item)).toEqual(['a1', 'b1', 'c1', 'a2', 'b2', 'a3', undefined])
})

test('an address has at most two items under way, a proxy as many as there are', () => {
  const { queue, enter } = aQueue()
  for (const item of ['a1', 'a2', 'a3']) enter(1, item)
  const [first, second] = [queue.next(), queue.next()]
  expect([first?.item, second?.item, queue.next()]).toEqual(['a1', 'a2', undefined])
  first?.end()
  expect(queue.next()?.item).toBe('a3')
  for (const item of ['p1', 'p2', 'p3']) queue.enter(proxy, item)
  expect(Array.from({ length: 3 }, () => queue.next()?.item)).toEqual(['p1', 'p2', 'p3'])
})

test('an address that fills the queue leaves places for others, however many addresses do so', () => {
  const { queue, enter } = aQueue({ maxWaiting: 1_000 })
  for (let attacker = 1; attacker <= 12; attacker++) while (enter(attacker, 'hostile'));
  expect(queue.waiting).toBeLessThan(1_000)
  expect(enter(200, 'honest')).toBe(true)
})

test('the queue has a length, for one address and for a proxy', () => {
  const { queue, enter } = aQueue({ maxWaiting: 8 })
  expect([enter(1, 'a1'), enter(1, 'a2'), enter(1, 'a3')]).toEqual([true, true, false])
  while (queue.enter(proxy, 'p'));
  expect(queue.waiting).toBeLessThanOrEqual(8)
  expect(queue.next()?.item).toBe('a1')
  expect([enter(1, 'a3'), enter(2, 'b1')]).toEqual([false, true])
})

test('an item that waits too long is given up, and others keep their time', () => {
  const { clock, queue, enter, overdue } = aQueue()
  enter(1, 'a1')
  clock.advance(6_000)
  enter(1, 'a2')
  clock.advance(4_000)
  expect([overdue, queue.waiting]).toEqual([['a1'], 1])
  clock.advance(5_999)
  expect(overdue).toEqual(['a1'])
  clock.advance(1)
  expect([overdue, queue.waiting, queue.next()]).toEqual([['a1', 'a2'], 0, undefined])
  enter(1, 'a3')
  expect(queue.next()?.item).toBe('a3')
  clock.advance(20_000)
  expect(overdue).toEqual(['a1', 'a2'])
})

test('a queue that is cleared gives up nothing later', () => {
  const { clock, queue, enter, overdue } = aQueue()
  enter(1, 'a1')
  enter(2, 'b1')
  expect(queue.clear()).toEqual(['a1', 'b1'])
  clock.advance(20_000)
  expect([overdue, queue.waiting, queue.next()]).toEqual([[], 0, undefined])
})
