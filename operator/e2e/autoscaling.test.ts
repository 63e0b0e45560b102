import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Running } from '../../cells/chassis/lifecycle.ts'
import { type Resource, resources } from '../../cells/kube/resources.ts'
import { API_VERSION } from '../../crds/realm.ts'
import { startOperator } from '../../testing/apiserver/bare-operator.ts'
import { startControllers } from '../../testing/apiserver/controllers.ts'
import { type ExternalMetrics, startExternalMetrics } from '../../testing/apiserver/external-metrics.ts'
import { startFakeKubelet } from '../../testing/apiserver/kubelet.ts'
import type { Spec } from '../../testing/apiserver/namespace.ts'
import { useOwnApiServer } from '../../testing/apiserver/use-api-server.ts'
import { withPart } from '../../testing/parts/with-part.ts'
import { site } from '../desired/realm.fixtures.ts'
import { aPlayerCounter } from '../observers/fixtures.ts'

interface Autoscaler extends Spec {
  status?: { desiredReplicas?: number; conditions?: { type: string; status: string; reason: string; message: string }[] }
}
const autoscalers: Resource = {
  apiVersion: 'autoscaling/v2',
  kind: 'HorizontalPodAutoscaler',
  plural: 'horizontalpodautoscalers',
}
const patient = { timeout: 40_000, interval: 50 }
const MINUTES_MS = 120_000

withPart('kube', 'the autoscaler of a cluster, as KEDA uses it', (part) => {
  const kube = useOwnApiServer(part)
  let controllers: Running
  let metrics: ExternalMetrics
  /** Players by slot. */
  let players: Map<number, number>

  beforeAll(async () => {
    metrics = await startExternalMetrics(kube.user)
    controllers = startControllers(part, kube.api, ['horizontal-pod-autoscaler-controller'], {
      'horizontal-pod-autoscaler-sync-period': '200ms',
      // A pod is measured from its start on.
      'horizontal-pod-autoscaler-cpu-initialization-period': '0s',
      'horizontal-pod-autoscaler-initial-readiness-delay': '0s',
    })
  })
  afterAll(async () => {
    await controllers?.stop()
    await metrics?.stop()
  })
  beforeEach(async () => {
    players = new Map()
    const kubelet = startFakeKubelet(kube.api.client(), kube.namespace)
    const playerCounts = aPlayerCounter(() => players)
    const operator = await startOperator(kube.api, kube.namespace, undefined, {
      site: { ...site, propagationMs: 300 },
      playerCounts,
    })
    kube.stopAfterTest(kubelet.stop, operator.stop)
  })
  const { declare, get, realmOf, kubectl } = kube
  const cells = async () => Object.fromEntries((await realmOf()).status?.endpoints?.map(({ cell, state }) => [cell, state]) ?? [])
  const serving = (...names: string[]) =>
    expect.poll(cells, patient).toEqual(Object.fromEntries(names.map((name) => [name, 'Serving'])))
  const connectorsOf = async (name: string) =>
    ((await get(resources.Deployment, `${name}-connector`))?.spec as { replicas: number } | undefined)?.replicas

  /** As KEDA creates it from a ScaledObject: an autoscaler by an external metric with an average value. */
  const autoscale = (kind: 'Realm' | 'CommsCell', name: string, each: number, maxReplicas: number) =>
    kube.user.create<Spec>(autoscalers, {
      apiVersion: autoscalers.apiVersion,
      kind: autoscalers.kind,
      metadata: { name, namespace: kube.namespace },
      spec: {
        scaleTargetRef: { apiVersion: API_VERSION, kind, name },
        minReplicas: 1,
        maxReplicas,
        metrics: [
          {
            type: 'External',
            external: {
              metric: { name: metricOf(name) },
              target: { type: 'AverageValue', averageValue: String(each) },
            },
          },
        ],
        behavior: { scaleDown: { stabilizationWindowSeconds: 0 } },
      },
    })
  const metricOf = (name: string) => `${kube.namespace}-${name}`
  const conditions = async (name: string) => {
    const said = (await get<Autoscaler>(autoscalers, name))?.status?.conditions ?? []
    return Object.fromEntries(said.map(({ type, status, reason, message }) => [type, { status, reason, message }]))
  }
  const scales = (name: string) =>
    expect
      .poll(() => conditions(name), patient)
      .toMatchObject({ AbleToScale: { status: 'True' }, ScalingActive: { status: 'True' } })
  /** A running connector pod, as an autoscaler finds it. */
  async function aPodOf(cell: string, name = `${cell}-connector-1`): Promise<void> {
    const { spec } = (await get(resources.Deployment, `${cell}-connector`)) ?? {}
    const { metadata, spec: ofPod } = (spec as { template: { metadata: object; spec: object } }).template
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, name, namespace: kube.namespace } }
    await kube.user.create<Spec>(resources.Pod, { ...pod, spec: { ...ofPod, automountServiceAccountToken: false } })
    const startTime = new Date(Date.now() - 60_000).toISOString()
    const status = { phase: 'Running', startTime, conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: startTime }] }
    const options = { fieldManager: 'kubelet', force: true, subresource: 'status' } as const
    await kube.user.apply<Spec>(resources.Pod, { ...pod, metadata: { name, namespace: kube.namespace }, status }, options)
  }

  test(
    'more players add cells, within cells.max, and with fewer players the emptiest cell is drained',
    async () => {
      await declare({ livekit: { type: 'None' }, cells: { max: 4 } })
      metrics.set(metricOf('main'), 80)
      await serving('main-0')
      await autoscale('Realm', 'main', 100, 4)
      await scales('main')
      metrics.set(metricOf('main'), 290)
      await serving('main-0', 'main-1', 'main-2')
      metrics.set(metricOf('main'), 5_000)
      await serving('main-0', 'main-1', 'main-2', 'main-3')
      await expect.poll(() => conditions('main'), patient).toMatchObject({ ScalingLimited: { reason: 'TooManyReplicas' } })
      players = new Map([
        [0, 70],
        [1, 5],
        [2, 90],
        [3, 60],
      ])
      metrics.set(metricOf('main'), 225)
      await serving('main-0', 'main-2', 'main-3')
      await scales('main')
    },
    MINUTES_MS,
  )

  test(
    'an autoscaler that requests more cells than there are slots gets an error, and changes nothing',
    async () => {
      await declare({ livekit: { type: 'None' }, cells: { max: 2 } })
      metrics.set(metricOf('main'), 900)
      await autoscale('Realm', 'main', 100, 9)
      await expect
        .poll(() => conditions('main'), patient)
        .toMatchObject({ AbleToScale: { status: 'False', message: expect.stringMatching(/may not exceed cells.max/) } })
      expect((await realmOf()).spec.cells.replicas).toBe(1)
    },
    MINUTES_MS,
  )

  test(
    'a hibernated realm is not scaled until a user scales it up again',
    async () => {
      await declare({ livekit: { type: 'None' } })
      await serving('main-0')
      metrics.set(metricOf('main'), 190)
      await kubectl('scale realm main --replicas=0')
      await autoscale('Realm', 'main', 100, 4)
      await expect
        .poll(() => conditions('main'), patient)
        .toMatchObject({ ScalingActive: { status: 'False', reason: 'ScalingDisabled' } })
      await serving()
      await kubectl('scale realm main --replicas=1')
      await serving('main-0', 'main-1')
      await scales('main')
    },
    MINUTES_MS,
  )

  test(
    'the example of an autoscaler by CPU scales the connectors of its cell, and leaves the Realm as it is',
    async () => {
      await kubectl('create secret generic livekit --from-literal=apiKey=a --from-literal=apiSecret=b')
      await kubectl(`apply --server-side --filename ${fileURLToPath(new URL('../../examples/hpa.yaml', import.meta.url))}`)
      // From its one connector to the least that the autoscaler wants.
      await expect.poll(() => connectorsOf('busy-0'), patient).toBe(2)
      for (const name of ['busy-1', 'busy-2']) await aPodOf('busy-0', name)
      // Of 500 thousandths, which each pod asks for: nine tenths, where six are wanted.
      metrics.setCpu({ 'busy-1': 450, 'busy-2': 450 })
      await expect.poll(() => connectorsOf('busy-0'), patient).toBe(3)
      await scales('busy-0-connectors')
      expect((await realmOf('busy')).metadata.generation).toBe(1)
    },
    MINUTES_MS,
  )

  test(
    'the connectors of a cell follow an autoscaler of their own, beside that of its realm',
    async () => {
      await declare({ livekit: { type: 'None' } })
      await serving('main-0')
      await aPodOf('main-0')
      metrics.set(metricOf('main'), 90)
      metrics.set(metricOf('main-0'), 250)
      await autoscale('Realm', 'main', 100, 4)
      // Until the controller has seen this one, the other scales.
      await scales('main')
      await autoscale('CommsCell', 'main-0', 100, 6)
      // Both select the same pod: neither scales until the selectors tell their pods apart.
      await expect
        .poll(() => conditions('main-0'), patient)
        .toMatchObject({ ScalingActive: { status: 'False', reason: 'AmbiguousSelector' } })
      await kubectl('scale commscell main-0 --replicas=2')
      await expect.poll(() => connectorsOf('main-0'), patient).toBe(3)
      metrics.set(metricOf('main'), 190)
      await serving('main-0', 'main-1')
      metrics.set(metricOf('main-0'), 110)
      await expect.poll(() => connectorsOf('main-0'), patient).toBe(2)
      expect(await connectorsOf('main-1')).toBe(1)
      await scales('main')
      await scales('main-0')
    },
    MINUTES_MS,
  )
})
