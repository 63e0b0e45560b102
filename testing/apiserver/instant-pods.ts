import { resources } from '../../cells/kube/resources.ts'
import type { InMemoryApiServer } from './in-memory-api-server.ts'

/** Reports the pods of every workload as running as soon as the workload is created or changed. */
export function runPodsAtOnce(apiServer: InMemoryApiServer): void {
  const kubelet = apiServer.client()
  const options = { fieldManager: 'kubelet', force: true, subresource: 'status' } as const
  apiServer.onChange(({ kind, metadata: { name, namespace, generation }, spec }) => {
    if (kind !== 'Deployment' && kind !== 'StatefulSet') return
    const { replicas = 1 } = spec as { replicas?: number }
    const status = { observedGeneration: generation, replicas, updatedReplicas: replicas, readyReplicas: replicas }
    const report = { apiVersion: 'apps/v1', kind, metadata: { name, ...(namespace && { namespace }) }, status }
    // An object that was deleted meanwhile needs no status.
    setImmediate(() => void kubelet.apply(resources[kind], report, options).catch(() => {}))
  })
}
