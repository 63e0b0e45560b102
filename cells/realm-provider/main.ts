import { systemClock } from '../chassis/clock.ts'
import type { Running } from '../chassis/lifecycle.ts'
import { findAccess } from '../kube/access.ts'
import { kubeMetrics } from '../kube/kube-metrics.ts'
import { createTransport } from '../kube/transport.ts'
import { runCell } from '../process.ts'
import { readConfig } from './config.ts'
import { startRealmProvider } from './service.ts'
import { createKubernetesSource } from './sources/kubernetes.ts'

/** Runs the realm provider of a cluster. @throws UserError when the environment is invalid or there is no cluster */
export async function main(env: NodeJS.ProcessEnv): Promise<Running> {
  const config = readConfig(env)
  return runCell('realm-provider', config, async ({ log, metrics }) => {
    const counted = kubeMetrics(metrics)
    const transport = createTransport({ access: await findAccess(env), metrics: counted })
    const source = createKubernetesSource({ transport, namespace: config.WATCH_NAMESPACE, log, metrics: counted })
    const cell = await startRealmProvider(config, { source, log, clock: systemClock, metrics })
    return { cell, foundations: [source, transport] }
  })
}
