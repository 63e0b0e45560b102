import type { Metrics } from '../chassis/metrics.ts'

export function busMetrics(metrics: Metrics) {
  return {
    dropped: metrics.counter(
      'bus_messages_dropped_total',
      'Messages dropped because the NATS server did not read what was sent before.',
    ),
  }
}

export type BusMetrics = ReturnType<typeof busMetrics>
