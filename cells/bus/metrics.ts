import type { Metrics } from '../chassis/metrics.ts'

export function busMetrics(metrics: Metrics) {
  return {
    dropped: metrics.counter(
      'bus_messages_dropped_total',
      'Messages dropped because the NATS server did not read what was sent before.',
    ),
    outages: metrics.counter('bus_outages_total', 'Times the bus could not be reached, or did not read, any more.'),
  }
}

export type BusMetrics = ReturnType<typeof busMetrics>
