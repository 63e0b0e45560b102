import { beforeEach, expect, test } from 'vitest'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { type Resource, resources } from '../../cells/kube/resources.ts'
import { API_VERSION, type CommsCell, conditionOf, type Realm } from '../../crds/realm.ts'
import { cellResource, realmResource } from '../../crds/resources.ts'
import { type FakeKubelet, startFakeKubelet } from '../../testing/apiserver/kubelet.ts'
import { listOf } from '../../testing/apiserver/namespace.ts'
import { type OperatorProcess, startOperatorProcess, startProvider } from '../../testing/apiserver/operator.ts'
import { useOwnApiServer } from '../../testing/apiserver/use-api-server.ts'
import { withPart } from '../../testing/parts/with-part.ts'

interface Live extends KubeObject {
  spec: { replicas?: number; selector?: Record<string, string> }
}
const LIVEKIT = { url: 'wss://livekit.example.org', credentials: { secretName: 'livekit' } }
const patient = { timeout: 15_000, interval: 20 }

withPart('kube', 'the whole operator against a real API server', (part) => {
  const kube = useOwnApiServer(part)
  let providerUrl: string
  let operator: OperatorProcess
  let kubelet: FakeKubelet

  beforeEach(async () => {
    const { api, user, namespace } = kube
    const provider = await startProvider(user, namespace)
    providerUrl = provider.url
    kubelet = startFakeKubelet(api.client(), namespace)
    operator = await startOperatorProcess(api, namespace, providerUrl)
    kube.stopAfterTest(() => operator.stop(), kubelet.stop, provider.stop)
  })

  const declare = (spec: object) => {
    const realm: KubeObject & { spec: object } = {
      apiVersion: API_VERSION,
      kind: 'Realm',
      metadata: { name: 'main', namespace: kube.namespace },
      spec,
    }
    return kube.user.apply(realmResource, realm, { fieldManager: 'kubectl', force: true })
  }
  const realm = () => kube.user.get<Realm>(realmResource, { namespace: kube.namespace, name: 'main' })
  const find = <T extends KubeObject = Live>(resource: Resource, name: string) =>
    kube.user.get<T>(resource, { namespace: kube.namespace, name })
  const condition = async (type: string) => conditionOf((await realm()) ?? {}, type)
  const published = () =>
    expect.poll(() => condition('Published'), patient).toMatchObject({ status: 'True', reason: 'ServedByProvider' })
  const settled = () => expect.poll(() => condition('Progressing'), patient).toMatchObject({ status: 'False', reason: 'Settled' })

  test('a declared realm is created, serves, and is published once its provider serves it', async () => {
    await kubelet.readyOnly((name) => !name.startsWith('main-0'))
    await declare({ livekit: LIVEKIT, exposure: { type: 'Ingress', host: 'main.example.org', tlsSecretName: 'tls' } })
    await expect.poll(() => condition('Published'), patient).toMatchObject({ status: 'False', reason: 'NothingToPublish' })
    expect(await realm()).toMatchObject({ status: { replicas: 1, readyReplicas: 0, endpoints: [{ state: 'Starting' }] } })
    await kubelet.readyOnly(() => true)
    await published()
    await settled()
    expect(await realm()).toMatchObject({
      status: {
        observedGeneration: 1,
        replicas: 1,
        readyReplicas: 1,
        updatedReplicas: 1,
        selector:
          'comms.decentraland.org/realm=main,app.kubernetes.io/component=connector,comms.decentraland.org/cell in (main-0)',
        endpoints: [
          { slot: 0, adapter: 'archipelago:archipelago:wss://main.example.org/cells/0/ws', cell: 'main-0', state: 'Serving' },
        ],
        urls: { about: 'https://main.example.org/about', gatekeeper: 'https://main.example.org/gatekeeper' },
      },
    })
    expect(await condition('Ready')).toMatchObject({ status: 'True', reason: 'AllServing', observedGeneration: 1 })
    expect(conditionOf((await find<CommsCell>(cellResource, 'main-0')) ?? {}, 'Ready')).toMatchObject({ status: 'True' })
  })

  test('a realm is created with at most 35 writes and two reads, and at rest nothing is written', async () => {
    await expect.poll(() => operator.metric('leader'), patient).toBe(1)
    const before = await operator.requests()
    await declare({ livekit: LIVEKIT, exposure: { type: 'Ingress', host: 'main.example.org' } })
    await published()
    await settled()
    await operator.atRest()
    const after = await operator.requests()
    expect(after.writes - before.writes).toBeLessThanOrEqual(35)
    expect(after.reads - before.reads).toBe(2) // whether its ServiceAccount and its Ingress belong to another client
    await passWithoutWrites()
    expect(await operator.requests()).toEqual(after)
  })

  /** Causes a pass that finds nothing to do: a label that the operator does not use is added. */
  async function passWithoutWrites(): Promise<void> {
    await operator.atRest()
    const written = async () => [await operator.requests(), await operator.metric('writes_held_total')]
    const before = await written()
    const passes = await operator.metric('pass_duration_seconds_count')
    const metadata = { name: 'main', namespace: kube.namespace, labels: { touched: String(passes) } }
    const touched = { apiVersion: API_VERSION, kind: 'Realm', metadata }
    await kube.user.apply(realmResource, touched, { fieldManager: 'another-editor', force: false })
    await expect.poll(() => operator.metric('pass_duration_seconds_count'), patient).toBeGreaterThan(passes)
    await operator.atRest()
    expect(await written()).toEqual(before)
  }

  test('a change reaches the cell, and the status reports the generation it is about', async () => {
    await declare({ livekit: LIVEKIT })
    await published()
    const template = { archipelago: { islandSize: 7 } }
    await declare({ livekit: LIVEKIT, version: '9.9.9', cells: { template }, rollout: { joinProbe: 'None' } })
    await expect.poll(async () => (await realm())?.status?.observedGeneration, patient).toBe(2)
    await settled()
    const [endpoint] = (await realm())?.status?.endpoints ?? []
    const archipelago = JSON.stringify(await find(resources.Deployment, `${endpoint?.cell}-archipelago`))
    expect(archipelago).toContain('{"name":"LIVEKIT_ISLAND_SIZE","value":"7"}')
    expect(archipelago).toContain('"image":"ghcr.io/example/realm:9.9.9"')
    expect(await condition('Ready')).toMatchObject({ status: 'True', observedGeneration: 2 })
  })

  test('scaling adds cells, changes routes, removes cells again, and hibernates', async () => {
    const answering = async (slot: number) =>
      (await find(resources.Service, `main-slot-${slot}`))?.spec.selector?.['comms.decentraland.org/cell']
    await declare({ livekit: LIVEKIT })
    await published()
    expect(await answering(1)).toBe('main-0')
    await kubelet.readyOnly((name) => !name.startsWith('main-1'))
    await declare({ livekit: LIVEKIT, cells: { replicas: 2 } })
    await expect.poll(() => find(resources.Deployment, 'main-1-connector'), patient).toBeDefined()
    await operator.atRest()
    expect(await answering(1)).toBe('main-0')
    await kubelet.readyOnly(() => true)
    await expect.poll(() => answering(1), patient).toBe('main-1')
    await expect.poll(async () => (await realm())?.status?.readyReplicas, patient).toBe(2)
    await declare({ livekit: LIVEKIT, cells: { replicas: 1 } })
    await expect.poll(() => answering(1), patient).toBe('main-0')
    expect(await find(cellResource, 'main-1')).toBeDefined()
    await expect.poll(() => find(cellResource, 'main-1'), patient).toBeUndefined()
    await declare({ livekit: LIVEKIT, cells: { replicas: 0 } })
    await expect.poll(() => condition('Ready'), patient).toMatchObject({ status: 'True', reason: 'Hibernated' })
    expect(await condition('Published')).toMatchObject({ status: 'False', reason: 'NothingToPublish' })
    const { replicas, endpoints = [] } = (await realm())?.status ?? {}
    expect({ replicas, endpoints }).toEqual({ replicas: 0, endpoints: [] })
    await passWithoutWrites()
  })

  test('drift is repaired: a workload scaled by hand, a Service and a whole cell deleted', async () => {
    await declare({ livekit: LIVEKIT })
    await published()
    const edited = {
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { name: 'main-0-connector', namespace: kube.namespace },
      spec: { replicas: 5 },
    }
    await kube.user.apply(resources.Deployment, edited, { fieldManager: 'another-editor', force: true })
    await expect.poll(async () => (await find(resources.Deployment, 'main-0-connector'))?.spec.replicas, patient).toBe(1)
    await kube.user.remove(resources.Service, { namespace: kube.namespace, name: 'main-slot-2' })
    await expect.poll(() => find(resources.Service, 'main-slot-2'), patient).toBeDefined()
    const uid = (await find(cellResource, 'main-0'))?.metadata.uid
    await kube.user.remove(cellResource, { namespace: kube.namespace, name: 'main-0' })
    await expect
      .poll(() => find(cellResource, 'main-0'), patient)
      .toMatchObject({ metadata: { uid: expect.not.stringContaining(uid ?? '') } })
  })

  test('a cell that loses its connectors is unhealthy and leaves the publication', async () => {
    await declare({ livekit: LIVEKIT })
    await published()
    await kubelet.readyOnly((name) => name !== 'main-0-connector')
    await expect.poll(async () => (await realm())?.status?.endpoints, patient).toMatchObject([{ state: 'Unhealthy' }])
    expect(await condition('AcceptingPlayers')).toMatchObject({ status: 'False', reason: 'NoCellServing' })
    expect(await condition('Published')).toMatchObject({ status: 'False' })
    await kubelet.readyOnly(() => true)
    await published()
  })

  test('a wrong reference to a Secret is reported with the name of the Secret', async () => {
    await kubelet.readyOnly((name) => name !== 'main-gatekeeper')
    await declare({ livekit: LIVEKIT, gatekeeper: { database: { type: 'External', secret: { name: 'postgres' } } } })
    await expect.poll(() => find(resources.Deployment, 'main-gatekeeper'), patient).toBeDefined()
    const waiting = { reason: 'CreateContainerConfigError', message: 'secret "postgres" not found' }
    await kubelet.pod('main-gatekeeper', waiting)
    await expect
      .poll(() => condition('Stalled'), patient)
      .toMatchObject({
        status: 'True',
        reason: 'SecretMissing',
        message: 'gatekeeper: secret "postgres" not found',
      })
    await expect.poll(() => condition('Ready'), patient).toMatchObject({ status: 'False', reason: 'ServicesNotReady' })
    await expect.poll(() => condition('AcceptingPlayers'), patient).toMatchObject({ status: 'True' })
  })

  test('all objects of a realm are deleted with it: it has no finalizer, and each object names its owner', async () => {
    await declare({ livekit: { type: 'Managed' }, exposure: { type: 'Ingress', host: 'main.example.org' } })
    await published()
    const owner = await realm()
    expect(owner?.metadata.finalizers).toBeUndefined()
    const cell = await find(cellResource, 'main-0')
    const { Namespace, CustomResourceDefinition, Event, EventV1, Lease, Pod, ...ours } = resources
    const lists = [...Object.values(ours), cellResource].map((resource) => listOf(kube.user, resource, kube.namespace))
    const children = (await Promise.all(lists)).flat().filter(({ metadata }) => metadata.name.startsWith('main'))
    expect(children.length).toBeGreaterThan(20)
    for (const { metadata } of children)
      expect([owner?.metadata.uid, cell?.metadata.uid], metadata.name).toContain(metadata.ownerReferences?.[0]?.uid)
    await operator.atRest()
    const before = await operator.requests()
    await kube.user.remove(realmResource, { namespace: kube.namespace, name: 'main' })
    await operator.atRest()
    // There is no garbage collector here, so the children stay; the operator must neither change nor recreate any of them.
    expect(await operator.requests()).toEqual(before)
  })

  test('an operator that stops hands over at once, and its successor finds nothing to write', async () => {
    await declare({ livekit: { type: 'Managed' } })
    await published()
    await settled()
    await operator.atRest()
    const successor = await startOperatorProcess(kube.api, kube.namespace, providerUrl)
    kube.stopAfterTest(successor.stop)
    await expect.poll(() => successor.metric('realms'), patient).toBe(1)
    expect(await successor.metric('leader')).toBe(0)
    await operator.stop()
    await expect.poll(() => successor.metric('leader'), patient).toBe(1)
    await successor.atRest()
    expect(await successor.requests()).toMatchObject({ writes: 0 })
    await declare({ livekit: { type: 'Managed' }, cells: { replicas: 2 } })
    await expect.poll(async () => (await realm())?.status?.readyReplicas, patient).toBe(2)
  })

  test('the operator catches up after a restart of the API server', async () => {
    await declare({ livekit: LIVEKIT })
    await published()
    await kube.api.restart()
    await declare({ livekit: LIVEKIT, cells: { replicas: 2 } })
    await expect.poll(async () => (await realm())?.status?.readyReplicas, { timeout: 60_000, interval: 100 }).toBe(2)
  }, 90_000)
})
