import { expect, test } from 'vitest'
import { TrustedProxies } from '../chassis/client-address.ts'
import { QueryLimit } from './query-limit.ts'

const SECOND_MS = 1_000

/** How many of the queries sent at one moment are answered. */
function aLimit(networks = '10.0.0.0/8') {
  const limit = new QueryLimit(new TrustedProxies(networks))
  const answered = (queries: number, nowMs: number, remoteAddress: string, forwardedFor?: string, wallets?: number) =>
    Array.from({ length: queries }).filter(() => {
      const headers = forwardedFor === undefined ? {} : { 'x-forwarded-for': forwardedFor }
      return limit.waitMs({ headers, remoteAddress }, nowMs, wallets) === 0
    }).length
  return { limit, answered }
}

test('a connector may ask about every player who signs in, and about all it has, as often as it does', () => {
  const { answered } = aLimit()
  for (let second = 0; second < 120; second++) {
    expect(answered(900, second * SECOND_MS, '10.0.0.1')).toBe(900)
    if (second % 60 === 0) expect(answered(20, second * SECOND_MS, '10.0.0.1', undefined, 1_000)).toBe(20)
  }
  expect(answered(5_000, 600 * SECOND_MS, '10.0.0.1')).toBe(5_000) // all players come back at once
})

test.each([
  ['a pod', '10.0.0.9'],
  ['a node that stands for clients from outside', '192.168.0.7'],
  ['a process of the same machine', '127.0.0.1'],
])('%s has a share of its own: what it sends beyond it is refused, and connectors are answered', (_, address) => {
  const { answered } = aLimit()
  expect(answered(20_000, 0, address)).toBe(5_000)
  expect(answered(20_000, SECOND_MS, address)).toBe(1_000)
  expect(answered(900, SECOND_MS, '10.0.0.1')).toBe(900)
})

test('a query about many wallets counts as much as the work it is', () => {
  const { answered, limit } = aLimit()
  const accepted = answered(5_000, 0, '10.0.0.9', undefined, 1_000)
  expect(accepted).toBe(454)
  const waitMs = limit.waitMs({ headers: {}, remoteAddress: '10.0.0.9' }, 0, 1_000)
  expect(waitMs).toBeGreaterThan(0)
  expect(limit.waitMs({ headers: {}, remoteAddress: '10.0.0.9' }, waitMs, 1_000)).toBe(0)
})

test('the addresses of pods of one IPv6 network have a share each', () => {
  const { answered } = aLimit()
  expect(answered(6_000, 0, 'fd00::9')).toBe(5_000)
  expect(answered(900, 0, 'fd00::1')).toBe(900)
})

test('a client outside has the small share, also when it claims an address inside', () => {
  const { answered } = aLimit()
  expect(answered(100, 0, '203.0.113.7')).toBe(60)
  expect(answered(100, 0, '203.0.113.8', '10.0.0.9')).toBe(60)
  expect(answered(100, 0, '10.0.0.2', '203.0.113.9')).toBe(60)
})
