import { expect, test } from 'vitest'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { collectionPath, resources } from '../../cells/kube/resources.ts'
import { conditionOf } from '../../crds/realm.ts'
import { startOperator } from '../../testing/apiserver/bare-operator.ts'
import { startControllers } from '../../testing/apiserver/controllers.ts'
import { useOwnApiServer } from '../../testing/apiserver/use-api-server.ts'
import { withPart } from '../../testing/parts/with-part.ts'

const patient = { timeout: 40_000, interval: 100 }
const small = { requests: { cpu: '10m', memory: '32Mi' }, limits: { cpu: '500m', memory: '256Mi' } }
/** A realm that consists of every part the operator can create. */
const realm = (given: object | undefined) => ({
  livekit: { type: 'Managed', ...(given && { resources: given }) },
  nats: { type: 'Managed', ...(given && { resources: given }) },
  cells: {
    replicas: 1,
    template: { connectors: { ...(given && { resources: given }) }, archipelago: { ...(given && { resources: given }) } },
  },
  gatekeeper: {
    database: { type: 'External', secret: { name: 'database', key: 'url' } },
    ...(given && { resources: given, migration: { resources: given } }),
  },
  stats: { ...(given && { resources: given }) },
})

withPart('kube', 'a namespace with a quota of CPU and memory, with the controllers of a real cluster', (part) => {
  const kube = useOwnApiServer(part)
  const components = async () => {
    const { items } = await kube.user.list<KubeObject>(collectionPath(resources.Pod, kube.namespace), {})
    return [...new Set(items.map(({ metadata }) => metadata.labels?.['app.kubernetes.io/component']))].sort()
  }

  async function start(): Promise<void> {
    await kube.kubectl(
      'create quota compute --hard=requests.cpu=4,requests.memory=8Gi,limits.cpu=16,limits.memory=16Gi --namespace ' +
        kube.namespace,
    )
    const controllers = startControllers(part, kube.api, [
      ...['deployment-controller', 'replicaset-controller', 'statefulset-controller', 'job-controller'],
      'resourcequota-controller',
    ])
    const operator = await startOperator(kube.api, kube.namespace)
    kube.stopAfterTest(operator.stop, controllers.stop)
  }

  test('takes a pod of every part of a realm that states what each may use', { timeout: 90_000 }, async () => {
    await start()
    await kube.declare(realm(small))
    await expect
      .poll(components, patient)
      .toEqual(['archipelago', 'connector', 'gatekeeper', 'livekit', 'migration', 'nats', 'stats'])
  })

  test('is named by the realm whose parts state no limits, with the words of the API server', { timeout: 90_000 }, async () => {
    await start()
    await kube.declare(realm(undefined))
    await expect
      .poll(async () => conditionOf(await kube.realmOf(), 'Stalled')?.message ?? '', patient)
      .toMatch(/must specify limits/)
    expect(conditionOf(await kube.realmOf(), 'Stalled')).toMatchObject({ status: 'True', reason: 'PodsRefused' })
  })
})
