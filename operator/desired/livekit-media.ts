import type { Realm, RealmStatus } from '../../crds/realm.ts'
import type { LoadBalancerState } from '../observed/load-balancer.ts'
import { livekitMediaName } from './naming.ts'

/** How players reach the media of a Managed LiveKit. */
export type LivekitMedia =
  /** Inside the cluster only, at the address of its pod. Also of a realm without a Managed LiveKit. */
  | { state: 'InsideCluster' }
  /** At these addresses, one of each family at most. LiveKit names them to players, with the ports on which it listens itself. */
  | { state: 'Open'; addresses: readonly string[] }
  /** The load balancer has no address yet, or a host name in place of addresses. */
  | { state: 'Waiting'; hostName?: string }

/** @param balancer that of the media Service, as last seen; undefined where there is none */
export function livekitMedia({ spec }: Realm, balancer: LoadBalancerState | undefined): LivekitMedia {
  const { type, service } = spec.livekit
  if (type !== 'Managed' || !service) return { state: 'InsideCluster' }
  const { ipv4, ipv6 } = service.addresses ?? {}
  const given = [ipv4, ipv6].filter((address) => address !== undefined)
  const addresses = given.length > 0 ? given : oneOfEachFamily(balancer?.addresses ?? [])
  if (addresses.length > 0) return { state: 'Open', addresses }
  return { state: 'Waiting', ...(balancer?.hostName && { hostName: balancer.hostName }) }
}

function oneOfEachFamily(addresses: readonly string[]): string[] {
  const isIpv6 = (address: string) => address.includes(':')
  const first = [addresses.find((address) => !isIpv6(address)), addresses.find(isIpv6)]
  return first.filter((address) => address !== undefined)
}

/** The ports of media: of the players, of the Service and of LiveKit itself. Without `tcp`, there are none over TCP. */
export interface MediaPorts {
  udp: number
  tcp?: number
}

const UDP_PORT = 7882

/** The ports at which players outside the cluster reach media; undefined where they do not. */
export function mediaPorts({ spec }: Realm): MediaPorts | undefined {
  const { service } = spec.livekit
  return service && { udp: service.udpPort ?? UDP_PORT, ...(service.tcpPort !== undefined && { tcp: service.tcpPort }) }
}

/** Whether the host of a realm, or its load balancer, leads to the signalling of its LiveKit: not where the user names another URL for it. */
export const isSignallingRouted = ({ spec: { livekit, exposure } }: Realm): boolean =>
  livekit.type === 'Managed' &&
  livekit.service !== undefined &&
  livekit.url === undefined &&
  (exposure.host !== undefined || exposure.type === 'LoadBalancer')

/** What the status of a realm says of its LiveKit. */
export function livekitStatus(realm: Realm, media: LivekitMedia, url: string | undefined): RealmStatus['livekit'] {
  const ports = mediaPorts(realm)
  if (media.state !== 'Open' || !ports || url === undefined) return undefined
  const { udp, tcp } = ports
  return { url, addresses: [...media.addresses], udpPort: udp, ...(tcp !== undefined && { tcpPort: tcp }) }
}

/** Why LiveKit does not start, or does not change yet, and the remedy; undefined while it waits for nothing. */
export function mediaProblem(realm: Realm, media: LivekitMedia): string | undefined {
  if (media.state !== 'Waiting') return undefined
  const service = livekitMediaName(realm)
  return media.hostName
    ? `the load balancer of the Service ${service} has the host name ${media.hostName}, and LiveKit tells players addresses: give it fixed ones by livekit.service.annotations, and name them in livekit.service.addresses`
    : `LiveKit waits for the address of the load balancer of the Service ${service}: kubectl describe service ${service} says what keeps it; where the cluster has no load balancers, use livekit.service.type NodePort`
}
