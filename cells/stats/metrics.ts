import type { Metrics } from '../chassis/metrics.ts'

/** The metrics of stats. */
export const statsMetrics = (metrics: Metrics, read: { peers: () => number; islands: () => number }) => {
  metrics.gauge('peers', 'Peers heard within the last minute.', { read: read.peers })
  metrics.gauge('islands', 'Islands in the last reports of all cells.', { read: read.islands })
  return {
    messages: metrics.counter('bus_messages_total', 'Messages heard on the bus, by kind.', ['kind']),
    malformed: metrics.counter('bus_malformed_total', 'Messages that made no sense and were skipped, by kind.', ['kind']),
    stale: metrics.counter('bus_stale_total', 'Messages of archipelagos that others have taken over from, by kind.', ['kind']),
    refused: metrics.counter('bus_refused_total', 'Messages about more peers or cells than are remembered, by kind.', ['kind']),
    expired: metrics.counter('peers_expired_total', 'Peers forgotten because they fell silent without a goodbye.'),
    contentFailures: metrics.counter('content_failures_total', 'Questions to the content server that brought no scenes.'),
  }
}
export type StatsMetrics = ReturnType<typeof statsMetrics>

/** What is heard on the bus. */
export type MessageKind = 'heartbeat' | 'disconnect' | 'islands' | 'discovery'
