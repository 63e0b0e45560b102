import { expect, test } from 'vitest'
import { AnswerCache } from './answer-cache.ts'

function aCache() {
  const state = { overflows: 0 }
  return { state, cache: new AnswerCache<string>({ onOverflow: () => state.overflows++ }) }
}

test('the answers of a tenant stay while clients create any number of answers for another', () => {
  const { state, cache } = aCache()
  cache.set('quiet', 'main', 'an answer', 2_000)
  for (let n = 0; n < 20_000; n++) cache.set('flooded', `main ${n}.example`, 'another', 2_000)
  expect(cache.get('quiet', 'main')).toBe('an answer')
  expect(cache.get('flooded', 'main 19999.example')).toBe('another')
  expect(state.overflows).toBeGreaterThan(3)
})

test('long answers are bounded by their bytes, and a replaced one counts once', () => {
  const { state, cache } = aCache()
  for (let n = 0; n < 10_000; n++) cache.set('a', 'main', String(n), 1024 * 1024)
  expect([cache.get('a', 'main'), state.overflows]).toEqual(['9999', 0])
  for (let n = 0; n < 40; n++) cache.set('b', `main ${n}`, 'long', 1024 * 1024)
  expect(state.overflows).toBeGreaterThan(0)
  expect(cache.get('a', 'main')).toBe('9999')
})
