import type { Running } from '../../cells/chassis/lifecycle.ts'
import type { Log } from '../../cells/chassis/log.ts'
import { keyText, type ObjectKey } from '../../crds/object.ts'
import type { Kind } from '../../crds/resources.ts'
import { cellReconciler } from './cell.ts'
import type { ReconcilerParts } from './parts.ts'
import { createQueue, type Priority } from './queue.ts'
import type { QueueMetrics } from './queue-metrics.ts'
import { realmReconciler } from './realm.ts'

/** What the loop is made of. */
export interface LoopParts extends ReconcilerParts {
  log: Log
  /** Made by `queueMetrics`, when somebody counts. */
  metrics?: QueueMetrics | undefined
  /** Passes under way at the same time. */
  workers?: number
}

/** Reconcilers at work. */
export interface Reconcilers extends Running {
  /** Objects waiting for their pass. */
  readonly depth: number
  /** Nothing waits and nothing is under way; what waits for a retry does not count. */
  readonly idle: boolean
}

/** Looks at everything there is, then at whatever changes: in the cluster, or at the realm provider. */
export function startReconcilers({ log, metrics, workers, ...parts }: LoopParts): Reconcilers {
  const { cluster, publication, remotePublication, dependencies, playerCounts, syntheticJoins, joinSuccess, clock } = parts
  const reconcilers = { Realm: realmReconciler(parts), CommsCell: cellReconciler(parts) }
  /** Which realm a cell belongs to; kept because a cell that is gone can no longer tell. */
  const realmOfCell = new Map<string, ObjectKey>()
  const queue = createQueue({
    reconcile: (item, signal) => {
      const { kind, key } = parseItem(item)
      return reconcilers[kind](key, signal)
    },
    clock,
    log,
    metrics,
    ...(workers && { workers }),
  })

  const wake = (kind: Kind, key: ObjectKey, priority: Priority = 'change') => {
    queue.add(itemOf(kind, key), priority)
    if (kind === 'Realm') return
    const cell = cluster.cell(key)
    const known = keyText(key)
    if (cell) realmOfCell.set(known, { namespace: key.namespace, name: cell.spec.realmRef.name })
    const realm = realmOfCell.get(known)
    if (realm) queue.add(itemOf('Realm', realm), priority)
    if (!cell) realmOfCell.delete(known)
  }
  /** Numbers of players are in the status of the realm and of its cells. */
  const recount = (key: ObjectKey) => {
    const realm = cluster.realm(key)
    if (!realm) return
    queue.add(itemOf('Realm', key), 'resync')
    for (const { metadata } of cluster.observeRealm(realm).cells) queue.add(itemOf('CommsCell', metadata), 'resync')
  }
  const outside = [publication, remotePublication, dependencies, syntheticJoins, joinSuccess].flatMap(
    (port) => port?.onChange((key) => wake('Realm', key)) ?? [],
  )
  const endings = [cluster.onChange(wake), playerCounts?.onChange(recount), ...outside]
  for (const kind of ['Realm', 'CommsCell'] as const) for (const key of cluster.keys(kind)) wake(kind, key, 'resync')
  queue.start()

  return {
    get depth() {
      return queue.depth
    },
    get idle() {
      return queue.idle
    },
    async stop() {
      for (const end of endings) end?.()
      await queue.stop()
    },
  }
}

// Names of Kubernetes objects hold no slash.
const itemOf = (kind: Kind, { namespace, name }: ObjectKey): string => `${kind}/${namespace}/${name}`

function parseItem(item: string): { kind: Kind; key: ObjectKey } {
  const [kind, namespace = '', name = ''] = item.split('/')
  return { kind: kind === 'CommsCell' ? 'CommsCell' : 'Realm', key: { namespace, name } }
}
