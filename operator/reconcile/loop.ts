import type { Running } from '../../cells/chassis/lifecycle.ts'
import type { Log } from '../../cells/chassis/log.ts'
import type { Tracer } from '../../cells/chassis/tracing.ts'
import { keyText, type ObjectKey } from '../../crds/object.ts'
import type { Kind } from '../../crds/resources.ts'
import { cellReconciler } from './cell-reconciler.ts'
import { longestRetryMs } from './failure.ts'
import { observersOf, type Reconcile, type ReconcilerParts } from './parts.ts'
import { type Priority, WorkQueue } from './queue.ts'
import type { QueueMetrics } from './queue-metrics.ts'
import { realmReconciler } from './realm-reconciler.ts'

/** `workers` is the number of passes at the same time. */
export interface LoopParts extends ReconcilerParts {
  log: Log
  metrics?: QueueMetrics | undefined
  tracer?: Tracer | undefined
  workers?: number
}

/**
 * Reconciles every realm and cell at its start, and then each one that changes: in the cluster, or in what an observer finds out.
 */
export class ReconcileLoop implements Running {
  readonly #parts: LoopParts
  readonly #queue: WorkQueue
  readonly #reconcilers: Record<Kind, Reconcile>
  /** The realm of each cell; kept because a cell that was deleted can no longer be read. */
  readonly #realmOfCell = new Map<string, ObjectKey>()
  readonly #removers: (() => void)[]

  constructor(parts: LoopParts) {
    const { cluster, playerCounts, clock, log, metrics, tracer, workers } = parts
    this.#parts = parts
    this.#reconcilers = { Realm: realmReconciler(parts), CommsCell: cellReconciler(parts) }
    this.#queue = new WorkQueue({
      reconcile: (item, signal) => {
        const { kind, key } = parseItem(item)
        return this.#reconcilers[kind](key, signal)
      },
      clock,
      log,
      metrics,
      tracer,
      describe: (item) => {
        const { kind, key } = parseItem(item)
        return { kind, ...key }
      },
      longestRetryMs,
      ...(workers && { workers }),
    })
    const onCount = (key: ObjectKey) => this.#enqueueCounts(key)
    const onObserved = (key: ObjectKey) => this.#enqueue('Realm', key, 'change')
    this.#removers = [
      cluster.onChange((kind, key) => this.#enqueue(kind, key, 'change')),
      ...observersOf(parts).map((observer) => observer.onChange(observer === playerCounts ? onCount : onObserved)),
    ]
  }

  start(): void {
    for (const kind of ['Realm', 'CommsCell'] as const)
      for (const key of this.#parts.cluster.keys(kind)) this.#enqueue(kind, key, 'resync')
    this.#queue.start()
  }

  async stop(): Promise<void> {
    for (const remove of this.#removers) remove()
    await this.#queue.stop()
  }

  /** Objects waiting for their pass. */
  get waiting(): readonly string[] {
    return this.#queue.waiting
  }

  /** Nothing waits and nothing is under way; an object that waits for a retry does not count. */
  get idle(): boolean {
    return this.#queue.idle
  }

  /** Why objects get no pass any more; undefined while they do. */
  fault(): string | undefined {
    return this.#queue.fault()
  }

  /** A cell and its realm, because the plan of a realm depends on its cells. */
  #enqueue(kind: Kind, key: ObjectKey, priority: Priority): void {
    this.#queue.add(itemOf(kind, key), priority)
    if (kind === 'Realm') return
    const cell = this.#parts.cluster.cell(key)
    const id = keyText(key)
    if (cell) this.#realmOfCell.set(id, { namespace: key.namespace, name: cell.spec.realmRef.name })
    const realm = this.#realmOfCell.get(id)
    if (realm) this.#queue.add(itemOf('Realm', realm), priority)
    if (!cell) this.#realmOfCell.delete(id)
  }

  /** Player counts are in the status of the realm and of its cells. */
  #enqueueCounts(key: ObjectKey): void {
    const { cluster } = this.#parts
    const realm = cluster.realm(key)
    if (!realm) return
    this.#queue.add(itemOf('Realm', key), 'resync')
    for (const { metadata } of cluster.observeRealm(realm).cells) this.#queue.add(itemOf('CommsCell', metadata), 'resync')
  }
}

/** Starts the reconcilers of realms and cells. */
export function startReconcilers(parts: LoopParts): ReconcileLoop {
  const loop = new ReconcileLoop(parts)
  loop.start()
  return loop
}

// The names of Kubernetes objects contain no slash.
const itemOf = (kind: Kind, { namespace, name }: ObjectKey): string => `${kind}/${namespace}/${name}`

function parseItem(item: string): { kind: Kind; key: ObjectKey } {
  const [kind, namespace = '', name = ''] = item.split('/')
  return { kind: kind === 'CommsCell' ? 'CommsCell' : 'Realm', key: { namespace, name } }
}
