import type { V1Namespace } from '@kubernetes/client-node'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import type { Realm } from '../../crds/realm.ts'
import { MANAGER } from '../../operator/desired/naming.ts'
import { httpRouteState } from '../../operator/kubernetes/cache/route-state.ts'
import { type Seen, seenValue } from '../cluster/seen.ts'
import type { Check } from '../output/checks.ts'
import { checkOf, failed, passed, warning } from './check.ts'

/** A Gateway of the Gateway API, with the fields that a route depends on. */
export interface Gateway extends KubeObject {
  spec?: { listeners?: Listener[] }
  status?: {
    addresses?: { value?: string }[]
    conditions?: { type: string; status: string; reason?: string; message?: string }[]
  }
}

interface Listener {
  name: string
  protocol: string
  hostname?: string
  allowedRoutes?: {
    namespaces?: {
      from?: 'All' | 'Same' | 'Selector' | 'None'
      selector?: { matchLabels?: Record<string, string>; matchExpressions?: unknown[] }
    }
  }
}

/** What was read for a realm at a Gateway. */
export interface GatewayFacts {
  gateway: Seen<Gateway | undefined>
  routes: Seen<KubeObject[]>
}

/** The addresses at which the Gateway of a realm is reached, as far as its controller says. */
export const addressesOfGateway = (facts: GatewayFacts | undefined): string[] => {
  const gateway = facts && seenValue(facts.gateway)
  return (gateway?.status?.addresses ?? []).flatMap(({ value }) => value ?? [])
}

/** Those of a realm at a Gateway; `namespace` is its own, undefined where it could not be read. */
export function gatewayChecks(realm: Realm, { gateway, routes }: GatewayFacts, namespace: V1Namespace | undefined): Check[] {
  const labels = namespace && (namespace.metadata?.labels ?? {})
  return [
    checkOf('gateway', gateway, (found) => gatewayState(found, realm)),
    ...(seenValue(gateway)
      ? [checkOf('listener', gateway, (found) => listenerState(found?.spec?.listeners ?? [], realm, labels))]
      : []),
    checkOf('http-routes', routes, (found) => routesState(found, realm)),
  ]
}

const nameOf = ({ spec, metadata }: Realm): string =>
  `${spec.exposure.gateway?.namespace ?? metadata.namespace}/${spec.exposure.gateway?.name}`

function gatewayState(gateway: Gateway | undefined, realm: Realm): Omit<Check, 'name'> {
  const name = nameOf(realm)
  if (!gateway) return failed(`there is no Gateway ${name}`, 'create it, or correct spec.exposure.gateway')
  const [namespace, short] = name.split('/')
  const fix = `kubectl describe -n ${namespace} gateway ${short}; does the controller of its class run?`
  const { addresses = [], conditions = [] } = gateway.status ?? {}
  const wrong = conditions.find(({ type, status }) => (type === 'Accepted' || type === 'Programmed') && status === 'False')
  if (wrong) return failed(`its controller says ${wrong.type} False: ${wrong.message ?? wrong.reason ?? ''}`, fix)
  if (!conditions.some(({ type, status }) => type === 'Programmed' && status === 'True'))
    return warning('no controller has programmed it', fix)
  const at = addresses.map(({ value }) => value).join(', ')
  return passed(`${name} is programmed${at ? `, at ${at}` : ''}`)
}

/** The first listener that takes the routes of a realm, or why each of them does not. */
function listenerState(
  listeners: readonly Listener[],
  realm: Realm,
  labels: Record<string, string> | undefined,
): Omit<Check, 'name'> {
  const { host = '', gateway, tls } = realm.spec.exposure
  const { namespace } = realm.metadata
  const named = listeners.filter(({ name }) => gateway?.sectionName === undefined || name === gateway.sectionName)
  if (named.length === 0)
    return failed(
      `it has no listener ${gateway?.sectionName ?? ''}`.trimEnd(),
      `spec.exposure.gateway.sectionName: one of ${listeners.map(({ name }) => name).join(', ')}`,
    )
  const forHost = named.filter(({ hostname }) => isFor(hostname, host))
  if (forHost.length === 0)
    return failed(
      `no listener is for ${host}: ${named.map(({ name, hostname }) => `${name} is for ${hostname}`).join(', ')}`,
      'choose another spec.exposure.host, or add a listener',
    )
  const sameNamespace = (gateway?.namespace ?? namespace) === namespace
  const open = forHost.filter((listener) => allows(listener, sameNamespace, labels))
  if (open.length === 0)
    return failed(
      `no listener for ${host} allows routes of the namespace ${namespace}`,
      'set allowedRoutes.namespaces of the listener',
    )
  const secure = open.find(({ protocol }) => protocol === 'HTTPS')
  if (tls === 'Terminated' && !secure)
    return warning(
      `no listener for ${host} has TLS, and spec.exposure.tls says that it ends there: right only with a proxy in front`,
      'add a listener with protocol HTTPS, or remove spec.exposure.tls',
    )
  return passed(`the listener ${(secure ?? open[0])?.name} is for ${host}, and allows routes of ${namespace}`)
}

const isFor = (hostname: string | undefined, host: string): boolean =>
  hostname === undefined || hostname === host || (hostname.startsWith('*.') && host.endsWith(hostname.slice(1)))

/** What cannot be judged here, such as labels that were not read, is left to the controller. */
function allows({ allowedRoutes }: Listener, sameNamespace: boolean, labels: Record<string, string> | undefined): boolean {
  const { from = 'Same', selector } = allowedRoutes?.namespaces ?? {}
  if (from === 'Same') return sameNamespace
  if (from !== 'Selector' || !labels) return from !== 'None'
  return Object.entries(selector?.matchLabels ?? {}).every(([key, value]) => labels[key] === value)
}

function routesState(routes: readonly KubeObject[], { metadata }: Realm): Omit<Check, 'name'> {
  if (routes.length === 0) return failed('the operator has created none', 'see the conditions of the Realm')
  const states = routes.map((route) => ({ name: route.metadata.name, state: httpRouteState(route, MANAGER) }))
  const fix = `see RouteAccepted of the Realm; kubectl describe -n ${metadata.namespace} httproute`
  const wrong = states.flatMap(({ name, state }) => ('reason' in state ? [`${name} (${state.reason}: ${state.message})`] : []))
  if (wrong.length > 0) return failed(`the controller does not serve ${wrong.join(', ')}`, fix)
  const silent = states.filter(({ state }) => state.state === 'waiting').map(({ name }) => name)
  if (silent.length > 0) return warning(`no controller has answered for ${silent.join(', ')}`, fix)
  return passed(`accepted: ${states.map(({ name }) => name).join(', ')}`)
}
