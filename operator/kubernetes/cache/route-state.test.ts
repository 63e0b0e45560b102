import { expect, test } from 'vitest'
import type { KubeObject } from '../../../cells/kube/kube-object.ts'
import { httpRouteState, ingressState } from './route-state.ts'

const WRITTEN = '2026-11-28T12:00:05Z'
const metadata = {
  name: 'main',
  namespace: 'metaverse',
  generation: 2,
  creationTimestamp: '2026-11-28T12:00:00Z',
  managedFields: [
    { manager: 'realm-operator', operation: 'Apply', time: WRITTEN },
    { manager: 'controller', operation: 'Update', subresource: 'status', time: '2026-11-28T12:00:09Z' },
  ],
} as KubeObject['metadata']

const condition = (type: string, status: string, observedGeneration = 2) => ({
  type,
  status,
  reason: `${type}Reason`,
  message: 'said',
  observedGeneration,
})
const edge = { group: 'gateway.networking.k8s.io', kind: 'Gateway', namespace: 'infra', name: 'edge' }
const stateOf = (...parents: { parentRef?: object; conditions?: object[] }[]) =>
  httpRouteState({ metadata, spec: { parentRefs: [edge] }, status: { parents } } as unknown as KubeObject, 'realm-operator')
const waiting = { state: 'waiting', since: Date.parse(WRITTEN) }
const good = [condition('Accepted', 'True'), condition('ResolvedRefs', 'True')]

test('an Ingress is accepted once it has an address', () => {
  const live = (ingress?: object[]) => ({ metadata, ...(ingress && { status: { loadBalancer: { ingress } } }) }) as KubeObject
  expect(ingressState(live([{ ip: '203.0.113.7' }]), 'realm-operator')).toEqual({ state: 'accepted' })
  expect(ingressState(live([]), 'realm-operator')).toEqual(waiting)
  expect(ingressState(live(), 'realm-operator')).toEqual(waiting)
})

test('an HTTPRoute is accepted by its parent once both of its conditions say so', () => {
  expect(stateOf({ parentRef: edge, conditions: good })).toEqual({ state: 'accepted' })
  expect(stateOf({ parentRef: edge, conditions: [condition('Accepted', 'False'), condition('ResolvedRefs', 'False')] })).toEqual({
    state: 'refused',
    reason: 'AcceptedReason',
    message: 'said',
  })
  expect(stateOf({ parentRef: edge, conditions: [condition('Accepted', 'True'), condition('ResolvedRefs', 'False')] })).toEqual({
    state: 'unresolved',
    reason: 'ResolvedRefsReason',
    message: 'said',
  })
})

test.each([
  ['there is none', []],
  ['it is about an earlier generation', [{ parentRef: edge, conditions: [condition('Accepted', 'False', 1)] }]],
  ['it is for another Gateway', [{ parentRef: { ...edge, name: 'other' }, conditions: good }]],
  ['it is for a Gateway of the namespace of the route', [{ parentRef: { name: 'edge' }, conditions: good }]],
  ['it is for one listener', [{ parentRef: { ...edge, sectionName: 'https' }, conditions: good }]],
  ['it has no conditions yet', [{ parentRef: edge }]],
  ['it has no parent', [{ conditions: good }]],
])('an answer is awaited where %s', (_, parents) => {
  expect(stateOf(...parents)).toEqual(waiting)
})

test('of two controllers that answer for one Gateway, the one that serves it counts', () => {
  const refused = { parentRef: edge, conditions: [condition('Accepted', 'False')] }
  expect(stateOf(refused, { parentRef: edge, conditions: good })).toEqual({ state: 'accepted' })
})
