import type { Metrics } from '../chassis/metrics.ts'

/** What only the running archipelago knows. */
export interface Readings {
  peers(): number
  islands(): number
  due(): number
  busConnected(): boolean
}

/** What an archipelago counts. */
export function archipelagoMetrics(metrics: Metrics, readings: Readings) {
  metrics.gauge('peers', 'Peers known, placed on an island or about to be.', { read: readings.peers })
  metrics.gauge('islands', 'Islands there are.', { read: readings.islands })
  metrics.gauge('peers_due', 'Peers that are still to be told their room.', { read: readings.due })
  metrics.gauge('bus_connected', '1 while the bus can be reached.', { read: () => Number(readings.busConnected()) })
  const tokensFailed = metrics.counter('tokens_failed_total', 'Rooms that could not be opened to a peer, by reason.', ['reason'])
  const ignored = metrics.counter('messages_ignored_total', 'Messages that said nothing usable, by reason.', ['reason'])
  return {
    flushSeconds: metrics.histogram(
      'flush_seconds',
      'Time of one flush: expiry, clustering and report, without tokens.',
      [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    ),
    flushesFailed: metrics.counter('flushes_failed_total', 'Flushes that ended on a bug.'),
    roomChanges: metrics.counter('room_changes_total', 'Peers told their room, by cause.', ['cause']),
    tokenFailed: { error: tokensFailed.labels('error'), deadline: tokensFailed.labels('deadline') },
    ignored: {
      /** The subject names no wallet. */
      subject: ignored.labels('subject'),
      malformed: ignored.labels('malformed'),
      /** A heartbeat that says no position. */
      nowhere: ignored.labels('nowhere'),
      /** As many peers are known as may be. */
      full: ignored.labels('full'),
    },
    expired: metrics.counter('peers_expired_total', 'Peers removed because nothing was heard of them.'),
    reports: metrics.counter('reports_total', 'Reports of all islands, by how much of them fitted.', ['form']),
  }
}

/** The counters of one archipelago. */
export type ArchipelagoMetrics = ReturnType<typeof archipelagoMetrics>
