import { resources } from '../../cells/kube/resources.ts'
import type { InMemoryApiServer } from './in-memory-api-server.ts'

/** Has the pods of every workload in a simulated cluster run as soon as they are wanted. */
export function runPodsAtOnce(simulator: InMemoryApiServer): void {
  const kubelet = simulator.client()
  const options = { fieldManager: 'kubelet', force: true, subresource: 'status' } as const
  simulator.onChange(({ kind, metadata: { name, namespace, generation }, spec }) => {
    if (kind !== 'Deployment' && kind !== 'StatefulSet') return
    const { replicas = 1 } = spec as { replicas?: number }
    const status = { observedGeneration: generation, replicas, updatedReplicas: replicas, readyReplicas: replicas }
    const said = { apiVersion: 'apps/v1', kind, metadata: { name, ...(namespace && { namespace }) }, status }
    // What was deleted meanwhile needs no status.
    setImmediate(() => void kubelet.apply(resources[kind], said, options).catch(() => {}))
  })
}
