import { expect, test } from 'vitest'
import { shareFairly } from './fair-share.ts'

const itemsOf = (tenant: string, count: number) => Array.from({ length: count }, (_, n) => ({ tenant, item: `${tenant}${n}` }))

test('a tenant with many items displaces none of another tenant, whichever comes first', () => {
  for (const [greedy, modest] of [
    ['a', 'b'],
    ['b', 'a'],
  ] as const) {
    const taken = shareFairly([...itemsOf(greedy, 600), ...itemsOf(modest, 3)], 512)
    expect(taken.size).toBe(512)
    for (const { item } of itemsOf(modest, 3)) expect(taken).toContain(item)
  }
})

test('an item that several tenants have is taken once, and the turn goes to their next one', () => {
  const wanted = [{ tenant: 'a', item: 'shared' }, ...itemsOf('a', 2), { tenant: 'b', item: 'shared' }, ...itemsOf('b', 2)]
  expect([...shareFairly(wanted, 3)]).toEqual(['shared', 'b0', 'a0'])
  expect([...shareFairly(wanted, 100)]).toEqual(['shared', 'b0', 'a0', 'b1', 'a1'])
  expect([...shareFairly([], 3)]).toEqual([])
})
