import { systemClock } from '../cells/chassis/clock.ts'
import { silentLog } from '../cells/chassis/log.ts'
import { platform, site } from '../operator/desired/realm.fixtures.ts'
import { Writer } from '../operator/kubernetes/apply/writer.ts'
import { Cache } from '../operator/kubernetes/cache/cache.ts'
import { KubernetesCluster } from '../operator/kubernetes/kubernetes-cluster.ts'
import { leadershipBy } from '../operator/leader/leadership.ts'
import { alwaysServing } from '../operator/observers/fixtures.ts'
import { startReconcilers } from '../operator/reconcile/loop.ts'
import type { QueueMetrics } from '../operator/reconcile/queue-metrics.ts'
import type { ApiServer } from '../testing/apiserver/apiserver.ts'
import type { Figure } from './figure.ts'

/** Passes that find nothing to do, in this process, over everything there is. */
export async function passes(api: ApiServer, namespace: string, report: (figure: Figure) => void): Promise<void> {
  const client = api.client()
  const cache = new Cache({ client, log: silentLog, namespaces: [namespace] })
  const writer = new Writer({ client, cache, leadership: leadershipBy(() => false), log: silentLog, clock: systemClock })
  cache.start()
  await cache.synced
  let enqueue: Parameters<typeof cache.onChange>[0] = () => {}
  const cluster = new KubernetesCluster({ cache, writer, platform, countPlayers: async () => new Map() })
  const addListener = cluster.onChange.bind(cluster)
  cluster.onChange = (listener) => {
    enqueue = listener
    return addListener(listener)
  }
  let done = 0
  const quiet: QueueMetrics = { added() {}, began() {}, retried() {}, ended: () => void done++ }
  const loop = startReconcilers({ cluster, site, publication: alwaysServing, clock: systemClock, log: silentLog, metrics: quiet })
  await until(() => loop.idle, 1)
  done = 0
  const startedAt = performance.now()
  for (let round = 0; round < 3; round++) {
    for (const kind of ['Realm', 'CommsCell'] as const) for (const key of cluster.keys(kind)) enqueue(kind, key)
    await until(() => loop.idle, 1)
  }
  report({
    what: 'passes that find nothing to do',
    value: done / ((performance.now() - startedAt) / 1000),
    unit: 'passes/s',
    note: 'realms and cells alike, every child compared',
  })
  await loop.stop()
  await cache.stop()
}

async function until(isSo: () => boolean, stepMs: number): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, stepMs))
}
