import { expect, test } from 'vitest'
import { gatekeeperHttpRoute, realmHttpRoutes } from '../../desired/manifests/http-route.ts'
import { gatekeeperIngress, realmIngress } from '../../desired/manifests/ingress.ts'
import { aRealm } from '../../desired/realm.fixtures.ts'
import type { RouteState } from '../../observed/route.ts'
import { type Child, childOf } from '../cache/child.ts'
import { isFormerIngress } from './former-ingress.ts'

const HOST = 'main.example.org'
const before = aRealm({ exposure: { type: 'Ingress', host: HOST } })
const after = (host = HOST) => aRealm({ exposure: { type: 'Gateway', host, gateway: { name: 'edge' } } })
const ofRealm = childOf('Ingress', realmIngress(before) as never)
const ofGatekeeper = childOf('Ingress', gatekeeperIngress(before, ['gk.example.org']) as never)

/** Of both Ingresses, those that stay beside the HTTPRoutes; a route that is not in `states` does not exist. */
const stay = (states: Readonly<Record<string, RouteState['state']>>, realm = after(), gatekeeperHosts = ['gk.example.org']) => {
  const child = ({ name }: { name: string }) => (states[name] ? ({ route: { state: states[name] } } as Child) : undefined)
  const routes = [...realmHttpRoutes(realm), gatekeeperHttpRoute(realm, gatekeeperHosts)]
  return [ofRealm, ofGatekeeper].filter(isFormerIngress({ child }, routes)).map(({ name }) => name)
}

test('after a change to a Gateway an Ingress stays until the controller of the Gateway serves all routes at its hosts', () => {
  expect(stay({})).toEqual(['main', 'main.gatekeeper'])
  expect(stay({ main: 'accepted', 'main.slots-0': 'waiting', 'main.gatekeeper': 'accepted' })).toEqual(['main'])
  expect(stay({ main: 'refused', 'main.slots-0': 'accepted', 'main.gatekeeper': 'unresolved' })).toEqual([
    'main',
    'main.gatekeeper',
  ])
  expect(stay({ main: 'accepted', 'main.slots-0': 'accepted', 'main.gatekeeper': 'refused' })).toEqual(['main.gatekeeper'])
  expect(stay({ main: 'accepted', 'main.slots-0': 'accepted', 'main.gatekeeper': 'accepted' })).toEqual([])
})

test('an Ingress at a host that the realm has given up does not stay, and none without any HTTPRoute', () => {
  expect(stay({}, after('other.example.org'), ['another.example.org'])).toEqual([])
  expect([ofRealm, ofGatekeeper].filter(isFormerIngress({ child: () => undefined }, []))).toEqual([])
})

test('no other object stays', () => {
  const service = childOf('Service', { apiVersion: 'v1', kind: 'Service', metadata: { name: 'main', namespace: 'metaverse' } })
  expect(isFormerIngress({ child: () => undefined }, realmHttpRoutes(after()))(service)).toBe(false)
})
