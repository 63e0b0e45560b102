import type { LabelledValue, Metrics } from '../cells/chassis/metrics.ts'
import { conditionOf, type Realm, type RealmConditionType } from '../crds/realm.ts'
import type { Cluster } from './reconcile/cluster.ts'

const conditions: readonly RealmConditionType[] = [
  'Ready',
  'Published',
  'AcceptingPlayers',
  'DependenciesReady',
  'MovementReachable',
  'CertificateValid',
  'RouteAccepted',
  'DataDurable',
  'Progressing',
  'Reconciling',
  'Stalled',
]

/** Whether this replica is the leader. */
export interface LeaseHolding {
  leads(): boolean
  /** Name of its Lease. */
  lease: string
}

/** Registers the metrics of the operator itself; the queue, the writer and the API server client register their own. */
export function operatorMetrics(metrics: Metrics, cluster: Pick<Cluster, 'keys' | 'realm'>, holding: LeaseHolding): void {
  const { leads, lease } = holding
  const realms = (): Realm[] => cluster.keys('Realm').flatMap((key) => cluster.realm(key) ?? [])
  metrics.gauge('leader', 'Whether this replica is the leader, the only one that writes.', { read: () => (leads() ? 1 : 0) })
  metrics.wellKnown().gauge('leader_election_master_status', 'Whether this replica holds the Lease of this name.', {
    labelNames: ['name'],
    read: () => [[{ name: lease }, Number(leads())]],
  })
  metrics.gauge('realms', 'Realms declared.', { read: () => cluster.keys('Realm').length })
  metrics.gauge('cells', 'Comms cells that exist.', { read: () => cluster.keys('CommsCell').length })
  metrics.gauge('realms_by_condition', 'Realms by the status and the reason of each of their conditions.', {
    labelNames: ['condition', 'status', 'reason'],
    read: () => conditionCounts(realms()),
  })
  for (const type of conditions) {
    const name = `realms_${type.replace(/(?<=[a-z])[A-Z]/g, '_$&').toLowerCase()}`
    metrics.gauge(name, `Realms whose condition ${type} is True.`, {
      read: () => realms().filter((realm) => conditionOf(realm, type)?.status === 'True').length,
    })
  }
}

function conditionCounts(realms: readonly Realm[]): LabelledValue<'condition' | 'status' | 'reason'>[] {
  const counts = new Map<string, number>()
  for (const { status } of realms)
    for (const { type, status: value, reason } of status?.conditions ?? []) {
      const id = `${type} ${value} ${reason}`
      counts.set(id, (counts.get(id) ?? 0) + 1)
    }
  return [...counts].map(([id, count]) => {
    const [condition = '', status = '', reason = ''] = id.split(' ')
    return [{ condition, status, reason }, count]
  })
}
