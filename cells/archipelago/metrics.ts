import type { Metrics } from '../chassis/metrics.ts'
import { ANNOUNCE_CAUSES } from './core/announcements.ts'

/** Read from the running archipelago whenever metrics are scraped. */
export interface ArchipelagoReadings {
  peers(): number
  islands(): number
  due(): number
  away(): number
  dirty(): number
  isActive(): boolean
  /** When the latest known term began, in ms since the epoch. */
  termAt(): number
  busConnected(): boolean
}

export function archipelagoMetrics(metrics: Metrics, readings: ArchipelagoReadings) {
  metrics.gauge('peers', 'Known peers, with or without an island yet.', { read: readings.peers })
  metrics.gauge('islands', 'Islands.', { read: readings.islands })
  metrics.gauge('peers_due', 'Peers that are due an announcement of their room.', { read: readings.due })
  metrics.gauge('peers_away', 'Disconnected peers whose place is kept.', { read: readings.away })
  metrics.gauge('peers_dirty', 'Peers that arrived or moved since the last flush.', { read: readings.dirty })
  metrics.gauge('active', '1 while this archipelago is the active one.', { read: () => Number(readings.isActive()) })
  metrics.gauge('term_start_seconds', 'When the latest known term began, in seconds since the epoch.', {
    read: () => readings.termAt() / 1_000,
  })
  metrics.gauge('bus_connected', '1 while the bus can be reached.', { read: () => Number(readings.busConnected()) })
  const tokensFailed = metrics.counter('tokens_failed_total', 'Tokens of rooms that could not be minted, by reason.', ['reason'])
  const ignored = metrics.counter('messages_ignored_total', 'Messages that were ignored, by reason.', ['reason'])
  return {
    flushSeconds: metrics.histogram(
      'flush_seconds',
      'Duration of one flush: expiry, clustering and report, without tokens.',
      [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5],
    ),
    flushesLate: metrics.counter(
      'flushes_late_total',
      'Flushes that took longer than their period, so that the next one came later.',
    ),
    flushesFailed: metrics.counter('flushes_failed_total', 'Flushes that failed because of a bug.'),
    roomChanges: metrics.frequent('room_changes_total', 'Announcements of rooms to peers, by cause.', 'cause', ANNOUNCE_CAUSES),
    groups: metrics.counter('island_groups_total', 'Messages that announced a room to players of one connector together.'),
    islandChangeSeconds: metrics.histogram(
      'island_change_seconds',
      'Time from the heartbeat with which a peer arrived or moved to the announcement of the room that it got for it.',
      [0.1, 0.25, 0.5, 1, 1.5, 2, 2.5, 3, 5, 10],
    ),
    reconnectSeconds: metrics.histogram(
      'reconnect_seconds',
      'Time from a disconnect of a peer to its next session, if it came back while its place was kept.',
      [0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 30, 60],
    ),
    tokens: metrics.counter('tokens_total', 'Tokens of rooms that were minted.'),
    dirtyPeers: metrics.histogram(
      'flush_dirty_peers',
      'Peers that arrived or moved before a flush.',
      [0, 10, 100, 1_000, 10_000, 100_000],
    ),
    islandsBySize: metrics.gauge('islands_by_size', 'Islands by the number of their peers, up to and including the label.', {
      labelNames: ['peers'],
    }),
    terms: metrics.counter('terms_total', 'Times this archipelago became the active one.'),
    deposed: metrics.counter('deposed_total', 'Times this archipelago ended its term, by reason.', ['reason']),
    rollCalls: metrics.counter('state_syncs_total', 'Sync requests sent to the connectors.'),
    missed: metrics.counter(
      'announcements_missed_total',
      'Announcements that, according to a connector, a peer did not receive.',
    ),
    tokenFailed: {
      error: tokensFailed.labels('error'),
      deadline: tokensFailed.labels('deadline'),
      /** The transport refused the peer. */
      refused: tokensFailed.labels('refused'),
    },
    takenOut: metrics.counter(
      'peers_taken_out_total',
      'Peers taken out of their island because they could not get a token; a later heartbeat tries again.',
    ),
    ignored: {
      /** The subject contains no wallet address. */
      subject: ignored.labels('subject'),
      malformed: ignored.labels('malformed'),
      /** Of a session that is over. */
      stale: ignored.labels('stale'),
      /** A heartbeat without a position. */
      nowhere: ignored.labels('nowhere'),
      /** A new peer beyond the limit. */
      full: ignored.labels('full'),
    },
    expired: metrics.counter('peers_expired_total', 'Peers removed because no message of them arrived in time.'),
    reportParts: metrics.counter('report_parts_total', 'Messages of the reports of all islands.'),
    reports: metrics.counter('reports_total', 'Reports of all islands.'),
  }
}

export type ArchipelagoMetrics = ReturnType<typeof archipelagoMetrics>
