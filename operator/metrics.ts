import type { Metrics } from '../cells/chassis/metrics.ts'
import { conditionOf, type Realm, type RealmConditionType } from '../crds/realm.ts'
import type { Cluster } from './reconcile/cluster.ts'

const conditions: readonly RealmConditionType[] = [
  'Ready',
  'Published',
  'AcceptingPlayers',
  'DependenciesReady',
  'MovementReachable',
  'CertificateValid',
  'DataDurable',
  'Progressing',
  'Reconciling',
  'Stalled',
]

/** Registers the metrics of the operator itself; the queue, the writer and the API server client register their own. */
export function operatorMetrics(metrics: Metrics, cluster: Pick<Cluster, 'keys' | 'realm'>, leads: () => boolean): void {
  const realms = (): Realm[] => cluster.keys('Realm').flatMap((key) => cluster.realm(key) ?? [])
  metrics.gauge('leader', 'Whether this replica is the leader, the only one that writes.', { read: () => (leads() ? 1 : 0) })
  metrics.gauge('realms', 'Realms declared.', { read: () => cluster.keys('Realm').length })
  metrics.gauge('cells', 'Comms cells that exist.', { read: () => cluster.keys('CommsCell').length })
  for (const type of conditions) {
    const name = `realms_${type.replace(/(?<=[a-z])[A-Z]/g, '_$&').toLowerCase()}`
    metrics.gauge(name, `Realms whose condition ${type} is True.`, {
      read: () => realms().filter((realm) => conditionOf(realm, type)?.status === 'True').length,
    })
  }
}
