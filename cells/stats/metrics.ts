import type { Metrics } from '../chassis/metrics.ts'

/** The metrics of stats. */
export const statsMetrics = (metrics: Metrics, read: { peers: () => number; islands: () => number }) => {
  metrics.gauge('peers', 'Peers with a heartbeat within the last minute.', { read: read.peers })
  metrics.gauge('islands', 'Islands in the last reports of all cells.', { read: read.islands })
  return {
    messages: metrics.counter('bus_messages_total', 'Messages received from the bus, by kind.', ['kind']),
    malformed: metrics.counter('bus_malformed_total', 'Malformed messages that were skipped, by kind.', ['kind']),
    stale: metrics.counter('bus_stale_total', 'Messages of archipelagos that another one has taken over from, by kind.', [
      'kind',
    ]),
    refused: metrics.counter('bus_refused_total', 'Messages ignored because the limit of peers or cells is reached, by kind.', [
      'kind',
    ]),
    expired: metrics.counter('peers_expired_total', 'Peers removed because they fell silent without a disconnect message.'),
    contentFailures: metrics.counter('content_failures_total', 'Requests to the content server that returned no scenes.'),
  }
}
export type StatsMetrics = ReturnType<typeof statsMetrics>

/** The messages that stats subscribe to. */
export type MessageKind = 'heartbeat' | 'disconnect' | 'islands' | 'discovery'
