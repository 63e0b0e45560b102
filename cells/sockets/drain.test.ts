import { expect, test } from 'vitest'
import { ManualClock } from '../chassis/clock.ts'
import { drain, untilEmpty } from './drain.ts'

/** A drain of numbered connections over ten seconds; `left` are those not ended yet, `ended` the others in their order. */
function aDrain(connections: number[], { firstAtOnce = false } = {}) {
  const clock = new ManualClock()
  const [left, ended]: [Set<number>, number[]] = [new Set(connections), []]
  let isOver = false
  const end = (connection: number) => {
    left.delete(connection)
    ended.push(connection)
  }
  const done = drain({ remaining: () => [...left], end, durationMs: 10_000, firstAtOnce, clock }).then(() => {
    isOver = true
  })
  const advance = async (ms: number) => {
    clock.advance(ms)
    await Promise.resolve()
  }
  return { left, ended, done, advance, isOver: () => isOver }
}

test('connections are ended evenly, oldest first', async () => {
  const { ended, done, advance, isOver } = aDrain([1, 2, 3, 4])
  expect(ended).toEqual([])
  await advance(5_000)
  expect(ended).toEqual([1, 2])
  await advance(4_900)
  expect([ended, isOver()]).toEqual([[1, 2, 3, 4], false])
  await advance(100)
  await done
})

test('the first connection can be ended at once', async () => {
  const { ended, advance } = aDrain([1, 2], { firstAtOnce: true })
  expect(ended).toEqual([1])
  await advance(4_900)
  expect(ended).toEqual([1])
  await advance(100)
  expect(ended).toEqual([1, 2])
})

test('a connection that opens meanwhile is ended last', async () => {
  const { left, ended, advance } = aDrain([1, 2])
  await advance(6_000)
  left.add(3)
  await advance(4_000)
  expect(ended).toEqual([1, 2, 3])
})

test('a drain is over as soon as no connection remains', async () => {
  const { left, done, advance } = aDrain([1])
  left.clear()
  await advance(100)
  await done
})

test('the wait for closed connections is limited', async () => {
  const clock = new ManualClock()
  let isOver = false
  void untilEmpty(new Set([1]), 50, clock).then(() => {
    isOver = true
  })
  for (let i = 0; i < 4; i++) {
    clock.advance(10)
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(isOver).toBe(false)
  clock.advance(10)
  await new Promise((resolve) => setImmediate(resolve))
  expect(isOver).toBe(true)
})
