import { expect, test } from 'vitest'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { resources } from '../../cells/kube/resources.ts'
import { type CommsCell, conditionOf } from '../../crds/realm.ts'
import { cellResource } from '../../crds/resources.ts'
import { startOperator } from '../../testing/apiserver/bare-operator.ts'
import type { Spec } from '../../testing/apiserver/namespace.ts'
import { useApiServer } from '../../testing/apiserver/use-api-server.ts'
import { withPart } from '../../testing/parts/with-part.ts'
import { RESTARTED_ANNOTATION } from '../desired/naming.ts'

withPart('kube', 'Secrets behind a real API server', (part) => {
  const kube = useApiServer(part)
  const anOperator = async () => {
    const operator = await startOperator(kube.api, kube.namespace)
    kube.stopAfterTest(operator.stop)
    return operator
  }
  const { declare, get, realmOf } = kube
  const isGone = async (name: string) => (await get(resources.Secret, name)) === undefined
  const restartsOf = async (kind: 'Deployment' | 'StatefulSet', name: string) => {
    const { spec } = (await get(resources[kind], name)) as unknown as { spec: { template: Spec } }
    return spec.template.metadata.annotations?.[RESTARTED_ANNOTATION]
  }
  /** In place of a controller and a kubelet: a pod of a workload, which runs. */
  const runPod = async (kind: 'Deployment' | 'StatefulSet', workload: string) => {
    const name = `${workload}-0`
    const { template } = ((await get(resources[kind], workload)) as unknown as { spec: { template: Spec } }).spec
    const metadata = { ...template.metadata, name, namespace: kube.namespace }
    await kube.user.create(resources.Pod, { ...template, apiVersion: 'v1', kind: 'Pod', metadata })
    const status = {
      phase: 'Running',
      conditions: [{ type: 'Ready', status: 'True' }],
      containerStatuses: [{ name: 'main', image: 'i', imageID: '', ready: true, restartCount: 0, state: { running: {} } }],
    }
    const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace: kube.namespace }, status }
    await kube.user.apply<Spec>(resources.Pod, body, { fieldManager: 'kubelet', force: true, subresource: 'status' })
  }
  /** What a kubelet reports when it cannot mount a Secret, or not refresh it for a pod that runs. */
  const failMount = (pod: string, secret: string) =>
    kube.user.create(resources.Event, {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: `${pod}.${secret}`, namespace: kube.namespace },
      involvedObject: { kind: 'Pod', namespace: kube.namespace, name: pod },
      type: 'Warning',
      reason: 'FailedMount',
      message: `MountVolume.SetUp failed for volume "secret-0" : secret "${secret}" not found`,
    } as KubeObject)
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
    await expect.poll(() => restartsOf('StatefulSet', 'main-nats')).toBeDefined()
  })

  test('a deleted Secret of a realm that runs exists again as soon as a kubelet misses it, and what reads it at its start restarts', async () => {
    const { client, settled } = await anOperator()
    await declare({ livekit: { type: 'Managed' } })
    await kube.runPods()
    await settled()
    const pods = ['main-0-connector', 'main-0-archipelago', 'main-gatekeeper']
    for (const workload of pods) await runPod('Deployment', workload)
    const missing = { nats: 'main-nats-users', livekit: 'main-livekit' }
    for (const name of Object.values(missing)) await kube.user.remove(resources.Secret, { namespace: kube.namespace, name })

    await failMount('main-0-connector-0', missing.nats)
    await expect.poll(() => isGone(missing.nats)).toBe(false)
    await expect.poll(() => restartsOf('StatefulSet', 'main-nats')).toBeDefined()
    expect(await isGone(missing.livekit)).toBe(true)
    for (const workload of pods) expect(await restartsOf('Deployment', workload)).toBeUndefined()
    const annotated = async (pod: string) => Object.keys((await get(resources.Pod, pod))?.metadata.annotations ?? {})
    for (const workload of pods)
      await expect.poll(() => annotated(`${workload}-0`)).toContain('comms.decentraland.org/secret-restored-at')

    await failMount('main-gatekeeper-0', missing.livekit)
    await expect.poll(() => isGone(missing.livekit)).toBe(false)
    for (const workload of ['main-livekit', 'main-gatekeeper', 'main-0-archipelago'])
      await expect.poll(() => restartsOf('Deployment', workload)).toBeDefined()
    expect(await restartsOf('Deployment', 'main-0-connector')).toBeUndefined()
    expect(conditionOf(await realmOf(), 'Stalled')).toMatchObject({ reason: 'NotStalled' })

    await settled()
    const [nats, creations] = [await restartsOf('StatefulSet', 'main-nats'), client.counts.create]
    const uid = (await get(resources.Secret, missing.nats))?.metadata.uid
    await failMount('main-0-archipelago-0', missing.nats) // an Event that comes late
    // The Secret was written twice in the last seconds, so the operator waits before it looks again.
    await expect.poll(() => client.counts.create, { timeout: 15_000 }).toBeGreaterThan(creations)
    await settled()
    expect((await get(resources.Secret, missing.nats))?.metadata.uid).toBe(uid)
    expect(await restartsOf('StatefulSet', 'main-nats')).toBe(nats)
    await declare({ livekit: { type: 'Managed' }, cells: { template: { archipelago: { islandSize: 50 } } } })
    await settled()
    expect(await restartsOf('StatefulSet', 'main-nats')).toBe(nats)
  }, 60_000)

  test('the status does not go on about a Secret of the operator that exists again', async () => {
    const { settled } = await anOperator()
    await declare(bare)
    await settled()
    await kube.user.remove(resources.Secret, { namespace: kube.namespace, name: 'main-nats-users' })
    const { template } = ((await get(resources.Deployment, 'main-0-connector')) as unknown as { spec: { template: Spec } }).spec
    const metadata = { ...template.metadata, name: 'main-0-connector-x', namespace: kube.namespace }
    await kube.user.create(resources.Pod, { ...template, apiVersion: 'v1', kind: 'Pod', metadata })
    await reportPod('Deployment', 'main-0-connector')
    const stalled = async () => conditionOf(await realmOf(), 'Stalled')?.status
    await failMount('main-0-connector-x', 'main-nats-users')
    await expect.poll(() => isGone('main-nats-users')).toBe(false)
    await settled()
    expect(await stalled()).toBe('False')
    const cell = (await get<CommsCell & KubeObject>(cellResource, 'main-0')) as CommsCell
    expect(conditionOf(cell, 'Stalled')).toMatchObject({ status: 'False' })
  })

  test('a volume whose Secret is missing is reported as such', async () => {
    const { settled } = await anOperator()
    await declare({ livekit: { url: 'wss://lk.example', credentials: { secretName: 'absent' } } })
    await settled()
    const { template } = ((await get(resources.Deployment, 'main-0-archipelago')) as unknown as { spec: { template: Spec } }).spec
    const metadata = { ...template.metadata, name: 'main-0-archipelago-x', namespace: kube.namespace }
    await kube.user.create(resources.Pod, { ...template, apiVersion: 'v1', kind: 'Pod', metadata })
    await reportPod('Deployment', 'main-0-archipelago')
    await failMount('main-0-archipelago-x', 'absent')
    const stalled = async () => conditionOf((await get<CommsCell & KubeObject>(cellResource, 'main-0')) as CommsCell, 'Stalled')
    await expect.poll(stalled).toMatchObject({
      status: 'True',
      reason: 'SecretMissing',
      message: 'archipelago: secret "absent" not found; these keys of it are needed: apiKey, apiSecret',
    })
    await expect.poll(async () => conditionOf(await realmOf(), 'Stalled')).toMatchObject({ reason: 'SecretMissing' })
  })
})
