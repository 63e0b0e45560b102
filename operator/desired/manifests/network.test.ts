import { describe, expect, test } from 'vitest'
import type { Realm } from '../../../crds/realm.ts'
import { aRealm, aRealmWithoutLivekit, compact, platform } from '../realm.fixtures.ts'
import { anEnd, type Network, type NetworkEnd, networkOf } from './network.fixtures.ts'

const networkPolicy: Realm['spec']['networkPolicy'] = {
  type: 'Strict',
  entryNamespaces: ['ingress'],
  monitorNamespaces: ['monitoring'],
}
const operator = anEnd('operator', platform.namespace)
const entry = anEnd('ingress controller', 'ingress')
const monitor = anEnd('prometheus', 'monitoring')
const neighbour = anEnd('another pod of the namespace', 'metaverse', { app: 'shop' })
const stranger = anEnd('a pod of another namespace', 'elsewhere', { 'comms.decentraland.org/realm': 'main' })
const outside = anEnd('the internet')

function managed(url?: string): Realm {
  const realm = aRealm({ networkPolicy, nats: { replicas: 3 } })
  return { ...realm, spec: { ...realm.spec, livekit: { type: 'Managed', ...(url && { url }) } } }
}
const realms: Record<string, Realm> = {
  'with Managed servers': managed(),
  'whose LiveKit players reach by another address': managed('wss://livekit.example.org:7443'),
  'with rooms of its own': aRealmWithoutLivekit({ networkPolicy }),
  'with External servers': aRealm({
    networkPolicy,
    nats: { type: 'External', urls: ['tls://nats.example.org:4443'], credentials: { secretName: 'nats' } },
    livekit: { url: 'wss://livekit.example.org:7443', credentials: { secretName: 'livekit' } },
    gatekeeper: { replicas: 2, database: { type: 'External', secret: { name: 'postgres', key: 'url' } } },
    content: { catalysts: ['https://peer.example.org:6969'] },
  }),
}

/** The destinations of the URLs in the environment of a pod: pods behind a Service, or an address outside the cluster. */
function destinationsOf({ pods, services }: Network, { env }: NetworkEnd): { url: string; to: NetworkEnd; port: number }[] {
  // The URL of rooms is for players; no pod connects to it.
  const urls = Object.entries(env).flatMap(([name, value]) => (name === 'ROOMS_URL' ? [] : value.split(',')))
  return urls.flatMap((url) => {
    if (!/^[a-z]+:\/\//.test(url)) return []
    const { protocol, hostname, port } = new URL(url)
    const usual = { 'nats:': 4222, 'tls:': 4222, 'ws:': 80, 'http:': 80 }[protocol] ?? 443
    const at = Number(port) || usual
    // The servers of a NATS reach each other by names below that of the Service.
    const service = hostname.split('.').flatMap((label) => services[label] ?? [])[0]
    if (!service || !hostname.endsWith('.cluster.local')) return [{ url, to: outside, port: at }]
    const behind = Object.values(pods).filter(({ labels }) =>
      Object.entries(service.selector).every(([key, value]) => labels[key] === value),
    )
    const target = service.ports.find((each) => each.port === at)?.targetPort
    return behind.map((to) => ({ url, to, port: typeof target === 'number' ? target : (to.ports[String(target)] ?? 0) }))
  })
}

describe.each(Object.entries(realms))('a Strict realm %s', (_, realm) => {
  const network = networkOf(realm)
  const { pods, mayReach } = network
  const all = Object.values(pods)

  test('allows each pod to reach the URLs in its environment, and DNS', () => {
    const destinations = all.flatMap((from) => destinationsOf(network, from).map((destination) => ({ from, ...destination })))
    expect(destinations.length).toBeGreaterThanOrEqual(4)
    for (const { from, to, port, url } of destinations) expect(mayReach(from, to, port), `${from.name} to ${url}`).toBe(true)
    for (const from of all) expect(mayReach(from, outside, 53, 'UDP'), from.name).toBe(true)
  })

  test('allows players to reach the services for players, through the entry namespaces only', () => {
    const served = ['connector', 'gatekeeper', 'stats', ...(realm.spec.livekit.type === 'None' ? ['archipelago'] : [])]
    for (const pod of all.filter(({ ports }) => ports.http === 8080))
      expect(mayReach(entry, pod, 8080), pod.name).toBe(served.includes(pod.name))
    for (const from of [neighbour, stranger, outside])
      for (const pod of all) expect(mayReach(from, pod, 8080), `${from.name} to ${pod.name}`).toBe(false)
  })

  test('allows stats to reach the realm provider', () => {
    const from = (name: string) => mayReach(pods[name] ?? neighbour, anEnd('realm provider', platform.namespace), 8080)
    expect([from('stats'), from('connector'), from('archipelago')]).toEqual([true, false, false])
  })

  test('allows the operator and monitors to reach HTTP ports, but not the bus', () => {
    for (const from of [operator, monitor]) {
      for (const pod of all) if (pod.ports.http === 8080) expect(mayReach(from, pod, 8080), pod.name).toBe(true)
      for (const pod of all) expect(mayReach(from, pod, 4222), pod.name).toBe(false)
    }
  })

  test('allows connectors and embedded rooms to query bans, and no other connection between parts that need none', () => {
    const speakers = ['connector', 'archipelago', 'gatekeeper', 'stats'].flatMap((name) => pods[name] ?? [])
    expect(speakers).toHaveLength(4)
    for (const from of speakers)
      for (const to of speakers) {
        const hasPlayers = from === pods.connector || (from === pods.archipelago && realm.spec.livekit.type === 'None')
        const isBanQuery = hasPlayers && to === pods.gatekeeper
        expect(mayReach(from, to, 8080), `${from.name} to ${to.name}`).toBe(isBanQuery)
      }
    for (const name of ['connector', 'archipelago', 'stats'])
      for (const port of [22, 5432, 8080]) expect(mayReach(pods[name] ?? neighbour, outside, port), name).toBe(false)
  })
})

test('the gatekeeper of a Strict World reaches the realm provider, and that of a City, whose statistics do, does not', () => {
  const world = { scenes: ['urn:decentraland:entity:bafkscene'], access: { type: 'Public' as const }, capacity: 100 }
  for (const [mode, isAllowed] of [
    [{ mode: 'World' as const, world }, true],
    [{}, false],
  ] as const) {
    const { pods, mayReach } = networkOf(aRealm({ ...mode, networkPolicy }))
    expect(mayReach(pods.gatekeeper ?? neighbour, anEnd('realm provider', platform.namespace), 8080)).toBe(isAllowed)
  }
})

test.each([
  ['with LiveKit', compact(managed())],
  ['with rooms of its own', compact(aRealmWithoutLivekit({ networkPolicy }))],
])('a Strict realm of Compact cells %s allows its one process what its services need, at both ports', (_, realm) => {
  const network = networkOf(realm)
  const { pods, mayReach } = network
  expect(Object.keys(pods)).not.toContain('archipelago')
  expect(Object.keys(pods)).not.toContain('stats')
  const { connector = neighbour, gatekeeper = neighbour } = pods
  for (const { to, port, url } of destinationsOf(network, connector)) expect(mayReach(connector, to, port), url).toBe(true)
  expect(mayReach(connector, anEnd('realm provider', platform.namespace), 8080)).toBe(true)
  for (const port of [8080, 8081]) {
    for (const from of [entry, operator]) expect(mayReach(from, connector, port), `${from.name} to ${port}`).toBe(true)
    for (const from of [neighbour, stranger, outside]) expect(mayReach(from, connector, port), from.name).toBe(false)
  }
  expect(mayReach(entry, gatekeeper, 8081)).toBe(false)
})

test('only pods of its realm may connect to a Managed NATS, Strict or not', () => {
  for (const policy of [{ type: 'None' as const }, networkPolicy]) {
    const { pods, mayReach } = networkOf(aRealm({ networkPolicy: policy, nats: { replicas: 3 } }))
    const { nats = neighbour, connector = neighbour } = pods
    const ofOther = { ...connector, labels: { ...connector.labels, 'comms.decentraland.org/realm': 'other' } }
    expect(mayReach(connector, nats, 4222)).toBe(true)
    expect(mayReach(nats, nats, 6222)).toBe(true)
    expect(mayReach(connector, nats, 6222)).toBe(false)
    for (const from of [ofOther, neighbour, stranger, entry, outside]) expect(mayReach(from, nats, 4222), from.name).toBe(false)
  }
})

test('media of a Managed LiveKit may go to any address', () => {
  const { pods, mayReach } = networkOf(managed())
  const { livekit = neighbour } = pods
  expect(mayReach(outside, livekit, 7882, 'UDP')).toBe(true)
  expect(mayReach(outside, livekit, 7881)).toBe(true)
  expect(mayReach(livekit, outside, 50_000, 'UDP')).toBe(true)
  expect(mayReach(outside, livekit, 7880)).toBe(false)
})

test('the ports of a LiveKit that players outside reach are open to all, and no port beside them', () => {
  const service = { type: 'NodePort', addresses: { ipv4: '203.0.113.7' }, udpPort: 30_782, tcpPort: 30_781 } as const
  const realm = managed()
  const { pods, mayReach } = networkOf({ ...realm, spec: { ...realm.spec, livekit: { type: 'Managed', service } } })
  const { livekit = neighbour } = pods
  expect(livekit.ports).toMatchObject({ 'rtc-udp': 30_782, 'rtc-tcp': 30_781 })
  expect(mayReach(outside, livekit, 30_782, 'UDP')).toBe(true)
  expect(mayReach(outside, livekit, 30_781)).toBe(true)
  expect(mayReach(outside, livekit, 30_782)).toBe(false)
  expect(mayReach(entry, livekit, 7880)).toBe(true)
  expect(mayReach(outside, livekit, 7880)).toBe(false)
})
