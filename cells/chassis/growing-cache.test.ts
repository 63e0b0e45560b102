import { expect, test } from 'vitest'
import { ManualClock } from './clock.ts'
import { growingCache } from './growing-cache.ts'

test('the entries that were used last are kept, and no more than it may have', () => {
  const cache = growingCache<string, number>(2)
  cache.set('a', 1).set('b', 2)
  cache.get('a')
  cache.set('c', 3)
  expect([...cache.keys()].sort()).toEqual(['a', 'c'])
  for (let n = 0; n < 1_000; n++) cache.set(`${n}`, n)
  expect([cache.size, cache.get('999'), cache.get('998'), cache.get('997')]).toEqual([2, 999, 998, undefined])
})

test('an entry is forgotten after its time', () => {
  const clock = new ManualClock()
  const cache = growingCache<string, number>(2, { ttl: 100, ttlResolution: 0, perf: { now: () => 1 + clock.monotonic() } })
  cache.set('a', 1)
  clock.advance(99)
  expect(cache.get('a')).toBe(1)
  clock.advance(2)
  expect(cache.get('a')).toBeUndefined()
})
