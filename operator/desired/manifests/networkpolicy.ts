import type { V1LabelSelector, V1NetworkPolicyPort } from '@kubernetes/client-node'
import type { CommsCell, Realm } from '../../../crds/realm.ts'
import { hasManagedNats, isWorldRealm } from '../../../crds/world.ts'
import type { Component } from '../../observed/workload.ts'
import { usesManagedServer } from '../cells/retained.ts'
import { mediaPorts } from '../livekit-media.ts'
import { isBalanced } from '../load-balancer.ts'
import { partName, REALM_LABEL, realmChildMeta, realmSelector, serviceAccountName } from '../naming.ts'
import type { Platform } from '../platform.ts'
import { STATS_PORT } from '../settings.ts'
import { isCompact } from '../topology.ts'
import type { ManifestOf } from './kube-manifest.ts'
import { HTTP_PORT } from './pod.ts'
import { PROXY_PORTS } from './proxy-config.ts'
import { LIVEKIT_PORT } from './realm-paths.ts'

interface Peer {
  podSelector?: V1LabelSelector
  namespaceSelector?: V1LabelSelector
  ipBlock?: { cidr: string }
}
/** Without `from`: any source. */
interface Ingress {
  from?: Peer[]
  ports: V1NetworkPolicyPort[]
}
interface Egress {
  to?: Peer[]
  ports?: V1NetworkPolicyPort[]
}

/** A NetworkPolicy with the fields the operator sets. The client library's type calls a field `_from`, which only its own serializer understands. */
export type NetworkPolicy = ManifestOf<{
  podSelector: V1LabelSelector
  policyTypes: ('Ingress' | 'Egress')[]
  ingress?: Ingress[]
  egress?: Egress[]
}>

/** Policies are judged after the translation of Services, and the resolvers of OpenShift listen on 5353. */
const DNS_PORTS = [53, 5353]
const NATS_PORT = 4222
const NATS_PEER_PORT = 6222
const NATS_MONITOR_PORT = 8222
const WEB_PORTS = [80, 443]

/**
 * The NetworkPolicies of a realm. `None` closes only a Managed NATS to pods outside the realm. `Strict` has a first policy that denies
 * everything, and one policy per part that allows what this part needs: policies add up. Cells of an earlier revision, with another NATS
 * or LiveKit than the realm names now, may connect to theirs until they are replaced.
 */
export function networkPolicies(realm: Realm, platform: Platform, cells: readonly CommsCell[] = []): NetworkPolicy[] {
  const isManaged = hasManagedNats(realm)
  if (realm.spec.networkPolicy.type === 'None') return isManaged ? [natsPolicy(realm, false)] : []
  const toWeb: Egress = { ports: tcp(...WEB_PORTS, ...portsOf([...realm.spec.content.catalysts, ...walletUrls(realm, cells)])) }
  const { livekit, gatekeeper } = realm.spec
  const toGatekeeper: Egress = { to: [ofPart(realm, 'gatekeeper')], ports: tcp(HTTP_PORT) }
  const walletPorts = portsOf(walletUrls(realm, cells))
  const toWalletLists: Egress[] = walletPorts.length > 0 ? [{ ports: tcp(...walletPorts) }] : []
  const rightsPorts = portsOf(rightsUrls(realm))
  const toRights: Egress[] = rightsPorts.length > 0 ? [{ ports: tcp(...rightsPorts) }] : []
  const hasRooms = livekit.type === 'None' || cells.some(({ spec }) => !spec.livekit)
  // Policies select connectors of all topologies.
  const hasCompact = cells.some(({ spec }) => isCompact(spec))
  const ofCity = (...policies: NetworkPolicy[]) => (isWorldRealm(realm) ? [] : policies)
  return [
    denyAll(realm, platform, hasCompact ? [STATS_PORT] : []),
    ...ofCity(
      part(
        realm,
        'connector',
        [fromPlayers(realm), ...(hasCompact ? [fromPlayers(realm, STATS_PORT)] : [])],
        [
          ...toBus(realm, cells),
          toGatekeeper,
          ...toRelay(cells, platform),
          ...(hasCompact ? [...toMedia(realm, cells), toProvider(platform)] : []),
          toWeb,
        ],
      ),
      part(realm, 'archipelago', hasRooms ? [fromPlayers(realm)] : [], [
        ...toBus(realm, cells),
        ...toMedia(realm, cells),
        ...(hasRooms ? [toGatekeeper, ...toWalletLists] : []),
      ]),
    ),
    part(
      realm,
      'gatekeeper',
      [
        fromPlayers(realm),
        {
          from: [
            ofPart(realm, 'connector'),
            ...(hasRooms ? [ofPart(realm, 'archipelago')] : []),
            ...(livekit.type === 'Managed' ? [ofPart(realm, 'livekit')] : []),
          ],
          ports: tcp(HTTP_PORT),
        },
      ],
      // The address of an External database is in a Secret, which the operator does not read.
      gatekeeper.database.type === 'External'
        ? [{}]
        : [...toBus(realm), ...(isWorldRealm(realm) ? [toProvider(platform)] : []), toWeb, ...toRights, ...toMedia(realm)],
    ),
    ...(gatekeeper.database.type === 'External' ? [part(realm, 'migration', [], [{}])] : []),
    ...ofCity(part(realm, 'stats', [fromPlayers(realm)], [...toBus(realm), toProvider(platform), toWeb])),
    ...(isManaged ? [natsPolicy(realm, true)] : []),
    ...(livekit.type === 'Managed' ? [livekitPolicy(realm)] : []),
    ...(isBalanced(realm) ? [proxyPolicy(realm)] : []),
  ]
}

/** What a realm says about wallets, and what its cells do, some of which may be of an earlier revision. */
const cellsAnd = (realm: Realm, cells: readonly CommsCell[]) => [realm.spec.gatekeeper, ...cells.map(({ spec }) => spec)]

const walletUrls = (realm: Realm, cells: readonly CommsCell[]): string[] =>
  cellsAnd(realm, cells).flatMap(({ denyList, ethereum }) => [denyList, ethereum].filter((url) => url !== undefined))

/** The services that say who owns what. */
const rightsUrls = ({ spec: { gatekeeper } }: Realm): string[] =>
  [gatekeeper.places, gatekeeper.worlds, gatekeeper.leases].filter((url) => url !== undefined)

/**
 * For every pod of the realm: the operator, the realm provider and monitors may connect to it, and it may use DNS and what the user allows
 * besides.
 */
function denyAll(realm: Realm, { namespace }: Platform, ports: readonly number[]): NetworkPolicy {
  const { monitorNamespaces = [], egress = [] } = realm.spec.networkPolicy
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: realmChildMeta(realm, serviceAccountName(realm.metadata.name), 'policy'),
    spec: {
      podSelector: { matchLabels: { [REALM_LABEL]: realm.metadata.name } },
      policyTypes: ['Ingress', 'Egress'],
      ingress: [
        { from: namespaces([...new Set([namespace, ...monitorNamespaces])]), ports: tcp(HTTP_PORT, NATS_MONITOR_PORT, ...ports) },
      ],
      // To anywhere, because the DNS cache of a node has an address that no selector matches.
      egress: [
        { ports: [...DNS_PORTS.map((port) => ({ port, protocol: 'UDP' })), ...tcp(...DNS_PORTS)] },
        ...egress.map(furtherEgress),
      ],
    },
  }
}

type FurtherEgress = NonNullable<Realm['spec']['networkPolicy']['egress']>[number]

function furtherEgress({ cidrs = [], namespaces: names, podLabels, ports }: FurtherEgress): Egress {
  const pods = podLabels && { podSelector: { matchLabels: podLabels } }
  const selected = names ? namespaces(names).map((peer) => ({ ...peer, ...pods })) : pods ? [pods] : []
  const to = [...cidrs.map((cidr) => ({ ipBlock: { cidr } })), ...selected]
  return {
    ...(to.length > 0 && { to }),
    // The API server adds the protocol, and a field added inside a list looks like a difference.
    ...(ports && { ports: ports.map(({ port, protocol = 'TCP' }) => ({ port, protocol })) }),
  }
}

const part = (realm: Realm, component: Component, ingress: Ingress[], egress: Egress[]): NetworkPolicy => ({
  apiVersion: 'networking.k8s.io/v1',
  kind: 'NetworkPolicy',
  metadata: realmChildMeta(realm, partName(realm, component), component),
  spec: {
    podSelector: { matchLabels: realmSelector(realm, component) },
    policyTypes: egress.length > 0 ? ['Ingress', 'Egress'] : ['Ingress'],
    ...(ingress.length > 0 && { ingress }),
    ...(egress.length > 0 && { egress }),
  },
})

const natsPolicy = (realm: Realm, isStrict: boolean): NetworkPolicy =>
  part(
    realm,
    'nats',
    [
      { from: [ofRealm(realm)], ports: tcp(NATS_PORT) },
      { from: [ofPart(realm, 'nats')], ports: tcp(NATS_PEER_PORT) },
    ],
    isStrict ? [{ to: [ofPart(realm, 'nats')], ports: tcp(NATS_PEER_PORT) }] : [],
  )

const livekitPolicy = (realm: Realm): NetworkPolicy =>
  part(
    realm,
    'livekit',
    [fromPlayers(realm, 7880), { from: [ofRealm(realm)], ports: tcp(7880) }, { ports: mediaPolicyPorts(realm) }],
    [{}], // media goes to the addresses of players
  )

/** The proxy behind the load balancer connects to each part that a route leads to. */
const proxyPolicy = (realm: Realm): NetworkPolicy =>
  part(
    realm,
    'proxy',
    [{ ...fromOutside(realm), ports: tcp(PROXY_PORTS.http, PROXY_PORTS.https) }],
    [{ to: [ofRealm(realm)], ports: tcp(HTTP_PORT, STATS_PORT, LIVEKIT_PORT) }],
  )

/** Those inside the cluster too: a LiveKit that waits for its address, or for its turn to change, still listens there. */
function mediaPolicyPorts(realm: Realm): V1NetworkPolicyPort[] {
  const { udp, tcp: overTcp } = mediaPorts(realm) ?? {}
  const udpPorts = [...new Set([7882, ...(udp === undefined ? [] : [udp])])]
  return [...tcp(7881, ...(overTcp === undefined ? [] : [overTcp])), ...udpPorts.map((port) => ({ port, protocol: 'UDP' }))]
}

/** Players of a realm that is exposed by a load balancer come through its proxy. */
function fromPlayers(realm: Realm, port = HTTP_PORT): Ingress {
  const { from = [] } = fromOutside(realm)
  const all = [...from, ...(isBalanced(realm) ? [ofPart(realm, 'proxy')] : [])]
  return { ...(all.length > 0 && { from: all }), ports: tcp(port) }
}

function fromOutside(realm: Realm): Pick<Ingress, 'from'> {
  const { entryNamespaces, entryCidrs = [] } = realm.spec.networkPolicy
  const from = [...(entryNamespaces ? namespaces(entryNamespaces) : []), ...entryCidrs.map((cidr) => ({ ipBlock: { cidr } }))]
  return from.length > 0 ? { from } : {}
}

function toBus(realm: Realm, cells: readonly CommsCell[] = []): Egress[] {
  const { type, urls = [] } = realm.spec.nats
  const isManaged = hasManagedNats(realm) || cells.some((cell) => usesManagedServer(realm, cell, 'nats'))
  const others = cells.flatMap((cell) => (usesManagedServer(realm, cell, 'nats') ? [] : (cell.spec.nats?.urls ?? [])))
  const outside = tcp(...portsOf([...(type === 'External' ? urls : []), ...others]))
  return [
    ...(isManaged ? [{ to: [ofPart(realm, 'nats')], ports: tcp(NATS_PORT) }] : []),
    ...(outside.length > 0 ? [{ ports: outside }] : []),
  ]
}

/** The relay runs beside the operator. */
function toRelay(cells: readonly CommsCell[], { namespace }: Platform): Egress[] {
  const ports = tcp(...portsOf(cells.flatMap(({ spec }) => spec.movement?.reportsUrl ?? [])))
  return ports.length > 0 ? [{ to: namespaces([namespace]), ports }] : []
}

/** The realm provider runs beside the operator. */
const toProvider = ({ namespace }: Platform): Egress => ({ to: namespaces([namespace]), ports: tcp(HTTP_PORT) })

function toMedia(realm: Realm, cells: readonly CommsCell[] = []): Egress[] {
  const { type, url } = realm.spec.livekit
  const isManaged = type === 'Managed' || cells.some((cell) => usesManagedServer(realm, cell, 'livekit'))
  const others = cells.flatMap((cell) => (usesManagedServer(realm, cell, 'livekit') ? [] : (cell.spec.livekit?.url ?? [])))
  // A Managed LiveKit that has another address for players is reached at that address by the realm's pods too.
  const outside = tcp(...portsOf([...(url ? [url] : []), ...others]))
  return [
    ...(isManaged ? [{ to: [ofPart(realm, 'livekit')], ports: tcp(7880) }] : []),
    ...(outside.length > 0 ? [{ ports: outside }] : []),
  ]
}

const DEFAULT_PORTS: Readonly<Record<string, number>> = {
  nats: NATS_PORT,
  tls: NATS_PORT,
  http: 80,
  ws: 80,
  https: 443,
  wss: 443,
}

/** The ports of URLs: those written, else the default of the scheme. */
const portsOf = (urls: readonly string[]): number[] =>
  urls.flatMap((url) => {
    const [, scheme = '', port] = /^([a-z]+):\/\/[^/?#]*?(?::(\d+))?(?:[/?#]|$)/.exec(url) ?? []
    return port ? Number(port) : (DEFAULT_PORTS[scheme] ?? [])
  })

const tcp = (...ports: number[]): V1NetworkPolicyPort[] => [...new Set(ports)].map((port) => ({ port, protocol: 'TCP' }))
const ofRealm = (realm: Realm): Peer => ({ podSelector: { matchLabels: { [REALM_LABEL]: realm.metadata.name } } })
const ofPart = (realm: Realm, component: Component): Peer => ({ podSelector: { matchLabels: realmSelector(realm, component) } })
const namespaces = (values: string[]): Peer[] => [
  { namespaceSelector: { matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values }] } },
]
