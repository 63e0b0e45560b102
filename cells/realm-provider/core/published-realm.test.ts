import { expect, test } from 'vitest'
import { anEndpoint, aRealm } from '../fixtures.ts'
import { type PublishedRealm, publishedRealm } from './published-realm.ts'
import { membersByName } from './shared-names.ts'

const published = (given: Parameters<typeof aRealm>[0]): PublishedRealm => {
  const realm = publishedRealm(aRealm(given))
  if (!realm) throw new Error('the realm of the test is not published')
  return realm
}

test('a realm is published with the endpoints that serve and the URL of its stats', () => {
  const endpoints = [anEndpoint(0, 'Unhealthy'), anEndpoint(1), anEndpoint(2, 'Starting'), anEndpoint(3)]
  expect(
    published({ realmName: 'City', endpoints, statsUrl: 'http://stats/stats/', content: { catalysts: ['https://c.example/'] } }),
  ).toMatchObject({
    key: { namespace: 'realms', name: 'main' },
    realmName: 'City',
    version: '1.0.0',
    healthy: true,
    endpoints: [anEndpoint(1), anEndpoint(3)],
    statsUrl: 'http://stats/stats',
    content: { catalysts: ['https://c.example'] },
  })
})

test('a realm whose cells are all unhealthy stays published as unhealthy', () => {
  const endpoints = [anEndpoint(0, 'Unhealthy'), anEndpoint(1, 'Starting')]
  expect(published({ endpoints })).toMatchObject({ healthy: false, endpoints: [anEndpoint(0, 'Unhealthy')] })
})

test('a realm that is hibernated or never had a working cell keeps its name without an endpoint, and one being deleted does not', () => {
  const { status: _, ...fresh } = aRealm()
  for (const realm of [
    aRealm({ replicas: 0 }),
    aRealm({ endpoints: [] }),
    aRealm({ endpoints: [anEndpoint(0, 'Starting')] }),
    fresh,
  ])
    expect(publishedRealm(realm)).toMatchObject({ realmName: 'main', healthy: false, endpoints: [] })
  expect(publishedRealm(aRealm({ deleted: true }))).toBeUndefined()
})

test('the oldest realm has its name also while it is hibernated', () => {
  const owner = published({ namespace: 'z', createdAt: '2026-01-01T00:00:00Z', replicas: 0 })
  const other = published({ namespace: 'a', createdAt: '2026-02-01T00:00:00Z' })
  expect([...membersByName([other, owner])]).toEqual([['main', [owner]]])
})

test('of realms with the same name the oldest is served, then the first by namespace and name', () => {
  const young = published({ namespace: 'a', createdAt: '2026-03-01T00:00:00Z' })
  const old = published({ namespace: 'z', createdAt: '2026-02-28T23:59:59Z' })
  const other = published({ namespace: 'b', name: 'alpha', createdAt: '2026-04-01T00:00:00Z' })
  const undated = published({ namespace: '0', createdAt: 'yesterday' })
  expect([...membersByName([young, undated, other, old])]).toEqual([
    ['alpha', [other]],
    ['main', [old]],
  ])
  const twin = published({ namespace: 'b', createdAt: young.createdAt })
  expect(membersByName([twin, young]).get('main')).toEqual([young])
})
