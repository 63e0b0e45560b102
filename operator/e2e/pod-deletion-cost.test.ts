import { once } from 'node:events'
import { createServer } from 'node:http'
import { beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../cells/chassis/clock.ts'
import type { Running } from '../../cells/chassis/lifecycle.ts'
import { silentLog } from '../../cells/chassis/log.ts'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { createReflector } from '../../cells/kube/reflector.ts'
import { collectionPath, resources } from '../../cells/kube/resources.ts'
import { startOperator, writesOf } from '../../testing/apiserver/bare-operator.ts'
import { startControllers } from '../../testing/apiserver/controllers.ts'
import { useOwnApiServer } from '../../testing/apiserver/use-api-server.ts'
import { freePort } from '../../testing/free-port.ts'
import { withPart } from '../../testing/parts/with-part.ts'
import { DELETION_COST_ANNOTATION } from '../desired/scale/pod-removal.ts'
import { connectorPlayerCounter } from '../observers/players/connector-players.ts'

type Pod = KubeObject & { status?: { podIP?: string } }
type Deployment = KubeObject & { spec: { replicas: number } }
const patient = { timeout: 30_000, interval: 50 }
const SELECTED = { labels: 'comms.decentraland.org/cell=main-0,app.kubernetes.io/component=connector' }

/** A connector's status endpoint: each connector has its own address, all have the same port. */
async function aConnector(address: string, port: number, userCount: () => number): Promise<Running> {
  const server = createServer((_, answer) => answer.end(JSON.stringify({ userCount: userCount() })))
  await once(server.listen(port, address), 'listening')
  return { stop: () => new Promise((resolve) => server.close(() => resolve())) }
}

withPart('kube', 'scaling connectors down, with the controllers of a real cluster', (part) => {
  const kube = useOwnApiServer(part)
  let operator: Awaited<ReturnType<typeof startOperator>>
  /** Players by address. */
  const players = new Map<string, number>()
  /** The first version of each pod with a deletion cost, by name; and of the Deployment, by its replicas. */
  const marked = new Map<string, number>()
  const replicas = new Map<number, number>()

  beforeEach(async () => {
    const controllers = startControllers(part, kube.api, ['deployment-controller', 'replicaset-controller'])
    let last = 1
    // In place of kubelets: every connector's pod is ready, at its own address.
    const pods = watch(resources.Pod, (live: Pod) => {
      if (live.metadata.annotations?.[DELETION_COST_ANNOTATION] && !marked.has(live.metadata.name))
        marked.set(live.metadata.name, Number(live.metadata.resourceVersion))
      if (live.status?.podIP || live.metadata.deletionTimestamp) return
      const conditions = [{ type: 'Ready', status: 'True' }]
      const status = { phase: 'Running', podIP: `127.0.7.${++last}`, conditions }
      const ready = { apiVersion: 'v1', kind: 'Pod', metadata: { name: live.metadata.name, namespace: kube.namespace }, status }
      void kube.user.apply(resources.Pod, ready, { fieldManager: 'kubelet', force: true, subresource: 'status' })
    })
    const deployments = watch(resources.Deployment, ({ metadata, spec }: Deployment) => {
      if (!replicas.has(spec.replicas)) replicas.set(spec.replicas, Number(metadata.resourceVersion))
    })
    const port = await freePort()
    const connectors = await Promise.all(
      ['127.0.7.2', '127.0.7.3', '127.0.7.4', '127.0.7.5'].map((at) => aConnector(at, port, () => players.get(at) ?? 0)),
    )
    const countPlayers = connectorPlayerCounter({ port, clock: systemClock })
    operator = await startOperator(kube.api, kube.namespace, undefined, { countPlayers })
    kube.stopAfterTest(...[operator, pods, deployments, controllers, ...connectors].map((each) => () => each.stop()))
  })

  function watch<T extends KubeObject>(resource: (typeof resources)['Pod' | 'Deployment'], onSeen: (live: T) => void): Running {
    const reflector = createReflector<T>({
      client: kube.user,
      path: collectionPath(resource, kube.namespace),
      selector: SELECTED,
      project: (live) => live,
      onChange: ({ type, object }) => {
        if (type !== 'removed') onSeen(object)
      },
      log: silentLog,
    })
    reflector.start()
    return reflector
  }

  const connectors = async () => {
    const { items } = await kube.user.list<Pod>(collectionPath(resources.Pod, kube.namespace), { labelSelector: SELECTED.labels })
    return items.map(({ status }) => status?.podIP).sort()
  }

  test('connectors with the fewest players get a deletion cost before the Deployment is scaled, so that those with the most remain', async () => {
    // Five pods; no server listens at the address of the last one.
    await kube.declare({ livekit: { type: 'None' }, cells: { template: { connectors: { replicas: 5 } } } })
    await expect.poll(connectors, patient).toEqual([2, 3, 4, 5, 6].map((last) => `127.0.7.${last}`))
    await operator.settled()
    for (const [last, count] of [40, 3, 90, 25].entries()) players.set(`127.0.7.${last + 2}`, count)
    expect(marked.size).toBe(0)
    await kube.kubectl('scale commscell main-0 --replicas=2')
    await expect.poll(connectors, patient).toEqual(['127.0.7.2', '127.0.7.4'])
    const shrunk = replicas.get(2) ?? 0
    expect(marked.size).toBe(3)
    for (const [pod, version] of marked) expect(version, `${pod} was marked before`).toBeLessThan(shrunk)
    const writes = await restingWrites()
    expect(await restingWrites()).toBe(writes)
  })

  async function restingWrites(): Promise<number> {
    await operator.settled()
    return writesOf(operator.client)
  }
})
