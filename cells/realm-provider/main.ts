import { systemClock } from '../chassis/clock.ts'
import type { Running } from '../chassis/lifecycle.ts'
import { findKubeAccess } from '../kube/kube-access.ts'
import { kubeMetrics } from '../kube/kube-metrics.ts'
import { createKubeClient } from '../kube/pooled-kube-client.ts'
import { runService } from '../process.ts'
import { readConfig } from './config.ts'
import { startRealmProvider } from './service.ts'
import { createEventSource } from './sources/events.ts'
import { createKubernetesSource } from './sources/kubernetes.ts'

/** Runs the realm provider of a cluster. @throws UserError when the environment is invalid or there is no cluster */
export async function main(env: NodeJS.ProcessEnv): Promise<Running> {
  const config = readConfig(env)
  return runService('realm-provider', config, async ({ log, metrics }) => {
    const counted = kubeMetrics(metrics)
    const client = createKubeClient({ access: await findKubeAccess(env), metrics: counted })
    const watched = { client, namespaces: config.WATCH_NAMESPACES, log, metrics: counted }
    const source = createKubernetesSource(watched)
    const events = config.CONSOLE === 'None' ? undefined : createEventSource(watched)
    const service = await startRealmProvider(config, { source, events, log, clock: systemClock, metrics })
    return { service, dependencies: [source, ...(events ? [events] : []), client] }
  })
}
