import type { Realm } from '../../crds/realm.ts'
import type { LoadBalancerState } from '../observed/load-balancer.ts'
import { proxyName } from './naming.ts'

/** How players reach a realm that is exposed by a load balancer. */
export type PublicBalancer =
  /** The realm is exposed in another way, or not at all. */
  | { state: 'None' }
  /** At this address, an IP address or a host name. */
  | { state: 'Open'; address: string }
  /** The load balancer has no address; `last`: the one it had. */
  | { state: 'Waiting'; last?: string }

/** Whether a realm is exposed by a load balancer of its own. */
export const isBalanced = ({ spec }: Pick<Realm, 'spec'>): boolean => spec.exposure.type === 'LoadBalancer'

/** @param balancer that of the Service of the realm's proxy, as last seen; undefined where there is none */
export function publicBalancer(realm: Realm, balancer: LoadBalancerState | undefined): PublicBalancer {
  if (!isBalanced(realm)) return { state: 'None' }
  const address = addressOf(balancer)
  if (address) return { state: 'Open', address }
  const last = realm.status?.loadBalancer?.address
  return { state: 'Waiting', ...(last && { last }) }
}

// Explorers take one URL. More of them reach an IPv4 address.
function addressOf({ addresses, hostName }: LoadBalancerState = { addresses: [] }): string | undefined {
  return addresses.find((address) => !isIpv6(address)) ?? addresses[0] ?? hostName
}

const isIpv6 = (address: string): boolean => address.includes(':')

/**
 * A realm that is exposed by a load balancer and names no host has the address of the load balancer as its host, so that all its URLs have it. While
 * the load balancer has lost its address, the last one stands: the players who are connected keep their cells.
 */
export function atBalancer(realm: Realm, balancer: LoadBalancerState | undefined): Realm {
  // Realms of before there was a default have no exposure.
  if (realm.spec.exposure?.type !== 'LoadBalancer' || realm.spec.exposure.host) return realm
  const address = addressOf(balancer) ?? realm.status?.loadBalancer?.address
  if (!address) return realm
  const host = isIpv6(address) ? `[${address}]` : address
  return { ...realm, spec: { ...realm.spec, exposure: { ...realm.spec.exposure, host } } }
}

/** Whether the cells of a realm wait for an address: their URLs would be others with it. */
export const awaitsAddress = (realm: Realm): boolean => isBalanced(realm) && !realm.spec.exposure.host

/** Why players do not reach the realm by its load balancer yet, and the remedy; undefined while it has an address. */
export function balancerProblem(realm: Realm, balancer: PublicBalancer): string | undefined {
  if (balancer.state !== 'Waiting') return undefined
  const service = proxyName(realm)
  const effect = awaitsAddress(realm) ? 'the realm waits for it, because its URLs name it' : 'players cannot connect by it'
  const state = balancer.last
    ? `the load balancer of the Service ${service} had the address ${balancer.last} and has none now`
    : `the load balancer of the Service ${service} has no address yet, and ${effect}`
  return `${state}: kubectl describe service ${service} says what keeps it; where the cluster has no load balancers, use exposure.type Ingress or Gateway`
}

/** What the status of a realm says of its load balancer. */
export function balancerStatus(balancer: PublicBalancer): { loadBalancer?: { address: string } } {
  const address = balancer.state === 'Open' ? balancer.address : balancer.state === 'Waiting' ? balancer.last : undefined
  return address ? { loadBalancer: { address } } : {}
}
