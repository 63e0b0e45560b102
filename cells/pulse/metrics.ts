import type { Metrics } from '../chassis/metrics.ts'

/** Values that are read at each scrape. */
export interface PulseReadings {
  connections(): number
  players(): number
  /** Since the start. */
  datagrams(): { in: number; out: number }
  undelivered(): number
  missed(): number
  /** Whether one call of the system moves many of them. */
  inBatches(): boolean
  /** What connectors have reported. */
  reported(): { realms: number; sessions: number; bans: number }
}

/** Declares the metrics of the movement relay. */
export function pulseMetrics(metrics: Metrics, readings: PulseReadings) {
  metrics.gauge('connections', 'Connections, including those that have not signed in.', { read: readings.connections })
  metrics.gauge('players', 'Players that have signed in.', { read: readings.players })
  metrics.gauge('datagrams_received', 'UDP datagrams received since the start.', { read: () => readings.datagrams().in })
  metrics.gauge('datagrams_sent', 'UDP datagrams sent since the start.', { read: () => readings.datagrams().out })
  metrics.gauge('datagrams_undelivered', 'UDP datagrams that the system did not take since the start.', {
    read: readings.undelivered,
  })
  metrics.gauge(
    'datagrams_missed',
    'UDP datagrams since the start that found the buffer of the socket full: the relay has too much to do, or the node allows small buffers only (net.core.rmem_max). 0 where datagrams_in_batches is 0.',
    { read: readings.missed },
  )
  metrics.gauge(
    'datagrams_in_batches',
    '1 where one call of the system moves many UDP datagrams, 0 where each takes a call of its own and a core carries fewer players.',
    { read: () => Number(readings.inBatches()) },
  )
  const reported = (name: 'realms' | 'sessions' | 'bans', help: string) =>
    metrics.gauge(`reported_${name}`, help, { read: () => readings.reported()[name] })
  reported('realms', 'Realms whose connectors have reported sessions.')
  reported('sessions', 'Sessions at connectors, as they reported them.')
  reported('bans', 'Wallets that are hidden in a realm because its connectors reported a ban.')
  return {
    reports: metrics.counter('reports_total', 'Reports of connectors by result.', ['result']),
    hidden: metrics.gauge('players_hidden', 'Players that are neither shown to others nor shown any, by reason.', {
      labelNames: ['reason'],
    }),
    signIns: metrics.counter('sign_ins_total', 'Handshakes by result.', ['result']),
    ended: metrics.counter(
      'sessions_ended_total',
      'Connections by the way they ended; `beforeSignIn` are those of monitors, and of clients that left before they were players.',
      ['ending'],
    ),
    handOvers: metrics.counter('hand_overs_total', 'Hand-overs of all players from or to another relay, by role and result.', [
      'role',
      'result',
    ]),
    dropped: metrics.counter('messages_dropped_total', 'Messages of clients that were not passed on, by reason.', ['reason']),
    deltas: metrics.counter('deltas_total', 'Changes of a state that were sent to a client.'),
    tick: metrics.histogram(
      'tick_duration_seconds',
      'Time that one of the 20 rounds per second takes.',
      [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25],
    ),
    level: metrics.gauge(
      'load_level',
      'By how many steps changes are sent less often, since the relay has much to send: 1, as often as clients send states, ten times a second; 2 and 3, less of players far away; 4, less of all.',
    ),
  }
}

/** The counters of the movement relay. */
export type PulseMetrics = ReturnType<typeof pulseMetrics>
