import type { Metrics } from '../chassis/metrics.ts'
import { type ConnectorCloseReason, connectorCloses } from './core/connector-close-reasons.ts'
import type { JoinCounts } from './core/join-tracker.ts'

/** What only the running connector knows. */
export interface ConnectorReadings {
  connections(): number
  players(): number
  waiting(): number
  pendingSignatures(): number
  deniedWallets(): number
  busConnected(): boolean
  joins(): JoinCounts
}

/** What a connector counts. */
export function connectorMetrics(metrics: Metrics, readings: ConnectorReadings) {
  metrics.gauge('connections', 'Open sockets, those still shaking hands included.', { read: readings.connections })
  metrics.gauge('players', 'Players with a session on this connector.', { read: readings.players })
  metrics.gauge('upgrades_waiting', 'Connections waiting for their turn to be let in.', { read: readings.waiting })
  metrics.gauge('signatures_pending', 'Signatures waiting to be checked or being checked.', { read: readings.pendingSignatures })
  metrics.gauge('denied_wallets', 'Wallets on the deny list as last read.', { read: readings.deniedWallets })
  metrics.gauge('bus_connected', '1 while the bus can be reached.', { read: () => Number(readings.busConnected()) })
  metrics.gauge('joins_given', 'Players given an island for the first time in the last ten minutes.', {
    read: () => readings.joins().given,
  })
  metrics.gauge('joins_missed', 'Players who in the last ten minutes waited in vain for an island.', {
    read: () => readings.joins().missed,
  })
  const handshakes = metrics.counter('handshakes_total', 'Handshakes by outcome: welcomed, or why not.', ['outcome'])
  const ended = metrics.counter('sessions_ended_total', 'Sessions of welcomed players by the way they ended.', ['ending'])
  const heartbeats = metrics.counter('heartbeats_total', 'Heartbeats received, by what became of them.', ['outcome'])
  const islands = metrics.counter('island_changes_total', 'Island changes for players of this connector.', ['outcome'])
  const refused = metrics.counter('upgrades_refused_total', 'Connections refused at the door, by the limit reached.', ['limit'])
  return {
    handshakeSeconds: metrics.histogram(
      'handshake_seconds',
      'Time from the upgrade to the welcome.',
      [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
    ),
    welcomed: handshakes.labels('welcomed'),
    handshakeFailed: byEnding((ending) => handshakes.labels(ending)),
    sessionEnded: byEnding((ending) => ended.labels(ending)),
    heartbeat: {
      published: heartbeats.labels('published'),
      /** Above the rate: only the last position of a burst went on. */
      coalesced: heartbeats.labels('coalesced'),
      /** A position that is no place: NaN or infinite. */
      nonsense: heartbeats.labels('nonsense'),
      /** The bus was away. */
      dropped: heartbeats.labels('dropped'),
    },
    island: {
      delivered: islands.labels('delivered'),
      tooSlow: islands.labels('too_slow'),
      /** Said by an archipelago that another one has taken over from. */
      stale: islands.labels('stale'),
    },
    refused: {
      total: refused.labels('total'),
      address: refused.labels('address'),
      stopping: refused.labels('stopping'),
      /** Waited as long as anybody may for a turn. */
      rate: refused.labels('rate'),
    },
    pings: metrics.counter('pings_total', 'Pings sent to sockets that had gone silent.'),
    rollCalls: metrics.counter('roll_calls_total', 'Times an archipelago asked who is here.'),
    announcements: metrics.counter('announcements_total', 'Sessions told to the bus again after it came back.'),
  }
}

/** The counters of one connector. */
export type ConnectorMetrics = ReturnType<typeof connectorMetrics>

const byEnding = <Counter>(counterOf: (ending: ConnectorCloseReason) => Counter): Record<ConnectorCloseReason, Counter> =>
  Object.fromEntries(
    (Object.keys(connectorCloses) as ConnectorCloseReason[]).map((ending) => [ending, counterOf(ending)]),
  ) as Record<ConnectorCloseReason, Counter>
