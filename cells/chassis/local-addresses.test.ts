import type { LookupAddress, lookup } from 'node:dns'
import { expect, test } from 'vitest'
import { isLocalAddress, isPublicAddress, remoteLookup } from './local-addresses.ts'

test.each([
  ...['127.0.0.1', '127.9.9.9', '0.0.0.0', '169.254.169.254', '224.0.0.1', '255.255.255.255'],
  ...['::1', '::', '[::1]', 'fe80::1', 'fe80::1%eth0', 'febf::1', 'ff02::1', 'fd00:ec2::254'],
  ...['::ffff:127.0.0.1', '::ffff:a9fe:a9fe', '64:ff9b::127.0.0.1', '64:ff9b::a9fe:a9fe'],
])('%s is a local address', (address) => {
  expect(isLocalAddress(address)).toBe(true)
})

test.each(['10.0.0.1', '192.168.1.1', '203.0.113.7', 'fd00::1', '2001:db8::1', '::ffff:10.0.0.1', 'localhost', '', '169.254'])(
  '%j is none',
  (text) => {
    expect(isLocalAddress(text)).toBe(false)
  },
)

test.each(['203.0.113.7', '[2001:db8::1]', '64:ff9b::203.0.113.7', '172.32.0.1'])(
  '%s is an address of the internet',
  (address) => {
    expect(isPublicAddress(address)).toBe(true)
  },
)

test.each([
  ...['127.0.0.1', '169.254.169.254', '10.0.0.1', '192.168.1.1', '172.16.0.1', '100.64.0.1', '0.0.0.0', '224.0.0.1'],
  ...['::1', 'fd00::1', '[fd00::1]', 'fe80::1%eth0', '::ffff:10.0.0.1', '64:ff9b::10.0.0.1', '64:ff9b::ac10:1'],
  ...['peer.example.org', 'localhost', ''],
])('%j is none', (text) => {
  expect(isPublicAddress(text)).toBe(false)
})

/** A resolver whose every answer is the next of these. */
const resolving = (...answers: string[][]) =>
  ((_: string, __: unknown, callback: (error: null, found: LookupAddress[]) => void) =>
    callback(
      null,
      (answers.shift() ?? []).map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    )) as unknown as typeof lookup

const resolved = (resolver: typeof lookup, all: boolean) =>
  new Promise((resolve) =>
    remoteLookup(resolver)('catalyst.example.org', { all }, (error, found) => resolve(error?.message ?? found)),
  )

test('a name resolves to the addresses that are not local, and to none where all are', async () => {
  expect(await resolved(resolving(['127.0.0.1', '203.0.113.7', '::1', '2001:db8::7']), true)).toEqual([
    { address: '203.0.113.7', family: 4 },
    { address: '2001:db8::7', family: 6 },
  ])
  expect(await resolved(resolving(['127.0.0.1', '203.0.113.7']), false)).toBe('203.0.113.7')
  expect(await resolved(resolving(['127.0.0.1', '169.254.169.254']), true)).toBe(
    'catalyst.example.org has no address that may be connected to',
  )
})

test('a name that resolves to another address each time is resolved once for a connection', async () => {
  const rebinding = resolving(['203.0.113.7'], ['127.0.0.1'])
  expect(await resolved(rebinding, false)).toBe('203.0.113.7')
  expect(await resolved(rebinding, false)).toContain('may be connected to')
})

/** Resolves a name by those in `names`, each below the search domains as well, and returns it with the names that were looked up. */
async function lookedUp(host: string, names: Record<string, string | Error>, onlyAsWritten = false) {
  const asked: string[] = []
  const resolver = ((name: string, _: unknown, answer: (error: Error | null, found: LookupAddress[]) => void) => {
    asked.push(name)
    const found = names[name] ?? Object.assign(new Error('no such name'), { code: 'ENOTFOUND' })
    if (found instanceof Error) answer(found, [])
    else answer(null, [{ address: found, family: 4 }])
  }) as unknown as typeof lookup
  const address = await new Promise((resolve) =>
    remoteLookup(resolver, () => true, onlyAsWritten)(host, {}, (error, found) => resolve(error?.message ?? found)),
  )
  return [address, asked]
}

test.each<[string, string, Record<string, string | Error>, unknown]>([
  [
    'a public name is not that of a Service',
    'a.com',
    { 'a.com.': '203.0.113.7', 'a.com': '10.0.0.1' },
    ['203.0.113.7', ['a.com.']],
  ],
  ['a Service of another namespace', 'nats.infra', { 'nats.infra': '10.0.0.1' }, ['10.0.0.1', ['nats.infra.', 'nats.infra']]],
  ['a Service of this namespace', 'nats', { nats: '10.0.0.1' }, ['10.0.0.1', ['nats']]],
  ['a name with a final dot', 'nats.infra.', { 'nats.infra': '10.0.0.1' }, ['no such name', ['nats.infra.']]],
  ['no answer is not no name', 'a.com', { 'a.com.': new Error('busy'), 'a.com': '10.0.0.1' }, ['busy', ['a.com.']]],
])('names are looked up as written before they are looked up as a Service: %s', async (_, host, names, expected) => {
  expect(await lookedUp(host, names)).toEqual(expected)
})

test('a name may be looked up as written only', async () => {
  expect(await lookedUp('nats.infra', { 'nats.infra': '10.0.0.1' }, true)).toEqual(['no such name', ['nats.infra.']])
  expect(await lookedUp('nats', { nats: '10.0.0.1' }, true)).toEqual(['no such name', ['nats.']])
})
