import { expect, test } from 'vitest'
import { ManualClock } from '../chassis/clock.ts'
import { UpgradeQueue } from './upgrade-queue.ts'

/** A queue that admits two upgrades per second; `events` has what became of each. */
function aQueue(maxWaitMs = 30_000) {
  const clock = new ManualClock()
  const queue = new UpgradeQueue({ perSecond: 2, maxWaitMs, checksWaiting: () => 0, clock })
  const events: string[] = []
  const enter = (name: string) => {
    const upgrade = { admit: () => events.push(`${name} admitted`), refuse: () => events.push(`${name} refused`) }
    queue.enter(upgrade)
    return () => queue.leave(upgrade)
  }
  return { clock, queue, events, enter }
}

test('a burst is admitted at once, the rest at the rate and in the order of arrival', () => {
  const { clock, queue, events, enter } = aQueue()
  for (const name of ['a', 'b', 'c', 'd']) enter(name)
  expect([events, queue.waiting]).toEqual([['a admitted', 'b admitted'], 2])
  clock.advance(500)
  expect(events.at(-1)).toBe('c admitted')
  clock.advance(500)
  expect([events.at(-1), queue.waiting]).toEqual(['d admitted', 0])
})

test('an upgrade that leaves the queue is neither admitted nor refused', () => {
  const { clock, queue, events, enter } = aQueue()
  const [, , leave] = ['a', 'b', 'c'].map(enter)
  leave?.()
  clock.advance(10_000)
  expect([events, queue.waiting]).toEqual([['a admitted', 'b admitted'], 0])
})

test('an upgrade that waits too long is refused, and so are all when the queue closes', () => {
  const { clock, queue, events, enter } = aQueue(400)
  for (const name of ['a', 'b', 'c']) enter(name)
  clock.advance(400)
  expect(events.at(-1)).toBe('c refused')
  enter('d')
  queue.close()
  expect([events.at(-1), queue.waiting]).toEqual(['d refused', 0])
})
