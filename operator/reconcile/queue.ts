import { backoffMs } from '../../cells/chassis/backoff.ts'
import type { SpanClock } from '../../cells/chassis/clock.ts'
import { messageOf } from '../../cells/chassis/errors.ts'
import type { Log } from '../../cells/chassis/log.ts'
import { type Rate, TokenBucket } from '../../cells/chassis/token-bucket.ts'
import { noTracer, type SpanFields, type Tracer } from '../../cells/chassis/tracing.ts'
import { Pass } from './pass.ts'
import type { QueueMetrics } from './queue-metrics.ts'

/** When a key gets its next pass after one that succeeded: when something changes, or after a while even if nothing does. */
export type Recheck = 'on-change' | { afterMs: number }

/** A `change` is processed before a `resync`, which only verifies that nothing was missed. */
export type Priority = 'change' | 'resync'

export interface WorkQueueOptions {
  /** One pass over one key. It must end when the signal aborts; when it throws, the key is retried with a growing delay. */
  reconcile: (key: string, signal: AbortSignal) => Promise<Recheck>
  clock: SpanClock
  log: Log
  metrics?: QueueMetrics | undefined
  tracer?: Tracer | undefined
  /** What the span of a pass says about its key. */
  describe?: (key: string) => SpanFields
  /** Passes at the same time, of different keys. */
  workers?: number
  /** For one pass. */
  deadlineMs?: number
  /** The longest wait for the pass after one that threw this. */
  longestRetryMs?: (thrown: unknown) => number
  /** A number from 0 to 1 that spreads retries in time. */
  random?: () => number
}

const WORKERS = 8
const DEADLINE_MS = 30_000
const FIRST_RETRY_MS = 5
const LONGEST_RETRY_MS = 300_000
/** The share of a wait that chance takes away, so that keys which failed together are not retried together for ever. */
const SPREAD = 0.2
/** All retries together. */
const RETRY_RATE: Rate = { burst: 100, perSecond: 10 }

/** Without any progress for this long, only a restart helps: a pass gives its worker back at its deadline. */
const STUCK_MS = 5 * 60_000

interface Delayed {
  dueAt: number
  cancel: () => void
}

type PassResult = { failed: false; recheck: Recheck } | { failed: true; error: unknown }

/** A work queue modelled on client-go's: one pass per key at a time, duplicates collapse, failures back off, changes go first. */
export class WorkQueue {
  readonly #options: WorkQueueOptions
  /** Keys waiting for a worker, in order of arrival, with the time of arrival. */
  readonly #waiting: Record<Priority, Map<string, number>> = { change: new Map(), resync: new Map() }
  readonly #processing = new Map<string, { abort: AbortController; since: number }>()
  /** When a pass began last, or the queue was started. */
  #progressAt: number
  /** Keys that were added during their pass: they get another one after it. */
  readonly #dirty = new Map<string, Priority>()
  readonly #delayed = new Map<string, Delayed>()
  readonly #failures = new Map<string, number>()
  readonly #retries: TokenBucket
  readonly #drained = new Set<() => void>()
  #busyWorkers = 0
  #running = false
  #stopped = false

  constructor(options: WorkQueueOptions) {
    this.#options = options
    this.#progressAt = options.clock.monotonic()
    this.#retries = new TokenBucket(RETRY_RATE, this.#progressAt)
  }

  /** Requests a pass. A key that waits already gets one pass only; one that is being processed gets another after it. */
  add(key: string, priority: Priority = 'change'): void {
    if (this.#stopped) return
    if (this.#processing.has(key)) {
      if (this.#dirty.get(key) !== 'change') this.#dirty.set(key, priority)
      return
    }
    const { change, resync } = this.#waiting
    if (change.has(key)) return
    if (priority === 'change') resync.delete(key)
    if (!this.#waiting[priority].has(key)) {
      this.#waiting[priority].set(key, this.#options.clock.monotonic())
      this.#options.metrics?.added(key)
    }
    this.#dispatch()
  }

  /** Requests a pass after a delay; of two delays for the same key the one that ends earlier holds. */
  addAfter(key: string, delayMs: number, priority: Priority = 'resync'): void {
    if (this.#stopped) return
    const { clock } = this.#options
    const dueAt = clock.monotonic() + delayMs
    const delayed = this.#delayed.get(key)
    if (delayed && delayed.dueAt <= dueAt) return
    delayed?.cancel()
    const cancel = clock.after(delayMs, () => {
      this.#delayed.delete(key)
      this.add(key, priority)
    })
    this.#delayed.set(key, { dueAt, cancel })
  }

  /** Starts processing; before that, and after `pause`, keys only wait. */
  start(): void {
    this.#running = !this.#stopped
    this.#progressAt = this.#options.clock.monotonic()
    this.#dispatch()
  }

  /** Starts no further pass; passes under way are aborted and waited for. */
  async pause(): Promise<void> {
    this.#running = false
    for (const { abort } of this.#processing.values()) abort.abort(new Error('the queue stops'))
    if (this.#processing.size > 0) await new Promise<void>((resolve) => this.#drained.add(resolve))
  }

  /** Pauses for good; keys are accepted no longer. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const { cancel } of this.#delayed.values()) cancel()
    this.#delayed.clear()
    await this.pause()
  }

  /** Keys waiting for a worker, in their order. */
  get waiting(): readonly string[] {
    return [...this.#waiting.change.keys(), ...this.#waiting.resync.keys()]
  }

  /** No key waits for a worker and no pass is under way; delayed keys do not count. */
  get idle(): boolean {
    const { change, resync } = this.#waiting
    return this.#processing.size === 0 && change.size === 0 && resync.size === 0
  }

  /** Why keys get no pass any more though they should; undefined while they do. */
  fault(): string | undefined {
    const { clock, deadlineMs = DEADLINE_MS } = this.#options
    const now = clock.monotonic()
    for (const [key, { since }] of this.#processing)
      if (now - since > deadlineMs + STUCK_MS) return `a pass of ${key} does not end`
    const [, waitsSince = now] = firstOf(this.#waiting.change) ?? firstOf(this.#waiting.resync) ?? []
    const isStuck = this.#running && now - Math.max(waitsSince, this.#progressAt) > STUCK_MS
    return isStuck ? 'objects wait for a pass and none begins' : undefined
  }

  #dispatch(): void {
    const { workers = WORKERS, clock, metrics } = this.#options
    while (this.#running && this.#busyWorkers < workers) {
      const next = firstOf(this.#waiting.change) ?? firstOf(this.#waiting.resync)
      if (!next) return
      const [key, since] = next
      this.#waiting.change.delete(key)
      this.#waiting.resync.delete(key)
      metrics?.began(key, clock.monotonic() - since)
      this.#begin(key)
    }
  }

  #begin(key: string): void {
    const pass = new Pass(key)
    pass.run(() => this.#run(key, pass))
  }

  #run(key: string, pass: Pass): void {
    const { clock, log, deadlineMs = DEADLINE_MS } = this.#options
    const abort = new AbortController()
    const startedAt = clock.monotonic()
    this.#progressAt = startedAt
    this.#processing.set(key, { abort, since: startedAt })
    const release = this.#occupyWorker()
    // A pass that ignores its deadline keeps its key, so that it never runs twice at once, but not its worker.
    const cancelDeadline = clock.after(deadlineMs, () => {
      log.warn({ key, deadlineMs }, 'a pass did not end within its deadline')
      abort.abort(new Error(`not done within ${deadlineMs} ms`))
      release()
    })
    // This pass decides when the next one is due: an earlier decision no longer holds.
    this.#delayed.get(key)?.cancel()
    this.#delayed.delete(key)
    this.#pass(key, abort.signal, pass.id).then((result) => {
      cancelDeadline()
      this.#finish(key, result, clock.monotonic() - startedAt)
      pass.end()
      release()
      if (this.#processing.size === 0) this.#notifyDrained()
    })
  }

  /** The returned function frees the worker again, once. */
  #occupyWorker(): () => void {
    let isOccupied = true
    this.#busyWorkers++
    return () => {
      if (!isOccupied) return
      isOccupied = false
      this.#busyWorkers--
      this.#dispatch()
    }
  }

  async #pass(key: string, signal: AbortSignal, reconcileID: string): Promise<PassResult> {
    const { reconcile, tracer = noTracer, describe } = this.#options
    try {
      const fields = { reconcileID, ...describe?.(key) }
      // What a pass changes may start the pass of another key, which is no part of it.
      const recheck = await tracer.during('reconcile', { isRoot: true, fields }, async (span) => {
        const answer = await reconcile(key, signal)
        span.set({ outcome: answer === 'on-change' ? 'success' : 'requeue_after' })
        return answer
      })
      return { failed: false, recheck }
    } catch (error) {
      return { failed: true, error }
    }
  }

  #finish(key: string, result: PassResult, tookMs: number): void {
    const outcome = result.failed ? 'error' : result.recheck === 'on-change' ? 'success' : 'requeue_after'
    this.#options.metrics?.ended(key, outcome, tookMs)
    this.#processing.delete(key)
    if (result.failed) this.#retry(key, result.error)
    else {
      this.#failures.delete(key)
      if (result.recheck !== 'on-change') this.addAfter(key, result.recheck.afterMs)
    }
    const priority = this.#dirty.get(key)
    this.#dirty.delete(key)
    if (priority) this.add(key, priority)
  }

  #retry(key: string, error: unknown): void {
    if (!this.#running) {
      this.add(key) // interrupted: the key waits until the queue is started again
      return
    }
    const failures = (this.#failures.get(key) ?? 0) + 1
    this.#failures.set(key, failures)
    const { clock, log, longestRetryMs, random = Math.random } = this.#options
    const maxMs = longestRetryMs?.(error) ?? LONGEST_RETRY_MS
    const waitMs = backoffMs({ firstMs: FIRST_RETRY_MS, maxMs }, failures) * (1 - SPREAD * random())
    const afterMs = Math.max(Math.ceil(waitMs), this.#retries.reserve(clock.monotonic()))
    log.warn({ key, error: messageOf(error), failures, afterMs }, 'a pass failed and will be retried')
    this.#options.metrics?.retried(key)
    this.addAfter(key, afterMs, 'change')
  }

  #notifyDrained(): void {
    for (const resolve of this.#drained) resolve()
    this.#drained.clear()
  }
}

const firstOf = (keys: Map<string, number>): [string, number] | undefined => keys.entries().next().value
