import type { Counter } from 'prom-client'
import type { Metrics } from '../../cells/chassis/metrics.ts'

/**
 * `sent`, `repeated` (counted in the series of an Event sent before), `capped` (dropped by a limit), `failed` (not accepted by
 * the API server).
 */
export type EventOutcome = 'sent' | 'repeated' | 'capped' | 'failed'

/** Counts each note once by its outcome. */
export interface EventMetrics {
  events: Counter<'reason' | 'outcome'>
}

/** Registers the metrics of Events. */
export const eventMetrics = (metrics: Metrics): EventMetrics => ({
  events: metrics.counter('events_total', 'Events recorded, by reason and outcome.', ['reason', 'outcome']),
})
