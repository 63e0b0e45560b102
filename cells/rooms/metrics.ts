import type { Metrics } from '../chassis/metrics.ts'

/** Values that are read at each scrape. */
export interface RoomReadings {
  connections(): number
  members(): number
  rooms(): number
  deniedWallets(): number
}

/** Declares the metrics of embedded rooms. */
export function roomMetrics(metrics: Metrics, readings: RoomReadings) {
  metrics.gauge('connections', 'Open sockets, including those in the handshake.', { read: readings.connections })
  metrics.gauge('members', 'Members of all rooms.', { read: readings.members })
  metrics.gauge('rooms', 'Rooms with at least one member.', { read: readings.rooms })
  metrics.gauge('denied_wallets', 'Wallets on the deny list as last read.', { read: readings.deniedWallets })
  const refused = metrics.counter('upgrades_refused_total', 'Upgrades refused, by reason.', ['reason'])
  const relayed = metrics.counter('packets_relayed_total', 'Packets sent to receivers, by kind.', ['kind'])
  const dropped = metrics.counter(
    'packets_dropped_total',
    'Packets that were dropped, by reason: unreliable ones, and with share reliable ones.',
    ['reason'],
  )
  return {
    refused: {
      total: refused.labels('full'),
      address: refused.labels('address'),
      stopping: refused.labels('stopping'),
      /** Waited too long in the upgrade queue. */
      rate: refused.labels('rate'),
    },
    joined: metrics.counter('joins_total', 'Clients welcomed to a room.'),
    ended: metrics.counter('sessions_ended_total', 'Sessions by the way they ended.', ['ending']),
    relayed: { reliable: relayed.labels('reliable'), unreliable: relayed.labels('unreliable') },
    dropped: {
      /** The receiver does not keep up. */
      buffer: dropped.labels('buffer'),
      /** The receiver does not keep up, and the sender has used its share of what may wait for it. */
      share: dropped.labels('share'),
      /** The sender exceeds its rate. */
      rate: dropped.labels('rate'),
    },
    pings: metrics.counter('pings_total', 'Pings sent to silent clients.'),
    admissions: metrics.counter('admissions_total', 'Admissions received from the bus.'),
    staleAdmissions: metrics.counter(
      'admissions_stale_total',
      'Admissions by archipelagos that another one has taken over from.',
    ),
    malformedAdmissions: metrics.counter(
      'admissions_malformed_total',
      'Messages on the bus that could not be decoded as an admission.',
    ),
  }
}

/** The counters of embedded rooms. */
export type RoomMetrics = ReturnType<typeof roomMetrics>
