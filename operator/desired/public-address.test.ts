import { expect, test } from 'vitest'
import type { Realm } from '../../crds/realm.ts'
import { addressesOf, holderOf, publicAddressOf } from './public-address.ts'
import { aRealm } from './realm.fixtures.ts'

const at = (exposure: object, { createdAt = '2026-01-01T00:00:00Z', name = 'main', stats = '' } = {}): Realm => {
  const realm = aRealm({ exposure })
  const metadata = { ...realm.metadata, name, creationTimestamp: createdAt }
  return { ...realm, metadata, ...(stats && { status: { urls: { stats } } }) }
}

test('a host and a URL that lead to the same place are one address', () => {
  const ingress = publicAddressOf(at({ type: 'Ingress', host: 'a.example.org' }))
  for (const url of ['https://a.example.org', 'http://A.example.org', 'https://a.example.org:443'])
    expect(publicAddressOf(at({ type: 'None', url }))).toBe(ingress)
  const others = ['https://b.example.org', 'https://a.example.org:8443', 'https://a.example.org/main', 'https://[']
  for (const url of others) expect(publicAddressOf(at({ type: 'None', url }))).not.toBe(ingress)
  expect(publicAddressOf(at({ type: 'None' }))).toBeUndefined()
})

test('an address is held by the realm that has it, else by the oldest one, else by the first name', () => {
  const host = 'a.example.org'
  const exposure = { type: 'Ingress', host }
  const holder = (...realms: Realm[]) => holderOf(host, realms)?.name
  const old = at(exposure, { name: 'old', createdAt: '2025-01-01T00:00:00Z' })
  expect(holder(at(exposure, { name: 'new' }), old)).toBe('old')
  expect(holder(at(exposure, { name: 'b' }), at(exposure, { name: 'a' }))).toBe('a')
  const having = at(exposure, { name: 'having', stats: `https://${host}/stats` })
  expect(holder(old, having)).toBe('having')
  expect(holder(old, at(exposure, { name: 'moving', stats: 'https://before.example.org/stats' }))).toBe('old')
})

test('a further host of a gatekeeper is an address as the host of a realm is, held by the realm whose gatekeeper answers there', () => {
  const withHosts = (name: string, hosts: string[], status: string[] = []): Realm => {
    const realm = at({ type: 'Ingress', host: `${name}.example.org` }, { name, createdAt: `202${name.length}-01-01T00:00:00Z` })
    realm.spec.gatekeeper = { ...realm.spec.gatekeeper, hosts }
    return status.length > 0 ? { ...realm, status: { urls: { gatekeeperHosts: status } } } : realm
  }
  const asking = withHosts('a', ['gk.example.org', 'b.example.org'])
  expect(addressesOf(asking)).toEqual(['a.example.org', 'gk.example.org', 'b.example.org'])
  const holder = (address: string, ...realms: Realm[]) => holderOf(address, realms)?.name
  expect(holder('gk.example.org', withHosts('abc', ['gk.example.org']), asking)).toBe('a')
  const having = withHosts('abc', ['gk.example.org'], ['https://gk.example.org'])
  expect(holder('gk.example.org', asking, having)).toBe('abc')
  expect(
    holder(
      'b.example.org',
      asking,
      at({ type: 'Ingress', host: 'b.example.org' }, { name: 'b', stats: 'http://b.example.org/stats' }),
    ),
  ).toBe('b')
})
