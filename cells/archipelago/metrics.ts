import type { Metrics } from '../chassis/metrics.ts'

/** What only the running archipelago knows. */
export interface ArchipelagoReadings {
  peers(): number
  islands(): number
  due(): number
  away(): number
  dirty(): number
  isActive(): boolean
  /** When the latest term that was heard of began, in ms since the epoch. */
  termAt(): number
  busConnected(): boolean
}

/** What an archipelago counts. */
export function archipelagoMetrics(metrics: Metrics, readings: ArchipelagoReadings) {
  metrics.gauge('peers', 'Peers known, placed on an island or about to be.', { read: readings.peers })
  metrics.gauge('islands', 'Islands there are.', { read: readings.islands })
  metrics.gauge('peers_due', 'Peers that are still to be told their room.', { read: readings.due })
  metrics.gauge('peers_away', 'Peers whose line broke and whose place is kept.', { read: readings.away })
  metrics.gauge('peers_dirty', 'Peers that stirred since the last flush.', { read: readings.dirty })
  metrics.gauge('active', '1 while this archipelago is the one that speaks.', { read: () => Number(readings.isActive()) })
  metrics.gauge('term_start_seconds', 'When the latest term that was heard of began, in seconds since the epoch.', {
    read: () => readings.termAt() / 1_000,
  })
  metrics.gauge('bus_connected', '1 while the bus can be reached.', { read: () => Number(readings.busConnected()) })
  const tokensFailed = metrics.counter('tokens_failed_total', 'Rooms that could not be opened to a peer, by reason.', ['reason'])
  const ignored = metrics.counter('messages_ignored_total', 'Messages that said nothing usable, by reason.', ['reason'])
  return {
    flushSeconds: metrics.histogram(
      'flush_seconds',
      'Time of one flush: expiry, clustering and report, without tokens.',
      [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    ),
    flushesLate: metrics.counter(
      'flushes_late_total',
      'Flushes that took longer than their period, so that the next one came later.',
    ),
    flushesFailed: metrics.counter('flushes_failed_total', 'Flushes that ended on a bug.'),
    roomChanges: metrics.counter('room_changes_total', 'Peers told their room, by cause.', ['cause']),
    tokens: metrics.counter('tokens_total', 'Rooms that were opened to peers.'),
    dirtyPeers: metrics.histogram(
      'flush_dirty_peers',
      'Peers that stirred before a flush.',
      [0, 10, 100, 1_000, 10_000, 100_000],
    ),
    islandsBySize: metrics.gauge('islands_by_size', 'Islands by the number of their peers, up to and including.', {
      labelNames: ['peers'],
    }),
    terms: metrics.counter('terms_total', 'Times this archipelago became the active one.'),
    deposed: metrics.counter('deposed_total', 'Times this archipelago ended its term, by reason.', ['reason']),
    rollCalls: metrics.counter('roll_calls_total', 'Times the connectors were asked who is here.'),
    missed: metrics.counter('tellings_missed_total', 'Players who, as their connector says, did not hear their room.'),
    tokenFailed: { error: tokensFailed.labels('error'), deadline: tokensFailed.labels('deadline') },
    ignored: {
      /** The subject names no wallet. */
      subject: ignored.labels('subject'),
      malformed: ignored.labels('malformed'),
      /** Of a session that is over. */
      stale: ignored.labels('stale'),
      /** A heartbeat that says no position. */
      nowhere: ignored.labels('nowhere'),
      /** As many peers are known as may be. */
      full: ignored.labels('full'),
    },
    expired: metrics.counter('peers_expired_total', 'Peers removed because nothing was heard of them.'),
    reportParts: metrics.counter('report_parts_total', 'Messages it took to report all islands.'),
    reports: metrics.counter('reports_total', 'Reports of all islands.'),
  }
}

/** The counters of one archipelago. */
export type ArchipelagoMetrics = ReturnType<typeof archipelagoMetrics>
