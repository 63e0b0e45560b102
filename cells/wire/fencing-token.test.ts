import { expect, test } from 'vitest'
import { FencingTokens, isEarlier, issuedAt, parseFencingToken, TermFence } from './fencing-token.ts'

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
  expect(terms.map((term) => fence.accepts(term, NOW))).toEqual([true, true, true, true, false, true, true, false])
  expect(fence.latest).toBe('000000002-b')
})

const HOUR_MS = 3_600_000
const issued = (ms: number) => new FencingTokens().next(ms, 'a')

test('a token of a clock that is a day ahead is earlier than every other, and two of them keep their order', () => {
  const [earlier, later, ahead] = [issued(NOW - HOUR_MS), issued(NOW + HOUR_MS), issued(NOW + 25 * HOUR_MS)]
  expect([isEarlier(earlier, later, NOW), isEarlier(later, earlier, NOW), isEarlier(later, later, NOW)]).toEqual([
    true,
    false,
    false,
  ])
  expect([isEarlier(ahead, earlier, NOW), isEarlier(earlier, ahead, NOW)]).toEqual([true, false])
  expect([isEarlier(ahead, 'zzzzzzzzz-a', NOW), isEarlier('zzzzzzzzz-a', ahead, NOW)]).toEqual([true, false])
})

test('a fence accepts the terms of a wrong clock until there is another one', () => {
  const fence = new TermFence()
  const terms = [issued(NOW + 25 * HOUR_MS), issued(NOW + 26 * HOUR_MS), issued(NOW + 25 * HOUR_MS), issued(NOW), 'zzzzzzzzz-a']
  expect(terms.map((term) => fence.accepts(term, NOW))).toEqual([true, true, false, true, false])
})

test('a fence whose own clock was a day ahead accepts the present terms once it is right', () => {
  const fence = new TermFence()
  const ahead = NOW + 25 * HOUR_MS
  expect(fence.accepts(issued(ahead), ahead)).toBe(true)
  expect(fence.accepts(issued(NOW), NOW)).toBe(true)
  const tokens = new FencingTokens()
  tokens.next(ahead, 'a')
  expect(issuedAt(tokens.next(NOW, 'a'))).toBe(NOW)
})

test('a token can be issued after one of a wrong clock, but not after the last one there is', () => {
  const ahead = issued(NOW + 25 * HOUR_MS)
  expect(issuedAt(new FencingTokens().next(NOW, 'b', ahead))).toBe(NOW + 25 * HOUR_MS + 1)
  expect(issuedAt(new FencingTokens().next(NOW, 'b', 'zzzzzzzzz-a'))).toBe(NOW)
})
