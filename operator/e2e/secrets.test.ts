import { expect, test } from 'vitest'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { resources } from '../../cells/kube/resources.ts'
import { type CommsCell, conditionOf } from '../../crds/realm.ts'
import { cellResource } from '../../crds/resources.ts'
import { startOperator } from '../../testing/apiserver/bare-operator.ts'
import type { Spec } from '../../testing/apiserver/namespace.ts'
import { useApiServer } from '../../testing/apiserver/use-api-server.ts'
import { withPart } from '../../testing/parts/with-part.ts'

withPart('kube', 'Secrets behind a real API server', (part) => {
  const kube = useApiServer(part)
  const anOperator = async () => {
    const operator = await startOperator(kube.api, kube.namespace)
    kube.stopAfterTest(operator.stop)
    return operator
  }
  const { declare, get, realmOf } = kube
  /** In place of a controller: the one pod of a workload exists, with the current template, and is not ready. */
  const reportPod = async (kind: 'Deployment' | 'StatefulSet', name: string) => {
    const resource = resources[kind]
    const observedGeneration = (await get(resource, name))?.metadata.generation ?? 0
    const status = { observedGeneration, replicas: 1, updatedReplicas: 1 }
    const body = { apiVersion: resource.apiVersion, kind, metadata: { name, namespace: kube.namespace }, status }
    await kube.user.apply<Spec>(resource, body, { fieldManager: 'controller', force: true, subresource: 'status' })
  }
  const bare = { livekit: { type: 'None' } }

  test('creates a Secret once, and again when its workload cannot find it', async () => {
    const { client, settled } = await anOperator()
    await declare(bare)
    await settled()
    const secret = (await get(resources.Secret, 'main-nats-users')) as unknown as { data: Record<string, string> }
    const values = Object.values(secret.data).map((value) => Buffer.from(value, 'base64').toString())
    expect(values).toHaveLength(35)
    expect(new Set(values).size).toBe(35)
    for (const value of values) expect(value).toMatch(/^[a-z][a-z0-9]{31,}$/)
    expect(client.counts.create).toBe(1)
    const { template } = ((await get(resources.StatefulSet, 'main-nats')) as unknown as { spec: { template: Spec } }).spec
    await kube.user.remove(resources.Secret, { namespace: kube.namespace, name: 'main-nats-users' })
    const pod = {
      ...template,
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...template.metadata, name: 'main-nats-0', namespace: kube.namespace },
    }
    await kube.user.create(resources.Pod, pod)
    await reportPod('StatefulSet', 'main-nats')
    const waiting = { reason: 'CreateContainerConfigError', message: 'secret "main-nats-users" not found' }
    const containerStatuses = [{ name: 'nats', image: 'nats', imageID: '', ready: false, restartCount: 0, state: { waiting } }]
    const status = { phase: 'Pending', containerStatuses }
    const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'main-nats-0', namespace: kube.namespace }, status }
    await kube.user.apply<Spec>(resources.Pod, body, { fieldManager: 'kubelet', force: true, subresource: 'status' })
    await expect.poll(() => get(resources.Secret, 'main-nats-users')).toBeDefined()
    await expect.poll(async () => conditionOf(await realmOf(), 'Stalled')).toMatchObject({ reason: 'SecretMissing' })
  })

  test('a volume whose Secret is missing is reported as such', async () => {
    const { settled } = await anOperator()
    await declare({ livekit: { url: 'wss://lk.example', credentials: { secretName: 'absent' } } })
    await settled()
    const { template } = ((await get(resources.Deployment, 'main-0-archipelago')) as unknown as { spec: { template: Spec } }).spec
    const metadata = { ...template.metadata, name: 'main-0-archipelago-x', namespace: kube.namespace }
    await kube.user.create(resources.Pod, { ...template, apiVersion: 'v1', kind: 'Pod', metadata })
    await reportPod('Deployment', 'main-0-archipelago')
    await kube.user.create(resources.Event, {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'main-0-archipelago-x.1', namespace: kube.namespace },
      involvedObject: { kind: 'Pod', namespace: kube.namespace, name: 'main-0-archipelago-x' },
      type: 'Warning',
      reason: 'FailedMount',
      message: 'MountVolume.SetUp failed for volume "secret-0" : secret "absent" not found',
    } as KubeObject)
    const stalled = async () => conditionOf((await get<CommsCell & KubeObject>(cellResource, 'main-0')) as CommsCell, 'Stalled')
    await expect
      .poll(stalled)
      .toMatchObject({ status: 'True', reason: 'SecretMissing', message: 'archipelago: secret "absent" not found' })
    await expect.poll(async () => conditionOf(await realmOf(), 'Stalled')).toMatchObject({ reason: 'SecretMissing' })
  })
})
