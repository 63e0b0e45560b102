import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import type { Realm, RealmSpec } from '../../../crds/realm.ts'
import { aRealm, aRealmWithoutLivekit, platform } from '../realm.fixtures.ts'
import { networkPolicies } from './networkpolicy.ts'

const strict = { type: 'Strict' } as const
const policy = (realm: Realm, name: string) =>
  networkPolicies(realm, platform).find(({ metadata }) => metadata.name === name)?.spec
const external: RealmSpec['nats'] = { type: 'External', urls: ['nats://nats.infra', 'tls://nats.infra:4443'] }

test('a Strict realm has these policies', async () => {
  const realm = aRealm({ networkPolicy: { ...strict, entryNamespaces: ['ingress'], monitorNamespaces: ['monitoring'] } })
  const policies = networkPolicies(realm, platform).map((object) => stringify(object, { aliasDuplicateObjects: false }))
  await expect(policies.join('---\n')).toMatchFileSnapshot('golden/networkpolicies.yaml')
})

test('without a policy only a Managed NATS is closed to pods outside the realm', () => {
  expect(networkPolicies(aRealm(), platform).map(({ metadata }) => metadata.name)).toEqual(['main-nats'])
  expect(policy(aRealm(), 'main-nats')?.policyTypes).toEqual(['Ingress'])
  expect(networkPolicies(aRealm({ nats: external }), platform)).toEqual([])
})

test('the first policy denies everything in both directions for every pod of the realm', () => {
  expect(policy(aRealm({ networkPolicy: strict }), 'main-realm')).toMatchObject({
    podSelector: { matchLabels: { 'comms.decentraland.org/realm': 'main' } },
    policyTypes: ['Ingress', 'Egress'],
  })
})

test('players may connect from anywhere unless entryNamespaces restricts it', () => {
  const ingress = (entryNamespaces?: string[]) =>
    policy(aRealm({ networkPolicy: { ...strict, ...(entryNamespaces && { entryNamespaces }) } }), 'main-connector')?.ingress
  expect(ingress()).toEqual([{ ports: [{ port: 8080, protocol: 'TCP' }] }])
  expect(ingress(['traefik'])).toMatchObject([{ from: [{ namespaceSelector: { matchExpressions: [{ values: ['traefik'] }] } }] }])
})

test('players may connect to an archipelago only where it has the rooms', () => {
  expect(policy(aRealm({ networkPolicy: strict }), 'main-archipelago')?.ingress).toBeUndefined()
  expect(policy(aRealmWithoutLivekit({ networkPolicy: strict }), 'main-archipelago')?.ingress).toHaveLength(1)
})

test('servers outside are allowed by the ports of their URLs, written or default', () => {
  const realm = aRealm({
    networkPolicy: strict,
    nats: external,
    livekit: { url: 'wss://livekit.example.org:7443' },
    content: { catalysts: ['https://peer.example.org/content', 'http://[::1]:6969/x'] },
  })
  const ports = (name: string) =>
    policy(realm, name)
      ?.egress?.flatMap((rule) => rule.ports ?? [])
      .map(({ port }) => port)
  expect(ports('main-archipelago')).toEqual([4222, 4443, 7443])
  expect(ports('main-stats')).toEqual([4222, 4443, 8080, 80, 443, 6969])
})

test('connectors may query the gatekeeper also where only an entry namespace may come in', () => {
  const realm = aRealm({ networkPolicy: { ...strict, entryNamespaces: ['ingress'] } })
  const ports = [{ port: 8080, protocol: 'TCP' }]
  const of = (component: string) => [
    {
      podSelector: {
        matchLabels: expect.objectContaining({ 'app.kubernetes.io/component': component }),
      },
    },
  ]
  expect(policy(realm, 'main-connector')?.egress).toContainEqual({ to: of('gatekeeper'), ports })
  expect(policy(realm, 'main-gatekeeper')?.ingress).toContainEqual({ from: of('connector'), ports })
})

test('a deny list and an Ethereum server are allowed by their ports', () => {
  const gatekeeper = { denyList: 'https://lists.example.org:8443/x', ethereum: 'http://eth.infra:8545' }
  const realm = aRealmWithoutLivekit({ networkPolicy: strict, gatekeeper })
  const ports = (name: string) =>
    policy(realm, name)
      ?.egress?.flatMap((rule) => rule.ports ?? [])
      .map(({ port }) => port)
  expect(ports('main-connector')).toEqual(expect.arrayContaining([8443, 8545]))
  expect(ports('main-gatekeeper')).toEqual(expect.arrayContaining([8443, 8545]))
  expect(ports('main-archipelago')).toEqual(expect.arrayContaining([8443, 8545]))
})

test('the services that say who owns what are allowed by their ports, to the gatekeeper alone', () => {
  const gatekeeper = {
    places: 'http://places:8001/api',
    worlds: 'https://worlds.example.org:8002',
    leases: 'http://leases:8003/x',
  }
  const realm = aRealm({ networkPolicy: strict, gatekeeper })
  const ports = (name: string) =>
    policy(realm, name)
      ?.egress?.flatMap((rule) => rule.ports ?? [])
      .map(({ port }) => port)
  expect(ports('main-gatekeeper')).toEqual(expect.arrayContaining([8001, 8002, 8003]))
  expect(ports('main-connector')).not.toContain(8001)
})

test('a gatekeeper with an External database may connect anywhere, because only its Secret has the address', () => {
  const database = { type: 'External', secret: { name: 'postgres', key: 'url' } } as const
  expect(policy(aRealm({ networkPolicy: strict, gatekeeper: { database } }), 'main-gatekeeper')?.egress).toEqual([{}])
})

describe('a Strict realm', () => {
  const of = (more: Partial<RealmSpec['networkPolicy']>) => aRealm({ networkPolicy: { ...strict, ...more } })
  const egressOf = (egress: RealmSpec['networkPolicy']['egress']) =>
    policy(of({ ...(egress && { egress }) }), 'main-realm')?.egress?.slice(1)

  test('reaches resolvers on the ports on which their pods listen', () => {
    const ports = ['UDP', 'TCP'].flatMap((protocol) => [53, 5353].map((port) => ({ port, protocol })))
    expect(policy(of({}), 'main-realm')?.egress).toEqual([{ ports }])
  })

  test('lets all its pods open the connections that the user allows besides', () => {
    const inMesh = { namespaceSelector: { matchExpressions: [expect.objectContaining({ values: ['istio-system'] })] } }
    expect(egressOf([{ namespaces: ['istio-system'], podLabels: { app: 'istiod' }, ports: [{ port: 15012 }] }])).toEqual([
      { to: [{ ...inMesh, podSelector: { matchLabels: { app: 'istiod' } } }], ports: [{ port: 15012, protocol: 'TCP' }] },
    ])
    expect(egressOf([{ cidrs: ['192.0.2.0/24', '2001:db8::/32'], ports: [{ port: 3128, protocol: 'UDP' }] }])).toEqual([
      {
        to: [{ ipBlock: { cidr: '192.0.2.0/24' } }, { ipBlock: { cidr: '2001:db8::/32' } }],
        ports: [{ port: 3128, protocol: 'UDP' }],
      },
    ])
    expect(egressOf([{ podLabels: { app: 'proxy' } }])).toEqual([{ to: [{ podSelector: { matchLabels: { app: 'proxy' } } }] }])
    expect(egressOf([{ ports: [{ port: 8443 }] }])).toEqual([{ ports: [{ port: 8443, protocol: 'TCP' }] }])
  })

  test('lets players in from networks as well as from namespaces', () => {
    const from = (more: Partial<RealmSpec['networkPolicy']>) => policy(of(more), 'main-connector')?.ingress?.[0]?.from
    const nodes = { ipBlock: { cidr: '10.0.0.0/16' } }
    expect(from({ entryCidrs: ['10.0.0.0/16'] })).toEqual([nodes])
    expect(from({ entryNamespaces: ['traefik'], entryCidrs: ['10.0.0.0/16'] })).toEqual([
      { namespaceSelector: expect.anything() },
      nodes,
    ])
  })
})
