import { silentLog } from '../../cells/chassis/log.ts'
import type { KubeClient } from '../../cells/kube/kube-client.ts'
import type { KubeObject } from '../../cells/kube/kube-object.ts'
import { createReflector, type Reflector } from '../../cells/kube/reflector.ts'
import { collectionPath, resources } from '../../cells/kube/resources.ts'
import { MANAGER } from '../../operator/desired/naming.ts'

interface Workload extends KubeObject {
  spec: {
    replicas?: number
    template: { metadata: { labels: Record<string, string> }; spec: { containers: { name: string }[] } }
  }
  status?: { readyReplicas?: number; observedGeneration?: number }
}

/** Replaces the controllers and nodes of a cluster: reports for every workload of the operator that its pods run. */
export interface FakeKubelet {
  /**
   * Selects the workloads whose pods become ready, by name; the default is all. The status of each existing workload is written
   * again.
   */
  readyOnly(ready: (name: string) => boolean): Promise<void>
  /** Creates a pod of a Deployment whose container never starts. */
  pod(deployment: string, waiting: { reason: string; message: string }): Promise<void>
  stop(): Promise<void>
}

/** Writes the status of the workloads of one namespace. */
export function startFakeKubelet(client: KubeClient, namespace: string): FakeKubelet {
  let isReady: (name: string) => boolean = () => true
  const reflectors: Reflector<Workload>[] = []

  async function settle(live: Workload): Promise<void> {
    const { apiVersion, kind, metadata, spec, status } = live
    const replicas = spec.replicas ?? 1
    const readyReplicas = isReady(metadata.name) ? replicas : 0
    if (status?.observedGeneration === metadata.generation && (status?.readyReplicas ?? 0) === readyReplicas) return
    const said = {
      apiVersion,
      kind,
      metadata: { name: metadata.name, namespace: metadata.namespace },
      status: {
        observedGeneration: metadata.generation,
        replicas,
        updatedReplicas: replicas,
        readyReplicas,
        availableReplicas: readyReplicas,
      },
    }
    const resource = kind === 'Deployment' ? resources.Deployment : resources.StatefulSet
    const options = { fieldManager: 'kubelet', force: true, subresource: 'status' } as const
    // A deleted object needs no status, and after a restart of the server the watch delivers every object again.
    await client.apply(resource, said as KubeObject, options).catch(() => undefined)
  }

  for (const resource of [resources.Deployment, resources.StatefulSet]) {
    const reflector = createReflector<Workload>({
      client,
      path: collectionPath(resource, namespace),
      selector: { labels: `app.kubernetes.io/managed-by=${MANAGER}` },
      project: (live) => live,
      onChange: ({ type, object }) => {
        if (type !== 'removed') void settle(object)
      },
      log: silentLog,
    })
    reflector.start()
    reflectors.push(reflector)
  }
  return {
    async readyOnly(ready) {
      isReady = ready
      await Promise.all(reflectors.flatMap((reflector) => reflector.list().map(settle)))
    },
    async pod(deployment, waiting) {
      const live = await client.get<Workload>(resources.Deployment, { namespace, name: deployment })
      if (!live) throw new Error(`there is no Deployment ${deployment}`)
      const { metadata, spec } = live.spec.template
      const name = `${deployment}-1`
      const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name, namespace, labels: metadata.labels } }
      await client.create(resources.Pod, { ...pod, spec: { ...spec, automountServiceAccountToken: false } } as KubeObject)
      const containerStatuses = spec.containers.map((container) => ({
        name: container.name,
        image: '',
        imageID: '',
        ready: false,
        restartCount: 0,
        state: { waiting },
      }))
      const said = { ...pod, status: { phase: 'Pending', containerStatuses } }
      await client.apply(resources.Pod, said, { fieldManager: 'kubelet', force: true, subresource: 'status' })
    },
    async stop() {
      await Promise.all(reflectors.map((reflector) => reflector.stop()))
    },
  }
}
