import { expect, test } from 'vitest'
import { FencingTokens, issuedAt, parseFencingToken, TermFence } from './fencing-token.ts'

const NOW = 1_760_000_000_000

test('fencing tokens sort in the order they were issued, also of two within a millisecond', () => {
  const tokens = new FencingTokens()
  const issued = [NOW, NOW, NOW - 5_000, NOW + 1.5].map((now) => tokens.next(now, 'a'))
  expect(issued.map(parseFencingToken)).toEqual([...issued].sort())
  expect(new Set(issued).size).toBe(4)
  expect(issuedAt(issued[0] ?? '')).toBe(NOW)
})

test('after observing a token only later ones are issued, even with a clock that is behind', () => {
  const [ahead, behind] = [new FencingTokens(), new FencingTokens()]
  const observed = ahead.next(NOW + 5_000, 'zz')
  behind.observe(observed, NOW)
  expect(behind.next(NOW, 'a') > observed).toBe(true)
})

test('a clock that is a day ahead is not followed', () => {
  const tokens = new FencingTokens()
  tokens.observe('zzzzzzzzz-a', NOW)
  expect(issuedAt(tokens.next(NOW, 'a'))).toBe(NOW)
})

test.each(['', 'a', '000000000', '000000000-', '000000000-A', '00000000-a', `000000000-${'a'.repeat(41)}`, '000000000-a\n'])(
  '%j is no fencing token',
  (text) => expect(parseFencingToken(text)).toBeUndefined(),
)

test('a fence rejects messages of earlier terms than the latest received; messages without a term are accepted', () => {
  const fence = new TermFence()
  const terms = ['000000001-a', undefined, '000000001-a', '000000002-a', '000000001-b', undefined, '000000002-b', '000000002-a']
  expect(terms.map((term) => fence.accepts(term))).toEqual([true, true, true, true, false, true, true, false])
  expect(fence.latest).toBe('000000002-b')
})
