import type { Metrics } from '../chassis/metrics.ts'
import { type ConnectorCloseReason, connectorCloses } from './core/connector-close-reasons.ts'
import type { RecentJoins } from './core/join-tracker.ts'

/** Values that are read at each scrape. */
export interface ConnectorReadings {
  connections(): number
  maxConnections(): number
  players(): number
  silentPlayers(): number
  waitingUpgrades(): number
  deniedWallets(): number
  busConnected(): boolean
  joins(): RecentJoins
}

/** Declares the metrics of a connector. */
export function connectorMetrics(metrics: Metrics, readings: ConnectorReadings) {
  metrics.gauge('connections', 'Open sockets, including those in the handshake.', { read: readings.connections })
  metrics.gauge('connections_max', 'Open sockets at most; further ones are refused.', { read: readings.maxConnections })
  metrics.gauge('players', 'Players with a session on this connector.', { read: readings.players })
  metrics.gauge('players_silent', 'Players whose client sends no positions; the movement relay is asked for them.', {
    read: readings.silentPlayers,
  })
  metrics.gauge('upgrades_waiting', 'Upgrades waiting in the queue.', { read: readings.waitingUpgrades })
  metrics.gauge('denied_wallets', 'Wallets on the deny list as last read.', { read: readings.deniedWallets })
  metrics.gauge('bus_connected', '1 while the bus can be reached.', { read: () => Number(readings.busConnected()) })
  metrics.gauge('joins_given', 'Players given an island for the first time in the last ten minutes.', {
    read: () => readings.joins().given,
  })
  metrics.gauge('joins_missed', 'Players who in the last ten minutes waited too long for an island.', {
    read: () => readings.joins().missed,
  })
  const handshakes = metrics.counter('handshakes_total', 'Handshakes by outcome: welcomed, or the reason for their end.', [
    'outcome',
  ])
  const ended = metrics.counter('sessions_ended_total', 'Sessions of welcomed players by the way they ended.', ['ending'])
  const outcomes = ['published', 'coalesced', 'nonsense', 'dropped', 'relayed'] as const
  const heartbeats = metrics.frequent('heartbeats_total', 'Heartbeats received, by outcome.', 'outcome', outcomes)
  const islands = metrics.counter('island_changes_total', 'Island changes for players of this connector.', ['outcome'])
  const reports = metrics.counter('session_reports_total', 'Reports of sessions to the movement relay, by outcome.', ['outcome'])
  const joins = metrics.counter('joins_total', 'Players who waited for their first island, by outcome.', ['outcome'])
  const joinSeconds = metrics.histogram(
    'join_seconds',
    'Time from the first heartbeat of a player to the change of island that answers it.',
    [0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20],
  )
  for (const outcome of ['given', 'missed']) joins.inc({ outcome }, 0)
  const refused = metrics.counter('upgrades_refused_total', 'Upgrades refused, by the limit reached.', ['limit'])
  return {
    handshakeSeconds: metrics.histogram(
      'handshake_seconds',
      'Time from the upgrade to the welcome.',
      [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    ),
    /** A player got an island; `waitedMs` for the first one only. */
    joined(waitedMs: number | undefined) {
      if (waitedMs === undefined) return
      joins.inc({ outcome: 'given' })
      joinSeconds.observe(waitedMs / 1000)
    },
    joinMissed: () => joins.inc({ outcome: 'missed' }),
    welcomed: handshakes.labels('welcomed'),
    handshakeFailed: byReason((reason) => handshakes.labels(reason)),
    sessionEnded: byReason((reason) => ended.labels(reason)),
    heartbeat: {
      published: heartbeats.published,
      /** Above the rate: only the last position of a burst is published. */
      coalesced: heartbeats.coalesced,
      /** A position that is NaN or infinite. */
      invalid: heartbeats.nonsense,
      /** The bus was disconnected. */
      dropped: heartbeats.dropped,
      /** Published in place of a client that sends none, with its position from the movement relay. */
      relayed: heartbeats.relayed,
    },
    island: {
      delivered: islands.labels('delivered'),
      tooSlow: islands.labels('too_slow'),
      /** From an archipelago that another one has taken over from. */
      stale: islands.labels('stale'),
      /** A message for several players that could not be read. */
      malformed: islands.labels('malformed'),
    },
    refused: {
      total: refused.labels('total'),
      address: refused.labels('address'),
      stopping: refused.labels('stopping'),
      /** Waited too long in the upgrade queue. */
      rate: refused.labels('rate'),
    },
    reports: { ok: reports.labels('ok'), failed: reports.labels('failed') },
    pings: metrics.counter('pings_total', 'Pings sent to silent clients.'),
    stateSyncs: metrics.counter('state_syncs_total', 'State syncs requested by archipelagos.'),
    announcements: metrics.counter('announcements_total', 'Sessions published again after the bus came back.'),
  }
}

/** The counters of one connector. */
export type ConnectorMetrics = ReturnType<typeof connectorMetrics>

const byReason = <Counter>(counterOf: (reason: ConnectorCloseReason) => Counter): Record<ConnectorCloseReason, Counter> =>
  Object.fromEntries(
    (Object.keys(connectorCloses) as ConnectorCloseReason[]).map((reason) => [reason, counterOf(reason)]),
  ) as Record<ConnectorCloseReason, Counter>
