import type { Realm, RealmReasons } from '../../../crds/realm.ts'
import type { ObservedRoute, ObservedRoutes, RouteName, RouteState } from '../../observed/route.ts'
import { ageMs, isFromFuture } from '../../observed/stamp.ts'
import type { ConditionDraft } from './conditions.ts'

type Reason = RealmReasons['RouteAccepted']

/** How long a controller may take to answer before its silence is reported. */
const PATIENCE_MS = 25_000

/**
 * Whether the controller of the Ingress, or of the Gateway, serves the routes of a realm; undefined for a realm without any. No decision of the
 * operator depends on the condition; an Ingress beside HTTPRoutes waits for the answers themselves.
 *
 * @param expected the routes that the realm should have
 */
export function routeCondition(
  realm: Realm,
  expected: readonly RouteName[],
  { routes, hasGatewayApi, parentExists }: ObservedRoutes,
  now: number,
): ConditionDraft<RealmReasons> | undefined {
  const type = 'RouteAccepted'
  const say = (status: 'True' | 'False' | 'Unknown', reason: Reason, message: string) =>
    ({ type, status, reason, message }) as const
  if (expected.length === 0) return undefined
  const ofGateway = realm.spec.exposure.type === 'Gateway'
  if (ofGateway && !hasGatewayApi) return say('False', 'GatewayApiMissing', NO_GATEWAY_API)
  if (parentExists === false)
    return ofGateway
      ? say('False', 'GatewayMissing', `there is no ${gatewayOf(realm)}: create it, or correct exposure.gateway`)
      : say('False', 'ClassMissing', `there is no IngressClass ${classOf(realm)}: ${ANOTHER_CLASS}`)
  const found = expected.map(({ kind, name }) => routes.find((route) => route.kind === kind && route.name === name))
  for (const state of ['refused', 'unresolved'] as const)
    for (const route of found) {
      const { answer } = route ?? {}
      if (route && answer?.state === state) return say('False', REASONS[state], answerText(realm, route, answer))
    }
  if (found.includes(undefined))
    return say('Unknown', 'Waiting', 'not all routes exist yet; if it lasts, see the condition Stalled')
  const silent = found.flatMap((route) => (route?.answer.state === 'waiting' ? [{ ...route, since: route.answer.since }] : []))
  if (silent.length === 0) return say('True', 'Accepted', acceptedText(realm))
  if (silent.some(({ since }) => patienceLeft(since, now) > 0))
    return say('Unknown', 'Waiting', `no controller has answered yet for ${textOf(silent)}`)
  return ofGateway
    ? say('False', 'NotAnswered', `no controller answers for ${textOf(silent)}: see that one manages the ${gatewayOf(realm)}`)
    : say('Unknown', 'NoAddress', noAddressText(realm, silent))
}

/** How long until the silence of a controller is reported, in milliseconds; undefined where none is awaited. */
export function routePatienceLeftMs(routes: ObservedRoutes | undefined, now: number): number | undefined {
  const left = (routes?.routes ?? []).flatMap(({ answer }) =>
    answer.state === 'waiting' ? [patienceLeft(answer.since, now)] : [],
  )
  const pending = left.filter((ms) => ms > 0)
  return pending.length > 0 ? Math.min(...pending) : undefined
}

// The API server's clock wrote that time. One that is far ahead must not keep the silence from being reported.
const patienceLeft = (since: number, now: number): number =>
  Number.isNaN(since) || isFromFuture(since, now) ? 0 : PATIENCE_MS - ageMs(since, now)

const REASONS = { refused: 'NotAccepted', unresolved: 'BackendsNotResolved' } as const

const NO_GATEWAY_API =
  'this cluster has no HTTPRoutes of gateway.networking.k8s.io/v1: install the CRDs of the Gateway API and a controller for them, or choose another exposure.type'
const ANOTHER_CLASS = 'set exposure.className to one that kubectl get ingressclass lists, or install its controller'

const classOf = ({ spec }: Realm): string => spec.exposure.className ?? ''

function gatewayOf({ metadata, spec }: Realm): string {
  const { name = '', namespace = metadata.namespace } = spec.exposure.gateway ?? {}
  return `Gateway ${namespace}/${name}`
}

const textOf = (routes: readonly ObservedRoute[]): string => routes.map(({ kind, name }) => `${kind} ${name}`).join(', ')

const acceptedText = (realm: Realm): string =>
  realm.spec.exposure.type === 'Gateway' ? `the ${gatewayOf(realm)} serves the realm` : 'an Ingress controller serves the realm'

function noAddressText(realm: Realm, silent: readonly ObservedRoute[]): string {
  const { className } = realm.spec.exposure
  const remedy = className
    ? `see that the controller of the class ${className} runs, and that it publishes its address`
    : 'set exposure.className where the cluster has no default IngressClass, and see that the controller publishes its address'
  return `no controller has written its address into ${textOf(silent)}: ${remedy}. Players may reach the realm nevertheless where it publishes none`
}

/** What a person can do about an answer; where nothing is known, the words of the controller have to do. */
const REMEDIES: Readonly<Record<string, (realm: Realm) => string>> = {
  NotAllowedByListeners: ({ metadata }) =>
    `let a listener of the Gateway allow routes of the namespace ${metadata.namespace} (allowedRoutes.namespaces)`,
  NoMatchingListenerHostname: () => 'choose an exposure.host that a listener of the Gateway is for, or add such a listener',
  NoMatchingParent: () => 'correct exposure.gateway.sectionName',
  UnsupportedValue: () => 'where the controller does not support timeouts, set exposure.gateway.requestTimeout: Unset',
}

function answerText(
  realm: Realm,
  route: ObservedRoute,
  { state, reason, message }: Extract<RouteState, { reason: string }>,
): string {
  const what = state === 'refused' ? 'does not accept' : 'cannot resolve the backends of'
  const remedy = REMEDIES[reason]?.(realm)
  const words = [reason, message].filter((text) => text !== '').join(': ')
  return `the controller of the ${gatewayOf(realm)} ${what} ${textOf([route])} (${words})${remedy ? `; ${remedy}` : ''}`
}
