import type { Clock } from '../../../cells/chassis/clock.ts'
import type { ObjectKey } from '../../../crds/object.ts'
import type { Kind } from '../../../crds/resources.ts'
import type { EventRecorder, EventSubject } from '../../events/recorder.ts'
import { childKey } from '../cache/child.ts'
import { Requeue } from './requeue.ts'
import { WriteBudget } from './write-budget.ts'
import type { WriterMetrics } from './writer-metrics.ts'

/** The realm or cell an object is written for. */
export type Owner = EventSubject

interface WriteLimiterOptions {
  clock: Clock
  recorder?: Pick<EventRecorder, 'record'> | undefined
  metrics?: WriterMetrics | undefined
}

/**
 * Keeps the operator from writing one object again and again: a write over its budget is left to a later pass, which it requests.
 */
export class WriteLimiter {
  readonly #budget: WriteBudget
  readonly #requeue: Requeue
  readonly #options: WriteLimiterOptions

  constructor(options: WriteLimiterOptions) {
    this.#options = options
    this.#budget = new WriteBudget(options.clock)
    this.#requeue = new Requeue(options.clock)
  }

  /** Whether an object may be written now; if not, its owner is reconciled again when it may. */
  allows(kind: string, key: ObjectKey, owner: Owner | undefined, isRepair = false): boolean {
    const { recorder, metrics } = this.#options
    const waitMs = this.#budget.take(childKey({ kind, ...key }), isRepair)
    if (waitMs === 0) return true
    metrics?.delayed.inc({ kind })
    if (owner) this.#requeue.after(owner.kind, owner, waitMs)
    // Each pass that finds no pod with the Secret mounted asks for the Secret again: no other client is the cause.
    if (owner && isRepair && kind !== 'Secret') {
      const note = `another client keeps changing ${kind} ${key.name}; the operator restores it at most twice in 10 s: find and stop that client`
      recorder?.record(owner, { reason: 'RepairRateLimited', note })
    }
    return false
  }

  /** Has a realm or cell reconciled again after a delay, whatever changes until then. */
  requeueAfter({ kind, ...key }: { kind: Kind } & ObjectKey, delayMs: number): void {
    this.#requeue.after(kind, key, delayMs)
  }

  /** Calls the listener when the owner of a delayed write is due; the returned function removes it. */
  onRequeue(listener: (kind: Kind, key: ObjectKey) => void): () => void {
    return this.#requeue.onDue(listener)
  }
}
