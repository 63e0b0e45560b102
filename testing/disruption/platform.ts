import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { V1Deployment, V1Lease, V1Pod, V1StatefulSet } from '@kubernetes/client-node'
import { type CommsCell, conditionOf, type Realm } from '../../crds/realm.ts'
import { type RunningCluster, startCluster } from '../cluster/cluster.ts'
import type { IngressProxy } from '../cluster/ingress-proxy.ts'
import { installProduct, OPERATOR_NAMESPACE, PRODUCT_IMAGE, PRODUCT_VERSION, upgradeProduct } from '../cluster/product.ts'
import { applyRealm, REALMS_NAMESPACE, realmsNamespace } from '../cluster/realm.ts'
import type { Progress } from '../parts/part.ts'
import { startPostgres } from '../postgres-server.ts'
import { databaseSecret, NEXT_VERSION, REALM, type RealmSettings, realmOf } from './realm.ts'

const SETTLE_MS = 300_000
const POLL_MS = 500
/** One controller acts on what another wrote: the platform has settled when no controller changed anything for this long. */
const CALM_MS = 2_000
const READ_MS = 5_000
const MAX_TRIES = 20
/** How long kube-proxy takes on every node to route to a pod that became ready. */
const ROUTES_MS = 3_000

/** Where `installProduct` puts the NATS of Managed realms. */
const NATS_IMAGE = 'localhost/nats'

/** A pod, and the namespace it is in. */
export type Pod = V1Pod & { metadata: { name: string; namespace: string } }

/** Folders of the parts. */
export interface PlatformParts {
  kube: string
  nats: string
  livekit: string
  postgres: string
}

/** A cluster of a control plane and two workers with the product and a realm in it, and the operations that disrupt them. */
export class Platform implements AsyncDisposable {
  readonly cluster: RunningCluster
  readonly ingress: IngressProxy
  readonly flushMs: number
  readonly #everything: AsyncDisposableStack

  private constructor(cluster: RunningCluster, ingress: IngressProxy, flushMs: number, everything: AsyncDisposableStack) {
    this.cluster = cluster
    this.ingress = ingress
    this.flushMs = flushMs
    this.#everything = everything
  }

  /** Installs the chart, applies the realm, and waits until the realm is published and every pod is ready. */
  static async start(parts: PlatformParts, settings: RealmSettings, progress: Progress): Promise<Platform> {
    await using starting = new AsyncDisposableStack()
    const { kube, nats, livekit, postgres } = parts
    const cluster = starting.adopt(await startCluster({ kube, workers: 2, progress }), (started) => started.stop())
    const [control, ...workers] = cluster.nodes
    await cluster.kubectl('taint', 'node', control?.name ?? '', 'node-role.kubernetes.io/control-plane:NoSchedule')
    const { provider } = await installProduct(cluster, { nats, livekit }, progress)
    for (const { machine } of workers) {
      const tag = (...names: string[]) => machine.run('ctr', '--namespace', 'k8s.io', 'images', 'tag', ...names)
      await tag(...[PRODUCT_VERSION, NEXT_VERSION].map((version) => `${PRODUCT_IMAGE}:${version}`))
      for (const version of [PRODUCT_VERSION, NEXT_VERSION]) await tag(`${NATS_IMAGE}:1`, `${NATS_IMAGE}:${version}`)
    }
    const ingress = starting.adopt(await cluster.startIngress(provider), (opened) => opened.stop())
    progress('starting a database outside the cluster, and applying the realm')
    const database = starting.adopt(await startPostgres(postgres, { host: new URL(ingress.url).hostname }), (server) =>
      server.stop(),
    )
    await cluster.apply([realmsNamespace])
    await cluster.apply([databaseSecret(await database.database())], REALMS_NAMESPACE)
    await applyRealm(cluster, ingress, realmOf(settings))
    const platform = new Platform(cluster, ingress, settings.flushMs, starting.move())
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

  /** Where explorers find the realm. */
  get aboutUrl(): string {
    return `${this.ingress.url}/${REALM}/about`
  }

  /** Base URL of the realm's gatekeeper. */
  get gatekeeperUrl(): string {
    return `${this.ingress.realmUrl(REALMS_NAMESPACE, REALM)}/gatekeeper`
  }

  async realm(): Promise<Realm> {
    return this.#get<Realm>(`/apis/comms.decentraland.org/v1alpha1/namespaces/${REALMS_NAMESPACE}/realms/${REALM}`)
  }

  cells(): Promise<CommsCell[]> {
    return this.#list<CommsCell>(`/apis/comms.decentraland.org/v1alpha1/namespaces/${REALMS_NAMESPACE}/commscells`)
  }

  /** The realm's pods of one component. */
  podsOf(component: string): Promise<Pod[]> {
    return this.#list<Pod>(podsPath(REALMS_NAMESPACE, `app.kubernetes.io/component=${component}`))
  }

  /** The pods of the operator or of the realm provider. */
  productPods(name: 'operator' | 'provider'): Promise<Pod[]> {
    return this.#list<Pod>(podsPath(OPERATOR_NAMESPACE, `app.kubernetes.io/name=${name}`))
  }

  /** The pod of the operator that holds the lease. */
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

  /** The archipelago that announces rooms. */
  async activeArchipelago(): Promise<Pod> {
    // In a Compact cell it is in a connector.
    for (const pod of [...(await this.podsOf('archipelago')), ...(await this.podsOf('connector'))]) {
      const answer = await fetch(`http://${pod.status?.podIP}:8080/debug`, { signal: AbortSignal.timeout(READ_MS) }).catch(
        () => undefined,
      )
      if (answer?.ok && ((await answer.json()) as { role?: string }).role === 'active') return pod
    }
    throw new Error('no archipelago is active')
  }

  /** Upgrades the operator and the realm provider to another tag of the image with the chart, and the image of Managed NATS with them. */
  async upgrade(tag: string): Promise<void> {
    await upgradeProduct(this.cluster, [`image.tag=${tag}`, `managed.nats=${NATS_IMAGE}:${tag}`])
  }

  /** Each pod of the realm, with the number of times its containers were restarted. */
  async restarts(): Promise<ReadonlyMap<string, number>> {
    const pods = await this.#list<Pod>(podsPath(REALMS_NAMESPACE))
    const restarted = ({ status }: Pod) =>
      (status?.containerStatuses ?? []).reduce((sum, { restartCount }) => sum + restartCount, 0)
    return new Map(pods.map((pod) => [`${pod.metadata.name} ${pod.metadata.uid}`, restarted(pod)]))
  }

  /** Merges into the realm's spec with kubectl patch. */
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

  /** Sends SIGKILL to a pod's process from its node; the API server is not involved. */
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

  /** Waits until the realm has its desired cells, all of the desired revision, every pod is ready and none is being deleted. */
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

  /** The first thing that is not in its desired state. */
  async #unsettled(): Promise<string | undefined> {
    const [realm, cells] = [await this.realm(), await this.cells()]
    if (realm.status?.observedGeneration !== realm.metadata.generation) return 'the operator has not observed the realm yet'
    if (cells.length !== realm.spec.cells.replicas) return `there are ${cells.length} cells`
    const { readyReplicas = 0, updatedReplicas = 0 } = realm.status ?? {}
    if (readyReplicas !== cells.length || updatedReplicas !== cells.length)
      return `${updatedReplicas} of ${cells.length} cells are of the desired revision, ${readyReplicas} serve`
    const unobserved = cells.find(({ metadata, status }) => status?.observedGeneration !== metadata.generation)
    if (unobserved) return `${unobserved.metadata.name} was not observed yet`
    if (conditionOf(realm, 'Ready')?.status !== 'True') return `the realm is not ready: ${conditionOf(realm, 'Ready')?.message}`
    for (const namespace of [REALMS_NAMESPACE, OPERATOR_NAMESPACE]) {
      const apps = `/apis/apps/v1/namespaces/${namespace}`
      const workloads = [
        ...(await this.#list<V1Deployment>(`${apps}/deployments`)),
        ...(await this.#list<V1StatefulSet>(`${apps}/statefulsets`)),
      ]
      for (const { metadata, spec, status } of workloads) {
        const desired = spec?.replicas ?? 0
        const { replicas = 0, readyReplicas = 0, updatedReplicas = 0 } = status ?? {}
        const isReady = [replicas, readyReplicas, updatedReplicas].every((count) => count === desired)
        if (!isReady || status?.observedGeneration !== metadata?.generation) return `${metadata?.name} is not ready`
      }
      const deleted = (await this.#list<Pod>(podsPath(namespace))).find(({ metadata }) => metadata.deletionTimestamp)
      if (deleted) return `${deleted.metadata.name} is being deleted`
    }
    return undefined
  }

  /** The pod of a component with the largest `what` in the JSON at `path`. */
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
