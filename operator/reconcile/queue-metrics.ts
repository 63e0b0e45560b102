import type { Gauge, Histogram } from 'prom-client'
import type { Metrics } from '../../cells/chassis/metrics.ts'

/** What a work queue counts. */
export interface QueueMetrics {
  wait: Histogram
  duration: Histogram<'outcome'>
  depth: Gauge
}

const SECONDS = [0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60]

/** Lists the metrics of the work queue; `depth` is asked at each scrape. */
export const queueMetrics = (metrics: Metrics, depth: () => number): QueueMetrics => ({
  wait: metrics.histogram('queue_wait_seconds', 'How long an object waited for its pass.', SECONDS),
  duration: metrics.histogram('pass_duration_seconds', 'How long a pass over one object took.', SECONDS, ['outcome']),
  depth: metrics.gauge('queue_depth', 'Objects waiting for their pass.', { read: depth }),
})
