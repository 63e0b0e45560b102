import { expect, test } from 'vitest'
import { ManualClock } from '../chassis/clock.ts'
import type { ClaimedSignature } from './chain.ts'
import { KnownDelegations } from './known-delegations.ts'

const aDelegation = (delegation: Partial<ClaimedSignature> = {}): ClaimedSignature => ({
  ...{ checkedBy: 'key', signer: '0x1', text: 'Decentraland Login', signature: '0xabcd', isDelegation: true },
  ...delegation,
})

test('a delegation is known by its signer, its text and its signature, all of them', () => {
  const known = new KnownDelegations(new ManualClock())
  known.add(aDelegation())
  expect(known.has(aDelegation())).toBe(true)
  for (const other of [{ signer: '0x2' }, { text: 'Another' }, { signature: '0xabce' }, { checkedBy: 'contract' }] as const)
    expect(known.has(aDelegation(other))).toBe(false)
})

test('a signed text is never known: it is signed once', () => {
  const known = new KnownDelegations(new ManualClock())
  known.add(aDelegation({ isDelegation: false }))
  expect(known.has(aDelegation({ isDelegation: false }))).toBe(false)
  expect(known.has(aDelegation())).toBe(false)
})

test('what a contract said is known for a minute', () => {
  const clock = new ManualClock()
  const known = new KnownDelegations(clock)
  clock.advance(1_000)
  known.add(aDelegation({ checkedBy: 'contract' }))
  known.add(aDelegation())
  clock.advance(59_000)
  expect(known.has(aDelegation({ checkedBy: 'contract' }))).toBe(true)
  clock.advance(1_001)
  expect(known.has(aDelegation({ checkedBy: 'contract' }))).toBe(false)
  expect(known.has(aDelegation())).toBe(true)
})

test('the delegations that were used last stay when there are too many', () => {
  const known = new KnownDelegations(new ManualClock())
  const long = (i: number) => aDelegation({ text: `${i} ${'x'.repeat(8_000)}` })
  known.add(aDelegation())
  for (let i = 0; i < 1_100; i++) {
    known.add(long(i))
    expect(known.has(aDelegation())).toBe(true)
  }
  expect([known.has(long(0)), known.has(long(1_099))]).toEqual([false, true])
})
