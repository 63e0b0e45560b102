import type { Counter } from 'prom-client'
import type { Metrics } from '../../../cells/chassis/metrics.ts'

/** What a writer counts. */
export interface WriterMetrics {
  repairs: Counter<'kind'>
  delayed: Counter<'kind'>
}

/** Lists the metrics of the writer. */
export const writerMetrics = (metrics: Metrics): WriterMetrics => ({
  repairs: metrics.counter('drift_repairs_total', 'Objects put right that somebody else had changed or deleted.', ['kind']),
  delayed: metrics.counter('writes_held_total', 'Writes put off because the same object was written too often lately.', ['kind']),
})
