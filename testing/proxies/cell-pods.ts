import { networkInterfaces } from 'node:os'
import { createMemoryBus } from '../../cells/bus/memory.ts'
import { systemClock } from '../../cells/chassis/clock.ts'
import type { Running } from '../../cells/chassis/lifecycle.ts'
import { listen } from '../../cells/chassis/listen.ts'
import { silentLog } from '../../cells/chassis/log.ts'
import { Metrics } from '../../cells/chassis/metrics.ts'
import type { RunningService } from '../../cells/chassis/running-service.ts'
import { readConfig as readConnectorConfig } from '../../cells/connector/config.ts'
import { startConnector } from '../../cells/connector/service.ts'
import { type ChainVerifier, createVerifier } from '../../cells/identity/verifier.ts'
import type { KubeClient } from '../../cells/kube/kube-client.ts'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { createReflector } from '../../cells/kube/reflector.ts'
import { collectionPath, resources } from '../../cells/kube/resources.ts'
import { startStats } from '../../cells/stats/service.ts'
import { busPayloads } from '../../cells/wire/packets.ts'
import type { PeerId } from '../../cells/wire/peer.ts'
import { CELL_LABEL, COMPONENT_LABEL, REALM_LABEL } from '../../operator/desired/naming.ts'

interface Workload extends KubeObject {
  spec: { replicas?: number; template: { metadata: { labels: Record<string, string> } } }
}

/** The name of the Node of all pods: the endpoints of pods without a known one are left out. */
export const NODE = 'this-machine'

/** A service in the process of the test, and the Pod by which Services lead to it. */
interface CellPod {
  cell: string | undefined
  /** Peers who signed in, and whether a heartbeat of theirs arrived since that was asked last. */
  peers: Map<PeerId, boolean>
  place(peer: PeerId, islandId: string): void
  stop(): Promise<void>
}

interface CellPodsOptions {
  client: KubeClient
  namespace: string
  providerUrl: string
}

/**
 * Runs the connectors and statistics of realms in this process, one for each of their Deployments. Each has a Pod with its labels, at an
 * address of this machine and a port of its own, so that the controllers of a real cluster find its endpoints. A connector whose Deployment
 * was scaled to nothing or deleted goes on without being selected, until the test ends it: what closes a socket before is not the connector.
 */
export class CellPods implements Running {
  readonly #options: CellPodsOptions
  readonly #verifier: ChainVerifier
  readonly #address = machineAddress()
  readonly #pods = new Map<string, Promise<CellPod>>()
  readonly #running: CellPod[] = []
  readonly #reflector

  constructor(options: CellPodsOptions) {
    this.#options = options
    this.#verifier = createVerifier({ log: silentLog, workers: 1 })
    this.#reflector = createReflector<Workload>({
      client: options.client,
      path: collectionPath(resources.Deployment, options.namespace),
      project: (live) => live,
      onChange: ({ type, object }) => {
        const { name } = object.metadata
        const component = object.spec.template.metadata.labels[COMPONENT_LABEL]
        const isWanted = type !== 'removed' && object.spec.replicas !== 0
        if (component !== 'connector' && component !== 'stats') return
        if (isWanted && !this.#pods.has(name)) this.#pods.set(name, this.#start(object, component))
        if (!isWanted) void this.#unselect(name)
      },
      log: silentLog,
    })
    this.#reflector.start()
  }

  /** The cell at which a peer signed in last. */
  cellOf(peer: PeerId): string | undefined {
    return this.#running.findLast(({ peers }) => peers.has(peer))?.cell
  }

  /** Whether a heartbeat of a peer arrived since this was asked last. */
  tookHeartbeat(peer: PeerId): boolean {
    const pod = this.#running.findLast(({ peers }) => peers.has(peer))
    const took = pod?.peers.get(peer) ?? false
    pod?.peers.set(peer, false)
    return took
  }

  /** Announces an island to a peer, wherever it is, as an archipelago does. */
  place(peer: PeerId, islandId: string): void {
    for (const pod of this.#running) pod.place(peer, islandId)
  }

  /** Ends the connector of a cell as the end of its pod does: it closes its sockets. */
  async end(cell: string): Promise<void> {
    for (const pod of this.#running.filter((each) => each.cell === cell)) await pod.stop()
  }

  async stop(): Promise<void> {
    await this.#reflector.stop()
    await Promise.all([...this.#pods.values()])
    await Promise.all(this.#running.map((pod) => pod.stop()))
    await this.#verifier.close()
  }

  async #start({ metadata: { name }, spec }: Workload, component: 'connector' | 'stats'): Promise<CellPod> {
    const { labels } = spec.template.metadata
    const bus = createMemoryBus(silentLog)
    const peers = new Map<PeerId, boolean>()
    bus.subscribe('peer.*.*', (_, subject) => {
      const [, peer = '', topic] = subject.split('.')
      peers.set(peer as PeerId, topic === 'heartbeat')
    })
    const deps = { bus, clock: systemClock, log: silentLog, metrics: new Metrics(component) }
    const service =
      component === 'connector'
        ? await startConnector(readConnectorConfig({ DRAIN_SECONDS: '1' }), {
            ...{ ...deps, verifier: this.#verifier },
            relay: undefined,
          })
        : await startStats(this.#statsConfig(labels[REALM_LABEL] ?? ''), deps)
    const pod: CellPod = {
      ...{ cell: component === 'connector' ? labels[CELL_LABEL] : undefined, peers },
      place: (peer, islandId) => {
        const island = { islandId, connStr: 'livekit:wss://livekit.invalid', fromIslandId: undefined, peers: {} }
        bus.publish(`engine.peer.${peer}.island_changed`, busPayloads.encodeIslandChanged(island))
      },
      stop: async () => {},
    }
    pod.stop = await this.#serve(name, service)
    this.#running.push(pod)
    return pod
  }

  #statsConfig(realm: string) {
    return {
      ...{ BUS_SCOPE: 'test.0', COMMIT_HASH: 'test', CURRENT_VERSION: '1.0.0' },
      ...{ REALM_NAME: realm, REALM_PROVIDER_URL: this.#options.providerUrl },
    }
  }

  /** Listens, and creates the Pod. Returns what ends the service. */
  async #serve(name: string, service: RunningService): Promise<() => Promise<void>> {
    const http = await listen(service.app, { host: this.#address, port: 0 })
    await this.#create(name, Number(new URL(http.url).port))
    let stopping: Promise<void> | undefined
    return () => {
      stopping ??= service.stop().then(() => http.stop())
      return stopping
    }
  }

  async #create(name: string, port: number): Promise<void> {
    const { client, namespace } = this.#options
    const live = await client.get<Workload>(resources.Deployment, { namespace, name })
    const { labels } = live?.spec.template.metadata ?? {}
    const metadata = { name, namespace, ...(labels && { labels }) }
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata }
    const containers = [{ name: 'service', image: 'none', ports: [{ name: 'http', containerPort: port }] }]
    // No kubelet ends it, so that it has to be gone as soon as it is deleted.
    const unattended = { terminationGracePeriodSeconds: 0, automountServiceAccountToken: false }
    await client.create(resources.Pod, { ...pod, spec: { nodeName: NODE, containers, ...unattended } } as KubeObject)
    const conditions = [{ type: 'Ready', status: 'True' }]
    const status = { phase: 'Running', podIP: this.#address, podIPs: [{ ip: this.#address }], conditions }
    const report = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace }, status } as KubeObject
    await client.apply(resources.Pod, report, { fieldManager: 'kubelet', force: true, subresource: 'status' })
  }

  /** Removes the Pod of a Deployment, and leaves its service running. */
  async #unselect(name: string): Promise<void> {
    const pod = this.#pods.get(name)
    this.#pods.delete(name)
    await pod
    if (pod) await this.#options.client.remove(resources.Pod, { namespace: this.#options.namespace, name })
  }
}

/** An address at which endpoints may be: those of a Service must not be on the loopback interface. @throws where there is none */
function machineAddress(): string {
  for (const addresses of Object.values(networkInterfaces()))
    for (const { family, internal, address } of addresses ?? []) if (family === 'IPv4' && !internal) return address
  throw new Error('this machine has no address other than its loopback interface')
}
