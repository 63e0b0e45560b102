import type { Metrics } from '../chassis/metrics.ts'

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/** The metrics of the gatekeeper. */
export const gatekeeperMetrics = (
  metrics: Metrics,
  read: {
    ready: () => boolean
    wallets: () => number
    denied: () => number
    bans: () => number
    banAgeSeconds: () => number
    worlds: () => number
  },
) => {
  metrics.gauge('ready', 'Whether the gatekeeper is ready: 1 or 0.', { read: () => Number(read.ready()) })
  metrics.gauge('limited_wallets', 'Wallets whose request rate is kept in memory.', { read: read.wallets })
  metrics.gauge('deny_list_wallets', 'Wallets on the deny list when it was last read.', { read: read.denied })
  metrics.gauge('bans', 'Bans that are not lifted, when they were last read.', { read: read.bans })
  metrics.gauge('bans_age_seconds', 'Seconds since the bans were last read.', { read: read.banAgeSeconds })
  metrics.gauge('worlds', 'Worlds that the gatekeeper serves.', { read: read.worlds })
  return {
    answers: metrics.counter('scene_answers_total', 'Answers to requests for a scene room, by outcome.', ['outcome']),
    worldAnswers: metrics.counter('world_answers_total', 'Answers to requests for a room of a world, by outcome.', ['outcome']),
    seconds: metrics.histogram('scene_answer_seconds', 'Time from a request for a scene room to its answer.', SECONDS),
    signed: metrics.counter('signed_requests_total', 'Requests with a valid signature, by format of the signed text.', [
      'format',
    ]),
    unsigned: metrics.counter('unsigned_requests_total', 'Requests that are not a valid signed fetch, by cause.', ['cause']),
    banReadsFailed: metrics.counter(
      'ban_reads_failed_total',
      'Attempts to read the bans that failed; the bans read before stay in force.',
    ),
    sceneBanReadsFailed: metrics.counter(
      'scene_ban_reads_failed_total',
      'Attempts to read the bans of scenes that failed; those read before stay in force.',
    ),
    banQueriesLimited: metrics.counter('ban_queries_limited_total', 'Queries for bans that exceeded the limit of their address.'),
    expelled: metrics.counter(
      'expelled_total',
      'Players who were removed from a room because they may not be in it, by the kind of the room.',
      ['room'],
    ),
    roomSweepsFailed: metrics.counter('room_sweeps_failed_total', 'Looks at all rooms of LiveKit that failed.'),
    voiceSweeps: metrics.counter('voice_sweeps_total', 'Looks at all voice chats, by outcome: done or failed.', ['outcome']),
    webhooks: metrics.counter('livekit_webhooks_total', 'Webhooks of LiveKit that arrived, by event.', ['event']),
    connectionsLost: metrics.counter(
      'connection_records_lost_total',
      'Records of the address and device of a player that could not be written.',
    ),
  }
}
export type GatekeeperMetrics = ReturnType<typeof gatekeeperMetrics>
