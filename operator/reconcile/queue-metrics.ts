import type { Gauge, Histogram } from 'prom-client'
import type { Metrics } from '../../cells/chassis/metrics.ts'

/** In seconds, except `depth`. */
export interface QueueMetrics {
  wait: Histogram
  duration: Histogram<'outcome'>
  depth: Gauge
}

const SECONDS = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60]

/** Registers the metrics of the work queue; `depth` is read at each scrape. */
export const queueMetrics = (metrics: Metrics, depth: () => number): QueueMetrics => ({
  wait: metrics.histogram('queue_wait_seconds', 'Time an object waited for its reconcile pass.', SECONDS),
  duration: metrics.histogram('pass_duration_seconds', 'Time one reconcile pass took.', SECONDS, ['outcome']),
  depth: metrics.gauge('queue_depth', 'Objects waiting for their reconcile pass.', { read: depth }),
})
