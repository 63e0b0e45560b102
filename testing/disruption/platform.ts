import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { V1Deployment, V1Lease, V1Pod, V1StatefulSet } from '@kubernetes/client-node'
import { type CommsCell, conditionOf, type Realm } from '../../crds/realm.ts'
import { type RunningCluster, startCluster } from '../cluster/cluster.ts'
import type { FrontDoor } from '../cluster/ingress-proxy.ts'
import { installProduct, OPERATOR_NAMESPACE, PRODUCT_IMAGE, PRODUCT_VERSION } from '../cluster/product.ts'
import { applyRealm, REALMS_NAMESPACE, realmsNamespace } from '../cluster/realm.ts'
import type { Progress } from '../parts/part.ts'
import { startPostgres } from '../postgres-server.ts'
import { databaseSecret, NEXT_VERSION, REALM, type RealmSettings, realmOf } from './realm.ts'

const SETTLE_MS = 300_000
const POLL_MS = 1_000
/** One controller acts on what another wrote: all is over when nobody has found anything to do for a while. */
const CALM_MS = 3_000
const READ_MS = 5_000
const MAX_TRIES = 10
/** How long it takes until every node leads to a pod that is ready. */
const ROUTES_MS = 3_000

/** A pod, and the namespace it is in. */
export type Pod = V1Pod & { metadata: { name: string; namespace: string } }

/** The real parts a platform is made of. */
export interface PlatformParts {
  kube: string
  nats: string
  livekit: string
  postgres: string
}

/** A cluster of a control plane and two workers with the product and a realm in it, and everything a platform does to them. */
export class Platform implements AsyncDisposable {
  readonly cluster: RunningCluster
  readonly door: FrontDoor
  readonly #everything: AsyncDisposableStack

  private constructor(cluster: RunningCluster, door: FrontDoor, everything: AsyncDisposableStack) {
    this.cluster = cluster
    this.door = door
    this.#everything = everything
  }

  /** Starts it all, as the chart and a manifest do, and waits until the realm is published and every pod is up. */
  static async start(parts: PlatformParts, settings: RealmSettings, progress: Progress): Promise<Platform> {
    await using starting = new AsyncDisposableStack()
    const { kube, nats, livekit, postgres } = parts
    const cluster = starting.adopt(await startCluster({ kube, workers: 2, progress }), (started) => started.stop())
    const [control, ...workers] = cluster.nodes
    await cluster.kubectl('taint', 'node', control?.name ?? '', 'node-role.kubernetes.io/control-plane:NoSchedule')
    const { provider } = await installProduct(cluster, { nats, livekit }, progress)
    for (const { machine } of workers) {
      const names = [PRODUCT_VERSION, NEXT_VERSION].map((tag) => `${PRODUCT_IMAGE}:${tag}`)
      await machine.run('ctr', '--namespace', 'k8s.io', 'images', 'tag', ...names)
    }
    const door = starting.adopt(await cluster.openFrontDoor(provider), (opened) => opened.stop())
    progress('starting a database outside the cluster, and applying the realm')
    const database = starting.adopt(await startPostgres(postgres, new URL(door.url).hostname), (server) => server.stop())
    await cluster.apply([realmsNamespace])
    await cluster.apply([databaseSecret(await database.database())], REALMS_NAMESPACE)
    await applyRealm(cluster, door, realmOf(settings))
    const platform = new Platform(cluster, door, starting.move())
    await platform.settled().catch(async (error: unknown) => {
      await platform[Symbol.asyncDispose]()
      throw error
    })
    await sleep(ROUTES_MS)
    return platform
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#everything.disposeAsync()
  }

  /** Where explorers ask for the realm. */
  get aboutUrl(): string {
    return `${this.door.url}/${REALM}/about`
  }

  /** Base URL of the realm's gatekeeper. */
  get gatekeeperUrl(): string {
    return `${this.door.realmUrl(REALMS_NAMESPACE, REALM)}/gatekeeper`
  }

  async realm(): Promise<Realm> {
    return this.#get<Realm>(`/apis/comms.decentraland.org/v1alpha1/namespaces/${REALMS_NAMESPACE}/realms/${REALM}`)
  }

  cells(): Promise<CommsCell[]> {
    return this.#list<CommsCell>(`/apis/comms.decentraland.org/v1alpha1/namespaces/${REALMS_NAMESPACE}/commscells`)
  }

  /** The pods of a part of the realm. */
  podsOf(component: string): Promise<Pod[]> {
    return this.#list<Pod>(podsPath(REALMS_NAMESPACE, `app.kubernetes.io/component=${component}`))
  }

  /** The pods of the operator or of the realm provider. */
  productPods(name: 'operator' | 'provider'): Promise<Pod[]> {
    return this.#list<Pod>(podsPath(OPERATOR_NAMESPACE, `app.kubernetes.io/name=${name}`))
  }

  /** The operator that writes. */
  async leader(): Promise<Pod> {
    const lease = await this.#get<V1Lease>(`/apis/coordination.k8s.io/v1/namespaces/${OPERATOR_NAMESPACE}/leases/realm-operator`)
    const pods = await this.productPods('operator')
    return found(
      'the leader',
      pods.find(({ metadata }) => metadata.name === lease.spec?.holderIdentity),
    )
  }

  /** The connector with most players. */
  fullestConnector(): Promise<Pod> {
    return this.#fullest('connector', '8080/status', 'userCount')
  }

  /** The NATS server with most clients. */
  fullestNats(): Promise<Pod> {
    return this.#fullest('nats', '8222/varz', 'connections')
  }

  /** The archipelago that speaks. */
  async activeArchipelago(): Promise<Pod> {
    for (const pod of await this.podsOf('archipelago')) {
      const asked = await fetch(`http://${pod.status?.podIP}:8080/debug`, { signal: AbortSignal.timeout(READ_MS) }).catch(
        () => undefined,
      )
      if (((await asked?.json()) as { role?: string } | undefined)?.role === 'active') return pod
    }
    throw new Error('no archipelago is active')
  }

  /** The realm's spec, changed as with kubectl patch. */
  async patch(spec: object): Promise<void> {
    await this.cluster.kubectl(
      'patch',
      `realm/${REALM}`,
      '--namespace',
      REALMS_NAMESPACE,
      '--type=merge',
      '--patch',
      JSON.stringify({ spec }),
    )
  }

  async scale(cells: number): Promise<void> {
    await this.cluster.kubectl('scale', `realm/${REALM}`, '--namespace', REALMS_NAMESPACE, `--replicas=${cells}`)
  }

  /** SIGKILL to a pod's process, from its node, with nobody told. */
  async kill(pod: Pod): Promise<void> {
    const node = found(
      'its node',
      this.cluster.nodes.find(({ name }) => name === pod.spec?.nodeName),
    )
    const [, id = ''] = pod.status?.containerStatuses?.[0]?.containerID?.split('://') ?? []
    await node.machine.run('ctr', '--namespace', 'k8s.io', 'tasks', 'kill', '--signal', 'SIGKILL', id)
  }

  /** Evicts a pod through the API, as autoscalers and drains do. */
  async evict({ metadata: { namespace, name } }: Pod): Promise<void> {
    const file = join(dirname(this.cluster.kubeconfig), 'eviction.json')
    await writeFile(file, JSON.stringify({ apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace } }))
    await this.cluster.kubectl('create', '--raw', `/api/v1/namespaces/${namespace}/pods/${name}/eviction`, '--filename', file)
  }

  /** Takes a node out of service, as before a repair. */
  async drain(node: string): Promise<void> {
    await this.cluster.kubectl('drain', node, '--ignore-daemonsets', '--delete-emptydir-data', '--timeout=240s')
  }

  /** Waits until nothing is under way any more: as many cells as wanted, all of them as wanted, every pod up and none on its way out. */
  async settled(): Promise<void> {
    const deadline = performance.now() + SETTLE_MS
    let calmSinceMs = performance.now()
    while (performance.now() - calmSinceMs < CALM_MS) {
      const why = await this.#unsettled()
      if (why !== undefined) calmSinceMs = performance.now()
      if (why !== undefined && performance.now() > deadline)
        throw new Error(`the platform did not settle within ${SETTLE_MS} ms: ${why}`)
      await sleep(POLL_MS)
    }
  }

  /** What is still under way. */
  async #unsettled(): Promise<string | undefined> {
    const [realm, cells] = [await this.realm(), await this.cells()]
    if (realm.status?.observedGeneration !== realm.metadata.generation) return 'the operator has not looked yet'
    if (cells.length !== realm.spec.cells.replicas) return `there are ${cells.length} cells`
    const { readyReplicas = 0, updatedReplicas = 0 } = realm.status ?? {}
    if (readyReplicas !== cells.length || updatedReplicas !== cells.length)
      return `${updatedReplicas} of ${cells.length} cells are as wanted, ${readyReplicas} serve`
    const unseen = cells.find(({ metadata, status }) => status?.observedGeneration !== metadata.generation)
    if (unseen) return `${unseen.metadata.name} was not looked at yet`
    if (conditionOf(realm, 'Ready')?.status !== 'True') return `the realm is not ready: ${conditionOf(realm, 'Ready')?.message}`
    for (const namespace of [REALMS_NAMESPACE, OPERATOR_NAMESPACE]) {
      const apps = `/apis/apps/v1/namespaces/${namespace}`
      const workloads = [
        ...(await this.#list<V1Deployment>(`${apps}/deployments`)),
        ...(await this.#list<V1StatefulSet>(`${apps}/statefulsets`)),
      ]
      for (const { metadata, spec, status } of workloads) {
        const wanted = spec?.replicas ?? 0
        const { replicas = 0, readyReplicas = 0, updatedReplicas = 0 } = status ?? {}
        const isUp = [replicas, readyReplicas, updatedReplicas].every((count) => count === wanted)
        if (!isUp || status?.observedGeneration !== metadata?.generation) return `${metadata?.name} is not up`
      }
      const leaving = (await this.#list<Pod>(podsPath(namespace))).find(({ metadata }) => metadata.deletionTimestamp)
      if (leaving) return `${leaving.metadata.name} is on its way out`
    }
    return undefined
  }

  /** Of the pods of a part the one that has most of what it counts. */
  async #fullest(component: string, path: string, what: string): Promise<Pod> {
    const count = async (pod: Pod) => {
      const answer = await fetch(`http://${pod.status?.podIP}:${path}`, { signal: AbortSignal.timeout(READ_MS) })
      return { pod, count: ((await answer.json()) as Record<string, number>)[what] ?? 0 }
    }
    const counted = await Promise.all((await this.podsOf(component)).map(count))
    return found(component, counted.sort((a, b) => b.count - a.count)[0]?.pod)
  }

  async #get<T>(path: string): Promise<T> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const answer = await this.cluster.read(path)
      if (answer !== undefined) return answer as T
      await sleep(POLL_MS)
    }
    throw new Error(`the API server did not answer ${path}`)
  }

  async #list<T>(path: string): Promise<T[]> {
    return (await this.#get<{ items: T[] }>(path)).items
  }
}

const podsPath = (namespace: string, labels = ''): string =>
  `/api/v1/namespaces/${namespace}/pods${labels && `?labelSelector=${encodeURIComponent(labels)}`}`

function found<T>(what: string, thing: T | undefined): T {
  if (thing === undefined) throw new Error(`${what} is not there`)
  return thing
}
