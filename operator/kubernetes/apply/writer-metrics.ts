import type { Counter } from 'prom-client'
import type { Metrics } from '../../../cells/chassis/metrics.ts'

/** Counters by the kind of the object written. */
export interface WriterMetrics {
  repairs: Counter<'kind'>
  delayed: Counter<'kind'>
}

/** Registers the metrics of the writer. */
export const writerMetrics = (metrics: Metrics): WriterMetrics => ({
  repairs: metrics.counter('drift_repairs_total', 'Objects restored after another client had changed or deleted them.', ['kind']),
  delayed: metrics.counter('writes_held_total', 'Writes delayed because the same object was written too often lately.', ['kind']),
})
