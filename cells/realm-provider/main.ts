import { systemClock } from '../chassis/clock.ts'
import { findAccess } from '../chassis/kube/access.ts'
import { kubeMetrics } from '../chassis/kube/kube-metrics.ts'
import { createTransport } from '../chassis/kube/transport.ts'
import { type Running, stopAll } from '../chassis/lifecycle.ts'
import { listen } from '../chassis/listen.ts'
import { createLog } from '../chassis/log.ts'
import { Metrics } from '../chassis/metrics.ts'
import { startRealmProvider } from './cell.ts'
import { readConfig } from './config.ts'
import { createKubernetesSource } from './sources/kubernetes.ts'

/** Runs the realm provider of a cluster. @throws UserError when the environment is not usable or there is no cluster */
export async function main(env: NodeJS.ProcessEnv): Promise<Running> {
  const config = readConfig(env)
  const log = createLog('realm-provider', config.LOG_LEVEL)
  const metrics = new Metrics('realm-provider').withProcess()
  const counted = kubeMetrics(metrics)
  const transport = createTransport({ access: await findAccess(env), metrics: counted })
  const source = createKubernetesSource({ transport, namespace: config.WATCH_NAMESPACE, log, metrics: counted })
  const cell = await startRealmProvider(config, { source, log, clock: systemClock, metrics })
  const http = await listen(cell.app, { host: config.HTTP_SERVER_HOST, port: config.HTTP_SERVER_PORT })
  log.info({ url: http.url, namespace: config.WATCH_NAMESPACE || 'all' }, 'the realm provider is listening')
  return stopAll(log, http, cell, source, transport)
}
