import { type Backoff, backoffMs } from '../../cells/chassis/backoff.ts'
import type { Clock } from '../../cells/chassis/clock.ts'
import { messageOf } from '../../cells/chassis/errors.ts'
import type { Log } from '../../cells/chassis/log.ts'
import { type Rate, TokenBucket } from '../../cells/chassis/token-bucket.ts'
import type { QueueMetrics } from './queue-metrics.ts'

/** When to look at a key again after a pass that worked: when something changes, or after a while even if nothing does. */
export type Recheck = 'on-change' | { afterMs: number }

/** How urgent a key is: what somebody changed goes before what is looked at just in case. */
export type Priority = 'change' | 'resync'

/** Work to do, by key. */
export interface Queue {
  /** Asks for a pass. What is asked twice is done once; asked during a pass, it is done once more after it. */
  add(key: string, priority?: Priority): void
  /** Asks for a pass in a while; the earlier of two such wishes wins. */
  addAfter(key: string, afterMs: number, priority?: Priority): void
  /** Starts handing out work; before that, and after `pause`, keys only gather. */
  start(): void
  /** Hands out no more; what is under way is told to stop and waited for. */
  pause(): Promise<void>
  /** Pauses for good and forgets everything. */
  stop(): Promise<void>
  /** Keys waiting for a worker. */
  readonly depth: number
  /** Nothing waits for a worker and nothing is under way; delayed keys do not count. */
  readonly idle: boolean
}

/** What a queue is made of. */
export interface QueueOptions {
  /** One pass over one key. It must end when the signal tells; what it throws makes the key be tried again, later and later. */
  reconcile: (key: string, signal: AbortSignal) => Promise<Recheck>
  clock: Clock
  log: Log
  metrics?: QueueMetrics | undefined
  /** Passes under way at the same time, of different keys. */
  workers?: number
  /** How long one pass may take. */
  deadlineMs?: number
}

const WORKERS = 8
const DEADLINE_MS = 30_000
const RETRY_BACKOFF: Backoff = { firstMs: 5, maxMs: 1_000_000 }
/** All retries together. */
const RETRY_RATE: Rate = { burst: 100, perSecond: 10 }

/** A work queue after client-go: one pass per key at a time, duplicates collapse, failures back off, changes go first. */
export function createQueue({ reconcile, clock, log, metrics, ...options }: QueueOptions): Queue {
  const { workers = WORKERS, deadlineMs = DEADLINE_MS } = options
  /** Keys that want a pass, in order of arrival; one that is under way is in `again` instead. */
  const waiting: Record<Priority, Map<string, number>> = { change: new Map(), resync: new Map() }
  const again = new Map<string, Priority>()
  const underWay = new Map<string, AbortController>()
  const delayed = new Map<string, { dueAt: number; priority: Priority; cancel: () => void }>()
  const failures = new Map<string, number>()
  const retries = new TokenBucket(RETRY_RATE, clock.now())
  const settled = new Set<() => void>()
  let busyWorkers = 0
  let running = false
  let stopped = false

  function add(key: string, priority: Priority = 'change'): void {
    if (stopped) return
    if (underWay.has(key)) {
      if (again.get(key) !== 'change') again.set(key, priority)
      return
    }
    if (waiting.change.has(key)) return
    if (priority === 'change') waiting.resync.delete(key)
    if (!waiting[priority].has(key)) waiting[priority].set(key, clock.now())
    dispatch()
  }

  function addAfter(key: string, afterMs: number, priority: Priority = 'resync'): void {
    if (stopped) return
    const dueAt = clock.now() + afterMs
    const known = delayed.get(key)
    if (known && known.dueAt <= dueAt) return
    known?.cancel()
    const cancel = clock.after(afterMs, () => {
      delayed.delete(key)
      add(key, priority)
    })
    delayed.set(key, { dueAt, priority, cancel })
  }

  function dispatch(): void {
    while (running && busyWorkers < workers) {
      const next = first(waiting.change) ?? first(waiting.resync)
      if (!next) return
      const [key, since] = next
      waiting.change.delete(key)
      waiting.resync.delete(key)
      metrics?.wait.observe((clock.now() - since) / 1000)
      begin(key)
    }
  }

  function begin(key: string): void {
    const abort = new AbortController()
    underWay.set(key, abort)
    busyWorkers++
    const startedAt = clock.now()
    let holdsWorker = true
    const release = () => {
      if (!holdsWorker) return
      holdsWorker = false
      busyWorkers--
      dispatch()
    }
    // A pass that ignores its deadline keeps its key, so that it never runs twice at once, but not its worker.
    const cancelDeadline = clock.after(deadlineMs, () => {
      log.warn({ key, deadlineMs }, 'a pass did not end within its deadline')
      abort.abort(new Error(`not done within ${deadlineMs} ms`))
      release()
    })
    // The pass decides anew when to look again; what an earlier one wished is void.
    delayed.get(key)?.cancel()
    delayed.delete(key)
    attempt(key, abort.signal).then((outcome) => {
      cancelDeadline()
      metrics?.duration.observe({ outcome: outcome.failed ? 'failure' : 'success' }, (clock.now() - startedAt) / 1000)
      underWay.delete(key)
      if (outcome.failed) retry(key, outcome.error)
      else succeed(key, outcome.recheck)
      const asked = again.get(key)
      again.delete(key)
      if (asked) add(key, asked)
      release()
      if (underWay.size === 0) for (const tell of settled) tell()
    })
  }

  async function attempt(key: string, signal: AbortSignal) {
    try {
      return { failed: false, recheck: await reconcile(key, signal) } as const
    } catch (error) {
      return { failed: true, error } as const
    }
  }

  function succeed(key: string, recheck: Recheck): void {
    failures.delete(key)
    if (recheck !== 'on-change') addAfter(key, recheck.afterMs)
  }

  function retry(key: string, error: unknown): void {
    if (!running) {
      add(key) // interrupted: whoever starts again finds it waiting
      return
    }
    const count = failures.get(key) ?? 0
    failures.set(key, count + 1)
    const afterMs = Math.max(backoffMs(RETRY_BACKOFF, count + 1), retries.reserve(clock.now()))
    log.warn({ key, error: messageOf(error), failures: count + 1, afterMs }, 'a pass failed and will be tried again')
    addAfter(key, afterMs, 'change')
  }

  const settledAll = () =>
    new Promise<void>((resolve) => {
      if (underWay.size === 0) return resolve()
      const tell = () => {
        settled.delete(tell)
        resolve()
      }
      settled.add(tell)
    })

  async function pause(): Promise<void> {
    running = false
    for (const abort of underWay.values()) abort.abort(new Error('the queue stops'))
    await settledAll()
  }

  return {
    add,
    addAfter,
    start() {
      running = !stopped
      dispatch()
    },
    pause,
    async stop() {
      stopped = true
      for (const { cancel } of delayed.values()) cancel()
      delayed.clear()
      await pause()
    },
    get depth() {
      return waiting.change.size + waiting.resync.size
    },
    get idle() {
      return underWay.size === 0 && waiting.change.size + waiting.resync.size === 0
    },
  }
}

const first = (keys: Map<string, number>): [string, number] | undefined => keys.entries().next().value
