import { expect, test } from 'vitest'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { aSeenRealm, NOW, seenRealm } from './fixtures.ts'
import type { Gateway } from './gateway-checks.ts'
import { realmChecks } from './realm-checks.ts'
import type { SeenRealm } from './seen-realm.ts'

const realm = aSeenRealm({
  exposure: { type: 'Gateway', host: 'main.example.org', tls: 'Terminated', gateway: { name: 'edge', namespace: 'infra' } },
})
type Listener = NonNullable<NonNullable<Gateway['spec']>['listeners']>[number]
type From = NonNullable<NonNullable<Listener['allowedRoutes']>['namespaces']>

const listener = (namespaces: From = { from: 'All' }, changes: Partial<Listener> = {}): Listener => ({
  ...{ name: 'https', protocol: 'HTTPS', hostname: '*.example.org', allowedRoutes: { namespaces } },
  ...changes,
})
const programmed = [{ type: 'Programmed', status: 'True' }]
const aGateway = (listeners: Listener[] = [listener()], conditions: object[] = programmed): Gateway => ({
  ...{ apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway', metadata: { name: 'edge', namespace: 'infra' } },
  spec: { listeners },
  status: { addresses: [{ value: '192.0.2.7' }], conditions } as NonNullable<Gateway['status']>,
})
function aRoute(accepted?: string, reason = 'NotAllowedByListeners'): KubeObject {
  const parent = { name: 'edge', namespace: 'infra' }
  const parents = accepted && [{ parentRef: parent, conditions: [{ type: 'Accepted', status: accepted, reason, message: 'm' }] }]
  const metadata = { name: 'main', namespace: 'metaverse', creationTimestamp: '2026-06-01T11:00:00Z' }
  return { apiVersion: 'v1', kind: 'HTTPRoute', metadata, spec: { parentRefs: [parent] }, status: { parents } } as KubeObject
}

const routes = { value: [aRoute('True')] }
const at = (...given: Parameters<typeof aGateway>): Partial<SeenRealm> => ({
  gateway: { gateway: { value: aGateway(...given) }, routes },
})
const selector = { from: 'Selector' as const, selector: { matchLabels: { realms: 'yes' } } }
const labelled = { namespace: { value: { metadata: { labels: { realms: 'yes' } } } } }
const pending = [{ type: 'Accepted', status: 'True' }]
const refused = [{ type: 'Accepted', status: 'False', message: 'no such class' }]

test.for<[string, Partial<SeenRealm>, string, string, RegExp]>([
  ['a Gateway that works', at(), 'gateway', 'ok', /infra\/edge is programmed, at 192\.0\.2\.7/],
  ['no Gateway', { gateway: { gateway: { value: undefined }, routes } }, 'gateway', 'failed', /no Gateway infra\/edge/],
  ['one that may not be read', { gateway: { gateway: { unseen: 'forbidden' }, routes } }, 'gateway', 'skipped', /forbidden/],
  ['one that its controller refuses', at([], refused), 'gateway', 'failed', /Accepted False: no such class/],
  ['one that no controller has programmed', at([], pending), 'gateway', 'warning', /no controller/],
  ['a listener for the realm', at(), 'listener', 'ok', /listener https is for main\.example\.org/],
  ['a listener for any host', at([listener(undefined, { hostname: undefined as never })]), 'listener', 'ok', /https/],
  ['no listener', at([]), 'listener', 'failed', /has no listener/],
  ['a listener for another host', at([listener(undefined, { hostname: '*.org' })]), 'listener', 'ok', /https/],
  [
    'a listener for one host',
    at([listener(undefined, { hostname: 'a.example.org' })]),
    'listener',
    'failed',
    /is for a\.example/,
  ],
  ['a host that only ends alike', at([listener(undefined, { hostname: '*.ple.org' })]), 'listener', 'failed', /no listener/],
  ['a listener for its own namespace', at([listener({ from: 'Same' })]), 'listener', 'failed', /namespace metaverse/],
  ['one that says nothing of namespaces', at([listener({})]), 'listener', 'failed', /namespace metaverse/],
  ['a listener for other namespaces', at([listener(selector)]), 'listener', 'failed', /namespace metaverse/],
  ['a listener for namespaces like it', { ...at([listener(selector)]), ...labelled }, 'listener', 'ok', /allows routes/],
  ['a listener without TLS', at([listener(undefined, { protocol: 'HTTP' })]), 'listener', 'warning', /has TLS/],
  ['routes that are served', at(), 'http-routes', 'ok', /accepted: main/],
  ['no routes', { gateway: { gateway: { value: aGateway() }, routes: { value: [] } } }, 'http-routes', 'failed', /created none/],
  ...(
    [
      [aRoute('False'), 'failed', /main \(NotAllowedByListeners: m\)/],
      [aRoute(), 'warning', /answered for main/],
    ] as const
  ).map(([route, state, seen]): [string, Partial<SeenRealm>, string, string, RegExp] => [
    `a route that is not served (${state})`,
    { gateway: { gateway: { value: aGateway() }, routes: { value: [route] } } },
    ...(['http-routes', state] as const),
    seen,
  ]),
])('%s is seen', ([, changes, name, state, seen]) => {
  const found = realmChecks(seenRealm({ realm, ...changes }), NOW).find((check) => check.name === name)
  expect(found).toMatchObject({ state, seen: expect.stringMatching(seen), of: 'Realm metaverse/main' })
  if (state === 'failed' || state === 'warning') expect(found?.fix).toBeDefined()
})

test('a section that the Gateway lacks is told with those that it has', () => {
  const { exposure } = realm.spec
  const sectioned = {
    ...realm,
    spec: { ...realm.spec, exposure: { ...exposure, gateway: { name: 'edge', sectionName: 'tls' } } },
  }
  const checks = realmChecks(seenRealm({ realm: sectioned, ...at() }), NOW)
  expect(checks.find(({ name }) => name === 'listener')?.fix).toContain('one of https')
})

test('the name of a realm at a Gateway is compared with the addresses of the Gateway', () => {
  const published = {
    ...{ url: 'https://main.example.org', host: 'main.example.org', addresses: ['192.0.2.99'] },
    about: { ok: true as const, status: 404, body: undefined },
  }
  const dns = realmChecks(seenRealm({ realm, published, ...at() }), NOW).find(({ name }) => name === 'dns')
  expect(dns).toMatchObject({ state: 'warning', seen: expect.stringMatching(/its Gateway is at 192\.0\.2\.7/) })
})
