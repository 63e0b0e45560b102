import { expect, test } from 'vitest'
import { UnauthenticatedConnections } from './unauthenticated.ts'

function connections(...list: [network: string, name: string, isSilent?: boolean, openedAt?: number][]) {
  const unauthenticated = new UnauthenticatedConnections()
  const all = list.map(([network, name, isSilent = true, openedAt = 0]) => {
    const connection = { name, isSilent, openedAt, displace: () => {} }
    unauthenticated.add(connection, network)
    return connection
  })
  const displaced = (network: string, nowMs = 0) => (unauthenticated.toDisplace(network, nowMs) as (typeof all)[number])?.name
  return { unauthenticated, all, displaced }
}

test('the oldest silent connection of the network with most connections is displaced', () => {
  expect(connections(['a', 'a1'], ['b', 'b1', false], ['b', 'b2'], ['b', 'b3']).displaced('c')).toBe('b2')
})

test('clients that send something and do not sign in are displaced as well', () => {
  expect(connections(['b', 'b1', false], ['b', 'b2', false]).displaced('c')).toBe('b1')
})

test('a network does not displace its own connections, nor those of one that holds no more, unless they are silent for long', () => {
  const { displaced } = connections(['a', 'a1', false], ['a', 'a2'], ['b', 'b1'], ['b', 'b2'])
  expect(displaced('a', 4_999)).toBeUndefined()
  expect(displaced('a', 5_000)).toBe('a2')
  expect(connections(['a', 'a1', false]).displaced('a', 60_000)).toBeUndefined()
})

test('connections that signed in are not displaced', () => {
  const { unauthenticated, all, displaced } = connections(['a', 'a1'], ['a', 'a2'])
  for (const connection of all) unauthenticated.delete(connection)
  expect(unauthenticated.size).toBe(0)
  expect(displaced('b')).toBeUndefined()
})
