import { expect, test } from 'vitest'
import { childOf } from './child.ts'

const workloadOf = (status: object, replicas = 1) =>
  childOf('Deployment', {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'd', namespace: 'n', generation: 2 },
    spec: { replicas },
    status: { observedGeneration: 2, ...status },
  } as never).workload

test('during a rolling change only ready pods of the current template count as updated', () => {
  expect(workloadOf({ replicas: 1, updatedReplicas: 1, readyReplicas: 1 })).toMatchObject({ current: 1, updated: 1, ready: 1 })
  // One pod of the template before is ready, one of the current template is Pending.
  expect(workloadOf({ replicas: 2, updatedReplicas: 1, readyReplicas: 1, unavailableReplicas: 1 })).toMatchObject({
    current: 1,
    updated: 0,
    ready: 1,
  })
  expect(workloadOf({ replicas: 2, updatedReplicas: 1, readyReplicas: 2 })).toMatchObject({ current: 1, updated: 1, ready: 2 })
  expect(workloadOf({ replicas: 4, updatedReplicas: 2, readyReplicas: 3 }, 3)).toMatchObject({ current: 2, updated: 1, ready: 3 })
  expect(workloadOf({ replicas: 1, updatedReplicas: 1 })).toMatchObject({ current: 1, updated: 0, ready: 0 })
})

test('a Service has the addresses that its load balancer wrote, and no others', () => {
  const balancerOf = (type: string, ingress?: object[]) => {
    const metadata = { name: 's', namespace: 'n' }
    const live = { apiVersion: 'v1', kind: 'Service', metadata, spec: { type }, status: { loadBalancer: { ingress } } }
    return childOf('Service', live as never).balancer
  }
  expect(balancerOf('LoadBalancer')).toEqual({ addresses: [] })
  expect(
    balancerOf('LoadBalancer', [
      { ip: '203.0.113.7' },
      { ip: '2001:db8::7' },
      { ip: 'x\n  keys: none' },
      { ip: 'fe80::1%eth0' },
      {},
    ]),
  ).toEqual({
    addresses: ['203.0.113.7', '2001:db8::7'],
  })
  expect(balancerOf('LoadBalancer', [{ hostname: 'lb.example.net' }])).toEqual({ addresses: [], hostName: 'lb.example.net' })
  expect(balancerOf('NodePort', [{ ip: '203.0.113.7' }])).toBeUndefined()
})

test('numbers about the template before count no pod as updated', () => {
  const stale = { observedGeneration: 1, replicas: 1, updatedReplicas: 1, readyReplicas: 1 }
  expect(workloadOf(stale)).toMatchObject({ current: 0, updated: 0, ready: 1 })
})

test('what a workload was made with is read from its annotations, and nothing that another client wrote there', () => {
  const madeWith = (annotations: Record<string, string>) => {
    const metadata = { name: 'd', namespace: 'n', annotations }
    const { image, template } =
      childOf('Deployment', { apiVersion: 'apps/v1', kind: 'Deployment', metadata, spec: {} } as never).workload ?? {}
    return { image, template }
  }
  const image = { version: '1.2.3', image: 'ghcr.io/example/realm', pullPolicy: 'IfNotPresent' }
  const key = 'comms.decentraland.org/image'
  expect(madeWith({ [key]: JSON.stringify(image), 'comms.decentraland.org/template': 'abc' })).toEqual({ image, template: 'abc' })
  for (const text of ['', '{', 'null', '7', '[]', '{"version":1}', JSON.stringify({ ...image, pullPolicy: 'Sometimes' })])
    expect(madeWith({ [key]: text }), text).toEqual({ image: undefined, template: undefined })
})
