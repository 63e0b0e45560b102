import { expect, test } from 'vitest'
import { FencingTokens, issuedAt, parseFencingToken, TermFence } from './fencing-token.ts'

const NOW = 1_760_000_000_000

test('stamps sort in the order they were made, also of two within a millisecond', () => {
  const stamps = new FencingTokens()
  const made = [NOW, NOW, NOW - 5_000, NOW + 1.5].map((now) => stamps.next(now, 'a'))
  expect(made.map(parseFencingToken)).toEqual([...made].sort())
  expect(new Set(made).size).toBe(4)
  expect(issuedAt(made[0] ?? '')).toBe(NOW)
})

test('who heard a stamp makes only later ones, even with a clock that is behind', () => {
  const [ahead, behind] = [new FencingTokens(), new FencingTokens()]
  const heard = ahead.next(NOW + 5_000, 'zz')
  behind.observe(heard, NOW)
  expect(behind.next(NOW, 'a') > heard).toBe(true)
})

test('a clock that is a day ahead is not followed', () => {
  const stamps = new FencingTokens()
  stamps.observe('zzzzzzzzz-a', NOW)
  expect(issuedAt(stamps.next(NOW, 'a'))).toBe(NOW)
})

test.each(['', 'a', '000000000', '000000000-', '000000000-A', '00000000-a', `000000000-${'a'.repeat(41)}`, '000000000-a\n'])(
  '%j is no stamp',
  (text) => expect(parseFencingToken(text)).toBeUndefined(),
)

test('a fence lets nothing of an earlier term pass once a later one spoke; words without a term always pass', () => {
  const fence = new TermFence()
  const said = ['000000001-a', undefined, '000000001-a', '000000002-a', '000000001-b', undefined, '000000002-b', '000000002-a']
  expect(said.map((term) => fence.accepts(term))).toEqual([true, true, true, true, false, true, true, false])
  expect(fence.latest).toBe('000000002-b')
})
