import { expect, test } from 'vitest'
import type { RealmSpec } from '../../../crds/realm.ts'
import type { ObservedRoutes, RouteState } from '../../observed/route.ts'
import { aRealm } from '../realm.fixtures.ts'
import { routeCondition, routePatienceLeftMs } from './route-condition.ts'

const now = Date.parse('2026-11-28T12:00:00Z')
const waiting = (ageS: number): RouteState => ({ state: 'waiting', since: now - ageS * 1000 })
const accepted: RouteState = { state: 'accepted' }

const ingress: RealmSpec['exposure'] = { type: 'Ingress', host: 'main.example.org', className: 'nginx' }
const gateway: RealmSpec['exposure'] = {
  type: 'Gateway',
  host: 'main.example.org',
  gateway: { name: 'edge', namespace: 'infra' },
}

/** The condition of a realm with one Ingress, or with two HTTPRoutes of which the second has accepted. */
function conditionOf(exposure: RealmSpec['exposure'], answer?: RouteState, seen: Partial<ObservedRoutes> = {}) {
  const names = exposure.type === 'Ingress' ? ['main'] : ['main', 'main.slots-0']
  const kind = exposure.type === 'Ingress' ? 'Ingress' : 'HTTPRoute'
  const expected = names.map((name) => ({ kind, name }))
  const routes = expected.flatMap(({ name }, index) => {
    const own = index === 0 ? answer : accepted
    return own ? [{ kind, name, answer: own }] : []
  })
  const condition = routeCondition(
    aRealm({ exposure }),
    expected,
    { routes, hasGatewayApi: true, parentExists: true, ...seen },
    now,
  )
  return [condition?.status, condition?.reason, condition?.message].join(' ')
}

test('a realm without routes of the operator has no such condition', () => {
  expect(routeCondition(aRealm(), [], { routes: [], hasGatewayApi: false, parentExists: undefined }, now)).toBeUndefined()
})

test('routes that every controller accepted are accepted', () => {
  expect(conditionOf(ingress, accepted)).toMatch(/^True Accepted/)
  expect(conditionOf(gateway, accepted)).toBe('True Accepted the Gateway infra/edge serves the realm')
})

test('silence is waited for, and reported before half a minute has passed', () => {
  for (const exposure of [ingress, gateway]) {
    expect(conditionOf(exposure, waiting(20))).toMatch(/^Unknown Waiting no controller has answered yet for \w+ main$/)
    expect(conditionOf(exposure)).toMatch(/^Unknown Waiting not all routes exist yet/)
  }
  expect(conditionOf(gateway, waiting(25))).toMatch(/^False NotAnswered .*HTTPRoute main: .*Gateway infra\/edge/)
  const routes = (...answers: RouteState[]) =>
    routePatienceLeftMs(
      { routes: answers.map((answer) => ({ kind: 'HTTPRoute', name: 'main', answer })), hasGatewayApi: true, parentExists: true },
      now,
    )
  expect(routes(waiting(5), accepted, waiting(20))).toBe(5000)
  expect(routes(accepted, waiting(26))).toBeUndefined()
})

test('an Ingress without an address may be served nevertheless, and the message says what to look at', () => {
  expect(conditionOf(ingress, waiting(25))).toMatch(/^Unknown NoAddress .*Ingress main: .*class nginx runs/)
  expect(conditionOf({ type: 'Ingress', host: 'main.example.org' }, waiting(25), { parentExists: undefined })).toMatch(
    /^Unknown NoAddress .*set exposure\.className/,
  )
})

test('a time of an API server that is a day ahead keeps no silence from being reported', () => {
  expect(conditionOf(gateway, waiting(-86_400))).toMatch(/^False NotAnswered/)
})

test('what a route belongs to and is not there is named at once, also while an earlier address is still in the Ingress', () => {
  expect(conditionOf(ingress, accepted, { parentExists: false })).toMatch(/^False ClassMissing there is no IngressClass nginx: /)
  expect(conditionOf(gateway, waiting(0), { parentExists: false })).toMatch(
    /^False GatewayMissing there is no Gateway infra\/edge: create it/,
  )
  expect(conditionOf({ ...gateway, gateway: { name: 'edge' } }, waiting(0), { parentExists: false })).toContain('metaverse/edge')
  expect(conditionOf(gateway, undefined, { hasGatewayApi: false })).toMatch(/^False GatewayApiMissing .*install the CRDs/)
  expect(conditionOf(ingress, accepted, { hasGatewayApi: false })).toMatch(/^True/)
})

test.each([
  ['NotAllowedByListeners', /allow routes of the namespace metaverse/],
  ['NoMatchingListenerHostname', /exposure\.host/],
  ['NoMatchingParent', /exposure\.gateway\.sectionName/],
  ['UnsupportedValue', /requestTimeout: Unset/],
  ['SomethingElse', /\(SomethingElse: words of the controller\)$/],
])('a refusal with the reason %s is passed on with a remedy', (reason, remedy) => {
  const said = conditionOf(gateway, { state: 'refused', reason, message: 'words of the controller' })
  expect(said).toMatch(/^False NotAccepted .*does not accept HTTPRoute main \(\w+: words of the controller\)/)
  expect(said).toMatch(remedy)
})

test('backends that the controller does not find are reported, after a refusal', () => {
  const unresolved: RouteState = { state: 'unresolved', reason: 'BackendNotFound', message: 'no Service' }
  expect(conditionOf(gateway, unresolved)).toMatch(/^False BackendsNotResolved .*HTTPRoute main \(BackendNotFound: no Service\)/)
})
