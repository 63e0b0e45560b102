import { describe, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { conditionOf, type Realm } from '../../../crds/realm.ts'
import type { ObservedRealm } from '../../observed/workload.ts'
import { planRealm } from '../plan.ts'
import { aRealm, platform, site } from '../realm.fixtures.ts'
import { realmStatus } from '../status/realm-status.ts'
import { planWorld } from '../world-plan.ts'
import type { KubeManifest } from './kube-manifest.ts'
import { realmObjects } from './objects.ts'

type Service = NonNullable<Realm['spec']['livekit']['service']>

const host = { type: 'Ingress', host: 'main.example.org', tlsSecretName: 'main-tls' } as const

function aManaged(service: Service | undefined, exposure: Partial<Realm['spec']['exposure']> = host, url?: string): Realm {
  const realm = aRealm({ exposure, cells: { max: 1 } })
  return { ...realm, spec: { ...realm.spec, livekit: { type: 'Managed', ...(service && { service }), ...(url && { url }) } } }
}

const nothing: ObservedRealm = { cells: [], services: [] }
const planOf = (realm: Realm, observed = nothing) =>
  realm.spec.mode === 'World' ? planWorld(realm, observed, site) : planRealm(realm, observed, site)
const objectsOf = (realm: Realm, observed = nothing) => realmObjects(realm, planOf(realm, observed), platform)
const named = (objects: readonly KubeManifest[], kind: string, name: string) =>
  objects.find((object) => object.kind === kind && object.metadata.name === name)
const configOf = (objects: readonly KubeManifest[]): string => stringify(named(objects, 'Deployment', 'main-livekit') ?? {})
const statusOf = (realm: Realm, observed = nothing) =>
  realmStatus({
    ...{ realm, plan: planOf(realm, observed), observed, urls: site.urls(realm), livekitUrl: site.livekit(realm)?.url },
    ...{ reachability: [], publication: { state: 'unknown', aboutUrl: '' }, failure: undefined, now: 0 },
  })

const nodePort: Service = {
  type: 'NodePort',
  addresses: { ipv4: '203.0.113.7', ipv6: '2001:db8::7' },
  udpPort: 30_782,
  tcpPort: 30_781,
}
const balanced: Service = { type: 'LoadBalancer', loadBalancerClass: 'example.org/udp', annotations: { 'example.org/pool': 'a' } }
const running = { component: 'livekit', desired: 1, current: 1, updated: 1, ready: 1, existing: 1 } as const

test('a LiveKit at node ports listens on their numbers, and tells players them and the addresses of the spec', async () => {
  const objects = objectsOf(aManaged(nodePort)).filter(({ metadata }) => metadata.name.startsWith('main-livekit'))
  const text = objects.map((object) => stringify(object, { aliasDuplicateObjects: false })).join('---\n')
  await expect(text).toMatchFileSnapshot('golden/livekit-node-port.yaml')
})

describe('a LiveKit behind a load balancer', () => {
  const realm = aManaged(balanced)
  const seen = (addresses: string[], hostName?: string): ObservedRealm => ({
    ...nothing,
    livekitBalancer: { addresses, ...(hostName && { hostName }) },
  })

  test('has its Service at once, and starts when that has an address', () => {
    for (const observed of [nothing, seen([])]) {
      expect(named(objectsOf(realm, observed), 'Deployment', 'main-livekit')).toBeUndefined()
      expect(named(objectsOf(realm, observed), 'Service', 'main-livekit-media')).toMatchObject({
        metadata: { annotations: { 'example.org/pool': 'a' } },
        spec: {
          type: 'LoadBalancer',
          loadBalancerClass: 'example.org/udp',
          ports: [{ name: 'rtc-udp', port: 7882, targetPort: 'rtc-udp', protocol: 'UDP' }],
        },
      })
    }
    const config = configOf(objectsOf(realm, seen(['2001:db8::9', '203.0.113.9', '203.0.113.10'])))
    expect(config).toContain('node_ip: "203.0.113.9,2001:db8::9"')
    expect(config).toContain('tcp_port: 0')
  })

  test('says that it waits, and what to do', () => {
    const { conditions = [], livekit } = statusOf(realm)
    expect(livekit).toBeUndefined()
    const dependencies = conditionOf({ status: { conditions } }, 'DependenciesReady')
    expect(dependencies).toMatchObject({ status: 'False', reason: 'MediaAddressMissing' })
    expect(dependencies?.message).toContain('kubectl describe service main-livekit-media')
    expect(conditionOf({ status: { conditions } }, 'Reconciling')).toMatchObject({ status: 'True' })
    expect(conditionOf({ status: { conditions } }, 'Ready')?.status).toBe('False')
  })

  test('keeps the address of the spec whatever the load balancer says', () => {
    const given = aManaged({ ...balanced, addresses: { ipv4: '198.51.100.1' } })
    expect(configOf(objectsOf(given))).toContain('node_ip: "198.51.100.1"')
    expect(objectsOf(given, seen(['203.0.113.9']))).toEqual(objectsOf(given))
  })

  test('says that a host name does not do', () => {
    const { conditions = [] } = statusOf(realm, seen([], 'lb.example.net'))
    const { message } = conditionOf({ status: { conditions } }, 'DependenciesReady') ?? {}
    expect(message).toMatch(/lb\.example\.net.*livekit\.service\.addresses/)
  })

  test('is being changed as long as one that runs waits for its new address', () => {
    const { conditions = [] } = statusOf(realm, { ...nothing, services: [running] })
    expect(conditionOf({ status: { conditions } }, 'Reconciling')?.message).toContain('waits for the address')
  })

  test('is named in the status where players reach it', () => {
    expect(statusOf(realm, seen(['203.0.113.9'])).livekit).toEqual({
      url: 'wss://main.example.org',
      addresses: ['203.0.113.9'],
      udpPort: 7882,
    })
    expect(statusOf(aManaged(undefined)).livekit).toBeUndefined()
    const taken = { ...seen(['203.0.113.9']), addressTakenBy: { namespace: 'metaverse', name: 'other' } }
    expect(statusOf(realm, taken).livekit).toBeUndefined()
  })
})

describe('the signalling of a LiveKit for players outside', () => {
  const rule = { path: '/rtc', pathType: 'Prefix', backend: { service: { name: 'main-livekit', port: { name: 'http' } } } }

  test('is at the host of the realm, and the gatekeeper stays inside the cluster', () => {
    const objects = objectsOf(aManaged(nodePort))
    expect(named(objects, 'Ingress', 'main')).toMatchObject({
      metadata: {
        annotations: {
          'nginx.org/websocket-services': 'main-slot-0,main-livekit',
          'projectcontour.io/websocket-routes': '/cells/0,/rtc',
        },
      },
      spec: { rules: [{ http: { paths: expect.arrayContaining([rule]) } }] },
    })
    expect(site.livekit(aManaged(nodePort))?.url).toBe('wss://main.example.org')
    expect(site.livekitApiUrl(aManaged(nodePort))).toBe('ws://main-livekit.metaverse.svc.cluster.local:7880')
  })

  test('is routed by a Gateway to its own port', () => {
    const exposure = { type: 'Gateway', host: 'main.example.org', gateway: { name: 'edge' }, tls: 'Terminated' } as const
    expect(named(objectsOf(aManaged(nodePort, exposure)), 'HTTPRoute', 'main')).toMatchObject({
      spec: {
        rules: expect.arrayContaining([
          expect.objectContaining({
            matches: [{ path: { type: 'PathPrefix', value: '/rtc' } }],
            backendRefs: [{ group: '', kind: 'Service', name: 'main-livekit', port: 7880, weight: 1 }],
          }),
        ]),
      },
    })
  })

  test('is that of a World too', () => {
    const realm = aManaged(nodePort)
    const world: Realm = {
      ...realm,
      spec: { ...realm.spec, mode: 'World', world: { scenes: [], access: { type: 'Public' }, capacity: 100 } },
    }
    expect(stringify(named(objectsOf(world), 'Ingress', 'main'))).toContain('path: /rtc')
    expect(configOf(objectsOf(world))).toContain('203.0.113.7,2001:db8::7')
  })

  test.each([
    ['without a Service for players outside', aManaged(undefined)],
    ['at a URL of the user', aManaged(nodePort, host, 'wss://livekit.example.org')],
  ])('is not at the host of a realm %s', (_, realm) => {
    expect(stringify(named(objectsOf(realm), 'Ingress', 'main'))).not.toContain('/rtc')
  })
})

test('a gatekeeper that is held, as for a restore of its database, does not restart LiveKit', () => {
  const realm = aManaged(undefined)
  const held = { ...realm, spec: { ...realm.spec, gatekeeper: { ...realm.spec.gatekeeper, replicas: 0 } } }
  expect(configOf(objectsOf(realm))).toContain('livekit-webhook')
  expect(configOf(objectsOf(held))).toEqual(configOf(objectsOf(realm)))
})
