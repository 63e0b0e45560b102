import { expect, test } from 'vitest'
import type { Realm } from '../../../crds/realm.ts'
import type { Lease, Sighting } from '../../observed/publication.ts'
import { aRealm } from '../fixtures.ts'
import { publishedClaim } from './published.ts'

const aboutUrl = 'http://realm-provider/main/about'
const served: Sighting = { state: 'serving', aboutUrl }
const claim = (sighting: Sighting, leases: Lease[] = [], realm: Realm = aRealm()) =>
  publishedClaim({ realm, serving: 1, sighting, leases })
const url = 'https://realms.example.org'

test('a realm is published when it is wherever it should be', () => {
  expect(claim(served, [{ url, state: 'held' }])).toMatchObject({
    status: 'True',
    reason: 'ServedByProvider',
    message: `served at ${aboutUrl}; published at ${url}`,
  })
})

test.each<[string, Sighting, Lease[], string]>([
  ['here', { state: 'taken', aboutUrl, adapter: 'wss://other' }, [], 'wss://other'],
  ['elsewhere', served, [{ url, state: 'taken', holder: 'far/away' }], 'far/away'],
])('a name that somebody else has %s is told as taken, with where it leads', (_, sighting, leases, says) => {
  const told = claim(sighting, leases)
  expect(told).toMatchObject({ status: 'False', reason: 'NameTaken' })
  expect(told.message).toContain(says)
})

test('one provider that is not reached, not asked yet or not known keeps a new realm from being published', () => {
  expect(claim(served, [{ url, state: 'unreachable', message: 'refused' }])).toMatchObject({ status: 'Unknown' })
  expect(claim(served, [{ url, state: 'asking' }])).toMatchObject({ status: 'False', reason: 'WaitingForProvider' })
  expect(claim(served, [{ url, state: 'unknown' }])).toMatchObject({ status: 'False', reason: 'ProviderNotConfigured' })
})

test('a new operator repeats what the last one saw until it was answered', () => {
  const condition = {
    type: 'Published',
    status: 'True',
    reason: 'ServedByProvider',
    message: '',
    lastTransitionTime: '',
  } as const
  const before: Realm = { ...aRealm(), status: { conditions: [condition] } }
  expect(claim({ state: 'unknown', aboutUrl }, [{ url, state: 'asking' }], before)).toMatchObject({ status: 'True' })
})
