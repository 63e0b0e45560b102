import type { V1PodTemplateSpec } from '@kubernetes/client-node'
import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import crds from '../../../crds/crds.gen.json' with { type: 'json' }
import { conditionOf, type Realm } from '../../../crds/realm.ts'
import type { LoadBalancerState } from '../../observed/load-balancer.ts'
import type { ObservedRealm } from '../../observed/workload.ts'
import { atBalancer } from '../load-balancer.ts'
import { planRealm } from '../plan.ts'
import { aRealm, aServingCell, platform, site } from '../realm.fixtures.ts'
import { realmStatus } from '../status/realm-status.ts'
import { planWorld } from '../world-plan.ts'
import type { KubeManifest } from './kube-manifest.ts'
import { realmObjects } from './objects.ts'
import { proxyConfig } from './proxy-config.ts'
import { MAX_SLOTS, realmPaths } from './realm-paths.ts'

type Exposure = Realm['spec']['exposure']

const balanced = (exposure: Partial<Exposure> = {}, spec: Parameters<typeof aRealm>[0] = {}): Realm =>
  aRealm({ ...spec, exposure: { type: 'LoadBalancer', ...exposure } })
const nothing: ObservedRealm = { cells: [], services: [] }
const at = (...addresses: string[]): LoadBalancerState => ({ addresses })
const planOf = (realm: Realm, observed: ObservedRealm) =>
  realm.spec.mode === 'World' ? planWorld(realm, observed, site) : planRealm(realm, observed, site)
const objectsOf = (realm: Realm, observed = nothing) => realmObjects(realm, planOf(realm, observed), platform)
const proxyOf = (realm: Realm) => objectsOf(realm).filter(({ metadata }) => metadata.name === 'main-proxy')
const kindOf = (objects: readonly KubeManifest[], kind: string) => objects.find((object) => object.kind === kind)

/** A realm as the operator sees it with what its load balancer has written. */
function seen(declared: Realm, publicBalancer?: LoadBalancerState, more: Partial<ObservedRealm> = {}) {
  const realm = atBalancer(declared, publicBalancer)
  const observed = { ...nothing, ...more, ...(publicBalancer && { publicBalancer }) }
  const plan = planOf(realm, observed)
  const status = realmStatus({
    ...{ realm, plan, observed, urls: site.urls(realm), isInCluster: true, failure: undefined, now: 0 },
    ...{ publication: { state: 'unknown', aboutUrl: '' } },
  })
  const of = (type: string) => conditionOf({ status }, type)
  return { plan, status, of, realm }
}

test('a realm with a load balancer has a proxy, its configuration, a budget and one Service, and no Ingress', async () => {
  const realm = balanced({
    host: 'main.example.org',
    tlsSecretName: 'main-tls',
    serviceAnnotations: { 'example.org/pool': 'a' },
    loadBalancer: { loadBalancerClass: 'example.org/tcp', sourceRanges: ['198.51.100.0/24'] },
  })
  const text = proxyOf(realm).map((object) => stringify(object, { aliasDuplicateObjects: false }))
  await expect(text.join('---\n')).toMatchFileSnapshot('golden/load-balancer.yaml')
  expect(kindOf(objectsOf(realm), 'Ingress')).toBeUndefined()
  const services = objectsOf(realm).filter(({ kind, metadata }) => kind === 'Service' && metadata.name !== 'main-proxy')
  expect(services.every(({ metadata }) => metadata.annotations === undefined)).toBe(true)
})

test('one pod has no budget, which could only keep a node from being drained', () => {
  const kinds = proxyOf(balanced({ loadBalancer: { replicas: 1, externalTrafficPolicy: 'Cluster' } })).map(({ kind }) => kind)
  expect(kinds).toEqual(['ConfigMap', 'Deployment', 'Service'])
})

test('the Service has a port for TLS only where there is TLS', () => {
  const portsOf = (realm: Realm) =>
    (kindOf(proxyOf(realm), 'Service') as { spec?: { ports: { port: number }[] } } | undefined)?.spec?.ports.map(
      ({ port }) => port,
    )
  expect(portsOf(balanced())).toEqual([80])
  expect(portsOf(balanced({ host: 'main.example.org', tls: 'Terminated' }))).toEqual([80, 443])
  const ofGatekeeper = balanced({ host: 'a.example.org' }, { gatekeeper: { hosts: ['b.example.org'], tlsSecretName: 'gk-tls' } })
  expect(portsOf(ofGatekeeper)).toEqual([80, 443])
})

describe('the configuration', () => {
  const targetsOf = (text: string) =>
    new Map(
      [...text.matchAll(/location (= )?(\S+) \{ proxy_pass http:\/\/([\w-]+)\.\S+:(\d+)\$request_uri;/g)].map((hit) => [
        `${hit[2]}`,
        `${hit[3]}:${hit[4]}`,
      ]),
    )

  test.each([
    ['with LiveKit for players', balanced({}, { livekit: { type: 'Managed', service: { type: 'LoadBalancer' } } })],
    ['with embedded rooms', balanced({}, { livekit: { type: 'None' } })],
    ['in mode World', balanced({}, { mode: 'World', livekit: { type: 'None' } })],
  ])('of a realm %s leads to what an Ingress would lead to', (_, realm) => {
    const targets = targetsOf(proxyConfig(realm, 'cluster.local', []))
    const { slots, services } = realmPaths(realm)
    for (const { service, port = 80, paths } of [...slots.flat(), ...services])
      for (const path of paths)
        expect([targets.get(path), targets.get(`${path}/`)]).toEqual([`${service}:${port}`, `${service}:${port}`])
  })

  test('stays what it is when cells.max is raised, whatever that may be', () => {
    const of = (max: number) => proxyConfig(balanced({}, { cells: { max } }), 'cluster.local', [])
    expect(of(32)).toBe(of(1))
    const [version] = crds['realm.crd.yaml'].spec.versions
    expect(version?.schema.openAPIV3Schema.properties.spec.properties.cells.properties.max.maximum).toBe(MAX_SLOTS)
  })

  test('does not end a socket in which nobody says anything', () => {
    const text = proxyConfig(balanced(), 'cluster.local', [])
    expect(text).toContain('proxy_read_timeout 86400s;')
    expect(text).toContain('proxy_send_timeout 86400s;')
    expect(text).not.toContain('worker_shutdown_timeout')
  })
})

test('pods change for another certificate, and not for other routes', () => {
  const templateOf = (realm: Realm) =>
    (kindOf(proxyOf(realm), 'Deployment') as { spec?: { template: V1PodTemplateSpec } } | undefined)?.spec?.template
  const host = 'main.example.org'
  expect(templateOf(balanced({ host }, { livekit: { type: 'None' } }))).toEqual(templateOf(balanced({ host: 'b.example.org' })))
  const withTls = templateOf(balanced({ host, tlsSecretName: 'main-tls' }))
  expect(withTls?.spec?.volumes).toContainEqual(
    expect.objectContaining({ secret: expect.objectContaining({ secretName: 'main-tls' }) }),
  )
  expect(withTls).not.toEqual(templateOf(balanced({ host })))
})

describe('a realm without a host', () => {
  test('makes no cell before its load balancer has an address, and says what keeps it', () => {
    const { plan, status, of, realm } = seen(balanced())
    expect(plan).toMatchObject({ cells: [], endpoints: [] })
    expect(objectsOf(realm).map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toContain('Service main-proxy')
    const problem = expect.stringMatching(/no address yet.*kubectl describe service main-proxy.*exposure\.type/)
    expect(of('RouteAccepted')).toMatchObject({ status: 'False', reason: 'AddressPending', message: problem })
    expect(of('Ready')).toMatchObject({ status: 'False', reason: 'AddressPending', message: problem })
    expect(of('Reconciling')).toMatchObject({ status: 'True', reason: 'AddressPending', message: problem })
    expect(of('Stalled')).toMatchObject({ status: 'False' })
    expect(of('ExplorersSupported')?.message).toContain('once its load balancer has an address')
    expect(status.loadBalancer).toBeUndefined()
  })

  test.each([
    ['an IPv4 address', at('2001:db8::7', '203.0.113.7'), '203.0.113.7', '203.0.113.7'],
    ['an IPv6 address', at('2001:db8::7'), '2001:db8::7', '[2001:db8::7]'],
    ['a host name', { addresses: [], hostName: 'a.elb.example.com' }, 'a.elb.example.com', 'a.elb.example.com'],
  ])('uses %s of its load balancer in all URLs', (_, balancer, address, host) => {
    const { plan, status, of } = seen(balanced(), balancer)
    expect(plan.cells.map(({ spec }) => spec.url)).toEqual([`ws://${host}/cells/0`])
    expect(status).toMatchObject({ loadBalancer: { address }, urls: { gatekeeper: `http://${host}/gatekeeper` } })
    expect(of('RouteAccepted')).toMatchObject({
      status: 'True',
      message: expect.stringContaining('have to enter anew if it changes'),
    })
    expect(of('ExplorersSupported')?.message).toContain('set exposure.host, and exposure.tlsSecretName')
  })

  test('keeps its URLs while the load balancer has lost its address, and says so', () => {
    const realm = { ...balanced(), status: { loadBalancer: { address: '203.0.113.7' } } }
    const { plan, status, of } = seen(realm, at())
    expect(plan.cells.map(({ spec }) => spec.url)).toEqual(['ws://203.0.113.7/cells/0'])
    expect(status.loadBalancer).toEqual({ address: '203.0.113.7' })
    expect(of('RouteAccepted')).toMatchObject({
      reason: 'AddressPending',
      message: expect.stringContaining('had the address 203.0.113.7'),
    })
    expect(of('Ready')?.reason).not.toBe('AddressPending')
  })

  test('leaves the cells and the URLs of another exposure as they are until it has an address', () => {
    const before = aRealm({ exposure: { type: 'Ingress', host: 'main.example.org' } })
    const [planned] = planRealm(before, nothing, site).cells
    const cell = { ...aServingCell(before), spec: planned?.spec ?? aServingCell(before).spec }
    const waiting = seen(balanced(), undefined, { cells: [cell] })
    expect(waiting.plan.cells.map(({ metadata, spec }) => [metadata.name, spec.url])).toEqual([
      ['main-0', 'ws://main.example.org/cells/0'],
    ])
    const open = seen(balanced(), at('203.0.113.7'), { cells: [cell] })
    expect(open.plan.cells.map(({ spec }) => spec.url)).toEqual(['ws://203.0.113.7/cells/0'])
  })

  test('has no endpoint of a world before there is an address', () => {
    const world = balanced({}, { mode: 'World' })
    const gatekeeper = { component: 'gatekeeper', desired: 1, current: 1, updated: 1, ready: 1, existing: 1 } as const
    expect(seen(world, undefined, { services: [gatekeeper] }).plan.endpoints).toEqual([])
    expect(seen(world, undefined, { services: [gatekeeper] }).of('Ready')?.reason).toBe('AddressPending')
    expect(seen(world, at('203.0.113.7'), { services: [gatekeeper] }).plan.endpoints).toHaveLength(1)
  })
})

test('a realm with a host starts its cells at once, and says where its name has to lead', () => {
  const realm = balanced({ host: 'main.example.org', tls: 'Terminated' })
  expect(seen(realm).plan.cells.map(({ spec }) => spec.url)).toEqual(['wss://main.example.org/cells/0'])
  expect(seen(realm).of('RouteAccepted')).toMatchObject({
    reason: 'AddressPending',
    message: expect.stringContaining('players cannot connect'),
  })
  const { of } = seen(realm, at('203.0.113.7'))
  expect(of('RouteAccepted')?.message).toContain('203.0.113.7; the name main.example.org has to lead there')
})

test('cells trust the addresses that a proxy in the cluster names', () => {
  const [cell] = seen(balanced(), at('203.0.113.7')).plan.cells
  expect(cell?.spec.exposure?.trustedProxies?.cidrs).toContain('10.0.0.0/8')
})

test('with strict policies, players come in through the proxy alone', () => {
  const policies = objectsOf(balanced({}, { networkPolicy: { type: 'Strict' } })).filter(({ kind }) => kind === 'NetworkPolicy')
  const ingressOf = (name: string) =>
    (
      policies.find(({ metadata }) => metadata.name === name) as
        | { spec?: { ingress?: { from?: object[]; ports: { port: number }[] }[] } }
        | undefined
    )?.spec?.ingress
  const proxy = { podSelector: { matchLabels: expect.objectContaining({ 'app.kubernetes.io/component': 'proxy' }) } }
  expect(ingressOf('main-connector')?.[0]?.from).toEqual([proxy])
  expect(ingressOf('main-stats')?.[0]?.from).toEqual([proxy])
  expect(ingressOf('main-proxy')).toEqual([
    {
      ports: [
        { port: 8080, protocol: 'TCP' },
        { port: 8443, protocol: 'TCP' },
      ],
    },
  ])
})
