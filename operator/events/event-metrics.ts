import type { Counter } from 'prom-client'
import type { Metrics } from '../../cells/chassis/metrics.ts'

/** What became of Events: `sent`, `repeated` (counted in one sent before), `capped` (too many), `failed` (nobody took it). */
export type EventOutcome = 'sent' | 'repeated' | 'capped' | 'failed'

/** What a recorder counts. */
export interface EventMetrics {
  events: Counter<'reason' | 'outcome'>
}

/** Lists the metrics of Events. */
export const eventMetrics = (metrics: Metrics): EventMetrics => ({
  events: metrics.counter('events_total', 'Things told as Events, by what became of them.', ['reason', 'outcome']),
})
