import { expect, test } from 'vitest'
import type { Realm } from '../../crds/realm.ts'
import { holderOf, publicAddressOf } from './public-address.ts'
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
