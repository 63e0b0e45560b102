import type { SpanClock } from '../../cells/chassis/clock.ts'
import type { Metrics } from '../../cells/chassis/metrics.ts'

/** How a pass ended, in the words of controller-runtime: `requeue_after` is a success that asked for another pass. */
export type PassOutcome = 'success' | 'requeue_after' | 'error'

/** What a work queue reports of its keys; all times in milliseconds. */
export interface QueueMetrics {
  added(key: string): void
  began(key: string, waitedMs: number): void
  ended(key: string, outcome: PassOutcome, tookMs: number): void
  retried(key: string): void
}

/** What is read from a running queue at each scrape. */
export interface QueueReadings {
  /** Keys waiting for a worker. */
  waiting(): readonly string[]
  /** Passes at the same time at most. */
  workers: number
  clock: Pick<SpanClock, 'monotonic'>
}

const SECONDS = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60]

/** The controllers as controller-runtime would name them, by the kind of their objects. */
const controllers = ['realm', 'commscell'] as const
const controllerOf = (key: string): string => key.slice(0, key.indexOf('/')).toLowerCase()

/** Registers the metrics of the work queue: under our names, and under those of controller-runtime and client-go. */
export function queueMetrics(metrics: Metrics, readings: QueueReadings): QueueMetrics {
  const wait = metrics.histogram('queue_wait_seconds', 'Time an object waited for its reconcile pass.', SECONDS)
  const duration = metrics.histogram('pass_duration_seconds', 'Time one reconcile pass took.', SECONDS, ['outcome'])
  metrics.gauge('queue_depth', 'Objects waiting for their reconcile pass.', { read: () => readings.waiting().length })
  /** Passes under way, and when they began. */
  const active = new Map<string, number>()
  const passes = passMetrics(metrics.wellKnown(), active, readings.workers)
  const queue = workqueueMetrics(metrics.wellKnown(), active, readings)
  return {
    added(key) {
      queue.adds.inc(namesOf(controllerOf(key)))
    },
    began(key, waitedMs) {
      active.set(key, readings.clock.monotonic())
      wait.observe(waitedMs / 1000)
      queue.waited.observe(namesOf(controllerOf(key)), waitedMs / 1000)
    },
    ended(key, outcome, tookMs) {
      active.delete(key)
      const controller = controllerOf(key)
      duration.observe({ outcome: outcome === 'error' ? 'failure' : 'success' }, tookMs / 1000)
      passes.seconds.observe({ controller }, tookMs / 1000)
      passes.total.inc({ controller, result: outcome })
      if (outcome === 'error') passes.errors.inc({ controller })
      queue.worked.observe(namesOf(controller), tookMs / 1000)
    },
    retried(key) {
      queue.retries.inc(namesOf(controllerOf(key)))
    },
  }
}

type ActivePasses = ReadonlyMap<string, number>

const countOf = (keys: Iterable<string>, controller: string): number => {
  let count = 0
  for (const key of keys) if (controllerOf(key) === controller) count++
  return count
}

/** The metrics of controller-runtime's controllers. */
function passMetrics(metrics: Metrics, active: ActivePasses, workers: number) {
  const labelNames = ['controller'] as const
  const errors = metrics.counter('controller_runtime_reconcile_errors_total', 'Reconcile passes that failed.', labelNames)
  const total = metrics.counter('controller_runtime_reconcile_total', 'Reconcile passes, by result.', [...labelNames, 'result'])
  for (const controller of controllers) {
    errors.inc({ controller }, 0)
    for (const result of ['success', 'requeue_after', 'error']) total.inc({ controller, result }, 0)
  }
  metrics.gauge('controller_runtime_active_workers', 'Reconcile passes under way.', {
    labelNames,
    read: () => controllers.map((controller) => [{ controller }, countOf(active.keys(), controller)]),
  })
  metrics.gauge(
    'controller_runtime_max_concurrent_reconciles',
    'Reconcile passes at the same time at most, of all controllers.',
    {
      labelNames,
      read: () => controllers.map((controller) => [{ controller }, workers]),
    },
  )
  return {
    errors,
    total,
    seconds: metrics.histogram('controller_runtime_reconcile_time_seconds', 'Time one reconcile pass took.', SECONDS, labelNames),
  }
}

const queueLabels = ['name', 'controller'] as const
const namesOf = (controller: string) => ({ name: controller, controller })

/** The metrics of client-go's work queues. */
function workqueueMetrics(metrics: Metrics, active: ActivePasses, { waiting, clock }: QueueReadings) {
  const labelNames = queueLabels
  const gauge = (name: string, help: string, read: (controller: string) => number) =>
    metrics.gauge(name, help, { labelNames, read: () => controllers.map((each) => [namesOf(each), read(each)]) })
  const secondsOf = (controller: string) =>
    [...active].filter(([key]) => controllerOf(key) === controller).map(([, since]) => (clock.monotonic() - since) / 1000)
  gauge('workqueue_depth', 'Objects waiting for their reconcile pass.', (controller) => countOf(waiting(), controller))
  gauge('workqueue_unfinished_work_seconds', 'Time that the passes under way have taken, together.', (controller) =>
    secondsOf(controller).reduce((sum, seconds) => sum + seconds, 0),
  )
  gauge('workqueue_longest_running_processor_seconds', 'Time that the longest pass under way has taken.', (controller) =>
    Math.max(0, ...secondsOf(controller)),
  )
  return {
    adds: metrics.counter('workqueue_adds_total', 'Objects that were put into the queue.', labelNames),
    retries: metrics.counter(
      'workqueue_retries_total',
      'Passes that were put into the queue again because they failed.',
      labelNames,
    ),
    waited: metrics.histogram('workqueue_queue_duration_seconds', 'Time an object waited for its pass.', SECONDS, labelNames),
    worked: metrics.histogram('workqueue_work_duration_seconds', 'Time one pass took.', SECONDS, labelNames),
  }
}
