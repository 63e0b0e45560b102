import type { Realm } from '../../../crds/realm.ts'
import type { RetainedRoutes } from '../cells/retained.ts'
import { gatekeeperRouteName, realmChildMeta, slotsRouteName } from '../naming.ts'
import type { ManifestOf } from './kube-manifest.ts'
import { SERVICE_PORT } from './kube-service.ts'
import { gatekeeperPaths, realmPaths, type ServicePaths } from './realm-paths.ts'

/**
 * An HTTPRoute of the Gateway API with the fields the operator sets. Those that have a default are written out, so that what the API server
 * stores is what was sent.
 */
export type HttpRoute = ManifestOf<{ parentRefs: ParentRef[]; hostnames: string[]; rules: HttpRouteRule[] }>

interface ParentRef {
  group: string
  kind: 'Gateway'
  name: string
  namespace: string
  sectionName?: string
}

interface HttpRouteRule {
  matches: { path: { type: 'PathPrefix'; value: string } }[]
  backendRefs: { group: ''; kind: 'Service'; name: string; port: number; weight: 1 }[]
  timeouts?: { request: string }
}

/** An HTTPRoute has at most 16 rules, and a slot with rooms of its own takes two of them. */
const SLOTS_PER_ROUTE = 8

/**
 * The HTTPRoutes at the host of a realm, if it asks for a Gateway: one for its services and one for every eight slots below `cells.max`. As
 * with an Ingress, scaling and rollouts never change them; a larger `cells.max` adds to the last, or adds further ones.
 */
export function realmHttpRoutes(realm: Realm, retained?: RetainedRoutes): HttpRoute[] {
  const { type, host } = realm.spec.exposure
  if (type !== 'Gateway' || !host) return []
  const { slots, services } = realmPaths(realm, retained)
  const firsts = slots.flatMap((_, slot) => (slot % SLOTS_PER_ROUTE === 0 ? [slot] : []))
  return [
    httpRouteOf(realm, realm.metadata.name, [host], services),
    ...firsts.map((first) =>
      httpRouteOf(realm, slotsRouteName(realm, first), [host], slots.slice(first, first + SLOTS_PER_ROUTE).flat()),
    ),
  ]
}

/** The HTTPRoute of further hosts of the gatekeeper, apart from those of the realm as its Ingress would be. */
export const gatekeeperHttpRoute = (realm: Realm, hosts: readonly string[]): HttpRoute =>
  httpRouteOf(realm, gatekeeperRouteName(realm), hosts, [gatekeeperPaths(realm)])

function httpRouteOf(realm: Realm, name: string, hosts: readonly string[], backends: readonly ServicePaths[]): HttpRoute {
  const { gateway, annotations } = realm.spec.exposure
  const meta = realmChildMeta(realm, name, 'route')
  // A time-out of a request is, with many controllers, one of the WebSocket that it becomes.
  const timeouts = gateway?.requestTimeout === 'Unset' ? {} : { timeouts: { request: '0s' } }
  return {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: annotations ? { ...meta, annotations } : meta,
    spec: {
      parentRefs: [
        {
          group: 'gateway.networking.k8s.io',
          kind: 'Gateway',
          name: gateway?.name ?? '',
          namespace: gateway?.namespace ?? realm.metadata.namespace,
          ...(gateway?.sectionName && { sectionName: gateway.sectionName }),
        },
      ],
      hostnames: [...hosts],
      rules: backends.map(({ service, port = SERVICE_PORT, paths }) => ({
        matches: paths.map((value) => ({ path: { type: 'PathPrefix', value } })),
        backendRefs: [{ group: '', kind: 'Service', name: service, port, weight: 1 }],
        ...timeouts,
      })),
    },
  }
}
