import { beforeEach, expect, test } from 'vitest'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { collectionPath, type Resource, resources } from '../../cells/kube/resources.ts'
import { conditionOf } from '../../crds/realm.ts'
import { cellResource } from '../../crds/resources.ts'
import { startOperator } from '../../testing/apiserver/bare-operator.ts'
import type { Spec } from '../../testing/apiserver/namespace.ts'
import { useApiServer } from '../../testing/apiserver/use-api-server.ts'
import { withPart } from '../../testing/parts/with-part.ts'

interface Templated extends KubeObject {
  spec: { template: Spec }
}

withPart('kube', 'pods that do not start', (part) => {
  const kube = useApiServer(part)
  const { declare, get, realmOf, runPods } = kube
  const database = { type: 'External', secret: { name: 'db', key: 'url' } }
  const status = { fieldManager: 'kubelet', force: true, subresource: 'status' } as const
  let operator: Awaited<ReturnType<typeof startOperator>>
  beforeEach(async () => {
    operator = await startOperator(kube.api, kube.namespace)
    kube.stopAfterTest(operator.stop)
    await declare({ livekit: { type: 'Managed' }, gatekeeper: { database } })
    await operator.settled()
    await runPods()
    await operator.settled()
  })
  const stalled = async () => conditionOf(await realmOf(), 'Stalled')
  const jobName = async () =>
    (await kube.user.list<KubeObject>(collectionPath(resources.Job, kube.namespace), {})).items[0]?.metadata.name

  const report = (resource: Resource, name: string, reported: object) =>
    kube.user.apply(
      resource,
      {
        apiVersion: resource.apiVersion,
        kind: resource.kind,
        metadata: { name, namespace: kube.namespace },
        status: reported,
      } as KubeObject,
      status,
    )
  async function createPod(resource: Resource, name: string, reported: object): Promise<void> {
    const { template } = ((await get(resource, name)) as unknown as Templated).spec
    const metadata = { labels: template.metadata.labels, name: `${name}-x`, namespace: kube.namespace }
    const spec = { ...(template.spec as object), automountServiceAccountToken: false }
    await kube.user.create(resources.Pod, { apiVersion: 'v1', kind: 'Pod', metadata, spec } as never)
    await report(resources.Pod, `${name}-x`, reported)
  }
  const pending = {
    phase: 'Pending',
    conditions: [{ type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: 'Insufficient cpu' }],
  }

  test.each([
    ['main-gatekeeper', resources.Deployment, 'gatekeeper'],
    ['main-stats', resources.Deployment, 'stats'],
    ['main-livekit', resources.Deployment, 'livekit'],
    ['main-nats', resources.StatefulSet, 'nats'],
    ['main-0-connector', resources.Deployment, 'main-0: connector'],
    ['main-0-archipelago', resources.Deployment, 'main-0: archipelago'],
  ])('a new pod of %s beside ready pods of the template before is reported', async (name, resource, prefix) => {
    const generation = (await get(resource, name))?.metadata.generation
    await createPod(resource, name, pending)
    await report(resource, name, { observedGeneration: generation, replicas: 2, updatedReplicas: 1, readyReplicas: 1 })
    await expect.poll(stalled).toMatchObject({
      status: 'True',
      reason: 'PodsFailing',
      message: `${prefix}: no node takes the pod: Insufficient cpu`,
    })
    const realm = await realmOf()
    expect(conditionOf(realm, 'Progressing')?.reason).toBe('Stalled')
    if (name === 'main-0-connector')
      expect((await get(cellResource, 'main-0')) as unknown).toMatchObject({ status: { readyReplicas: 1, updatedReplicas: 0 } })
    await kube.user.remove(resources.Pod, { namespace: kube.namespace, name: `${name}-x` })
    await runPods()
    await expect.poll(stalled).toMatchObject({ status: 'False' })
  })

  test('a pod that waits for a node does not stall the realm at first, and is named', async () => {
    const since = (ago: number) => ({
      ...pending,
      conditions: pending.conditions.map((condition) => ({
        ...condition,
        lastTransitionTime: new Date(Date.now() - ago).toISOString(),
      })),
    })
    const name = 'main-0-connector'
    const generation = (await get(resources.Deployment, name))?.metadata.generation
    await createPod(resources.Deployment, name, since(0))
    await report(resources.Deployment, name, {
      observedGeneration: generation,
      replicas: 2,
      updatedReplicas: 1,
      readyReplicas: 1,
    })
    const waits = 'main-0: connector: no node takes the pod: Insufficient cpu'
    await expect
      .poll(async () => conditionOf(await realmOf(), 'Reconciling'))
      .toMatchObject({ status: 'True', message: `cells are being created, changed or removed; pods wait: ${waits}` })
    expect(await stalled()).toMatchObject({ status: 'False' })
    // The operator looks again by itself when its patience ends, without any event.
    await report(resources.Pod, `${name}-x`, since(43_000))
    await expect.poll(stalled, { timeout: 10_000 }).toMatchObject({ status: 'True', message: waits })
  })

  test('a migration whose image cannot be used is reported', async () => {
    const waiting = { reason: 'ErrImageNeverPull', message: 'the image is not present with pull policy of Never' }
    const containerStatuses = [{ name: 'migration', image: '', imageID: '', ready: false, restartCount: 0, state: { waiting } }]
    await createPod(resources.Job, (await jobName()) ?? '', { phase: 'Pending', containerStatuses })
    await expect.poll(stalled).toMatchObject({ status: 'True', message: `migration: ErrImageNeverPull: ${waiting.message}` })
  })

  test('a migration that a sidecar keeps running does not keep the realm from being ready, and is reported with the remedy', async () => {
    const common = { image: '', imageID: '', restartCount: 0 }
    const terminated = { exitCode: 0 }
    const containerStatuses = [
      { ...common, name: 'migration', ready: false, state: { terminated } },
      { ...common, name: 'istio-proxy', ready: true, state: { running: {} } },
    ]
    await createPod(resources.Job, (await jobName()) ?? '', { phase: 'Running', containerStatuses })
    await expect.poll(stalled).toMatchObject({ status: 'True', message: expect.stringContaining('spec.gatekeeper.pods') })
    expect(conditionOf(await realmOf(), 'Ready')).toMatchObject({ status: 'True' })
  })

  test.each([
    ['Pod', 'main-gatekeeper-x', 'FailedAttachVolume', 'Multi-Attach error for volume "pvc-1"', 'PodsFailing'],
    ['StatefulSet', 'main-nats', 'FailedCreate', 'pods "main-nats-0" is forbidden: exceeded quota: q', 'PodsRefused'],
  ])('an Event about a %s, %s, is reported', async (kind, name, reason, message, code) => {
    if (kind === 'Pod') await createPod(resources.Deployment, 'main-gatekeeper', { phase: 'Pending' })
    const [resource, workload] = kind === 'Pod' ? [resources.Deployment, 'main-gatekeeper'] : [resources.StatefulSet, name]
    const generation = (await get(resource, workload))?.metadata.generation
    await report(resource, workload, { observedGeneration: generation, replicas: 1, updatedReplicas: 1, readyReplicas: 0 })
    await kube.user.create(resources.Event, {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${name}.1`, namespace: kube.namespace },
      involvedObject: { kind, namespace: kube.namespace, name },
      type: 'Warning',
      reason,
      message,
    } as KubeObject)
    await expect.poll(stalled).toMatchObject({ status: 'True', reason: code, message: expect.stringContaining(message) })
  })
})
