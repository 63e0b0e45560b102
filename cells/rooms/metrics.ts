import type { Metrics } from '../chassis/metrics.ts'

/** What only the running rooms know. */
export interface RoomReadings {
  connections(): number
  members(): number
  rooms(): number
}

/** What embedded rooms count. */
export function roomMetrics(metrics: Metrics, readings: RoomReadings) {
  metrics.gauge('connections', 'Open sockets, those still shaking hands included.', { read: readings.connections })
  metrics.gauge('members', 'Members of all rooms.', { read: readings.members })
  metrics.gauge('rooms', 'Rooms with somebody in them.', { read: readings.rooms })
  const refused = metrics.counter('upgrades_refused_total', 'Connections refused at the door, by reason.', ['reason'])
  const relayed = metrics.counter('packets_relayed_total', 'Packets handed to receivers, by kind.', ['kind'])
  const dropped = metrics.counter('packets_dropped_total', 'Unreliable packets that were not passed on, by reason.', ['reason'])
  return {
    refused: { full: refused.labels('full'), stopping: refused.labels('stopping') },
    joined: metrics.counter('joins_total', 'Clients welcomed to a room.'),
    ended: metrics.counter('sessions_ended_total', 'Sessions by the way they ended.', ['ending']),
    relayed: { reliable: relayed.labels('reliable'), unreliable: relayed.labels('unreliable') },
    dropped: {
      /** The receiver does not keep up. */
      buffer: dropped.labels('buffer'),
      /** The sender says too much. */
      rate: dropped.labels('rate'),
    },
    pings: metrics.counter('pings_total', 'Pings sent to clients that had gone silent.'),
    admissions: metrics.counter('admissions_total', 'Admissions heard on the bus.'),
    staleAdmissions: metrics.counter('admissions_stale_total', 'Admissions by archipelagos that others have taken over from.'),
    malformedAdmissions: metrics.counter('admissions_malformed_total', 'Messages on the bus that were no admission.'),
  }
}

/** The counters of embedded rooms. */
export type RoomMetrics = ReturnType<typeof roomMetrics>
