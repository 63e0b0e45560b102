import { expect, test } from 'vitest'
import { stringify } from 'yaml'
import type { RealmSpec } from '../../../crds/realm.ts'
import { aRealm, aRealmWithoutLivekit } from '../realm.fixtures.ts'
import { gatekeeperHttpRoute, type HttpRoute, realmHttpRoutes } from './http-route.ts'
import { realmIngress } from './ingress.ts'

const exposure: RealmSpec['exposure'] = {
  type: 'Gateway',
  host: 'main.example.org',
  tls: 'Terminated',
  gateway: { name: 'edge', namespace: 'infra', sectionName: 'https' },
  annotations: { team: 'realms' },
}
const large = { replicas: 1, max: 32 }

/** Which Service each path leads to. */
const pathsOf = (routes: readonly HttpRoute[]) =>
  routes.flatMap(({ spec }) =>
    spec.rules.flatMap(({ matches, backendRefs }) => matches.map(({ path }) => `${path.value} ${backendRefs[0]?.name}`)),
  )

test('HTTPRoutes of a realm: golden', async () => {
  const realm = aRealmWithoutLivekit({ exposure, cells: { max: 2 } })
  const routes = [...realmHttpRoutes(realm), gatekeeperHttpRoute(realm, ['gk.example.org'])]
  await expect(routes.map((route) => stringify(route)).join('---\n')).toMatchFileSnapshot('golden/httproutes.yaml')
})

test('a Gateway leads the paths of a realm to the Services to which an Ingress would', () => {
  for (const make of [aRealm, aRealmWithoutLivekit]) {
    const ofIngress = realmIngress(make({ exposure: { type: 'Ingress', host: 'main.example.org' }, cells: large }))
    const paths = ofIngress?.spec.rules?.[0]?.http?.paths.map(({ path, backend }) => `${path} ${backend.service?.name}`)
    expect(pathsOf(realmHttpRoutes(make({ exposure, cells: large }))).sort()).toEqual(paths?.sort())
  }
  const world = { scenes: ['urn:decentraland:entity:bafkscene'], access: { type: 'Public' as const }, capacity: 100 }
  expect(pathsOf(realmHttpRoutes(aRealm({ mode: 'World', world, exposure })))).toEqual(
    ['/gatekeeper', '/about', '/scenes', '/content', '/lambdas'].map((path) => `${path} main-gatekeeper`),
  )
})

test('no HTTPRoute has more than the 16 rules that the Gateway API allows, whatever the realm', () => {
  for (const max of [1, 8, 9, 32])
    for (const make of [aRealm, aRealmWithoutLivekit]) {
      const routes = realmHttpRoutes(make({ exposure, cells: { replicas: 1, max } }))
      expect(Math.max(...routes.map(({ spec }) => spec.rules.length))).toBeLessThanOrEqual(16)
      expect(routes.length).toBe(1 + Math.ceil(max / 8))
      expect(new Set(routes.map(({ metadata }) => metadata.name)).size).toBe(routes.length)
    }
})

test('neither the number of cells nor a larger maximum changes an HTTPRoute that is full', () => {
  const routes = (replicas: number, max: number) => realmHttpRoutes(aRealm({ exposure, cells: { replicas, max } }))
  expect(routes(9, 16)).toEqual(routes(1, 16))
  expect(routes(1, 32).slice(0, 3)).toEqual(routes(1, 16))
})

test('no limit is asked for how long a socket may last, unless the controller refuses to be asked', () => {
  const timeoutsOf = (requestTimeout?: 'Unlimited' | 'Unset') =>
    realmHttpRoutes(
      aRealm({ exposure: { ...exposure, gateway: { name: 'edge', ...(requestTimeout && { requestTimeout }) } } }),
    ).flatMap(({ spec }) => spec.rules.map(({ timeouts }) => timeouts?.request))
  expect(new Set(timeoutsOf())).toEqual(new Set(['0s']))
  expect(new Set(timeoutsOf('Unlimited'))).toEqual(new Set(['0s']))
  expect(new Set(timeoutsOf('Unset'))).toEqual(new Set([undefined]))
})

test('a Gateway that names no namespace is in that of the realm', () => {
  const [route] = realmHttpRoutes(aRealm({ exposure: { ...exposure, gateway: { name: 'edge' } } }))
  expect(route?.spec.parentRefs).toEqual([
    { group: 'gateway.networking.k8s.io', kind: 'Gateway', name: 'edge', namespace: 'metaverse' },
  ])
})

test('a realm without a Gateway has no HTTPRoute', () => {
  expect(realmHttpRoutes(aRealm())).toEqual([])
  expect(realmHttpRoutes(aRealm({ exposure: { type: 'Ingress', host: 'main.example.org' } }))).toEqual([])
})
