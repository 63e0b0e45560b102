import type { Metrics } from '../chassis/metrics.ts'

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]

/** The metrics of the gatekeeper. */
export const gatekeeperMetrics = (
  metrics: Metrics,
  read: { ready: () => boolean; wallets: () => number; waiting: () => number; denied: () => number },
) => {
  metrics.gauge('ready', 'Whether the gatekeeper can do its job: 1 or 0.', { read: () => Number(read.ready()) })
  metrics.gauge('limited_wallets', 'Wallets whose rate is remembered.', { read: read.wallets })
  metrics.gauge('signatures_waiting', 'Signatures waiting to be checked or under way.', { read: read.waiting })
  metrics.gauge('deny_list_wallets', 'Wallets on the deny list as last read.', { read: read.denied })
  return {
    answers: metrics.counter('scene_answers_total', 'Answers to players asking for a scene room, by outcome.', ['outcome']),
    seconds: metrics.histogram('scene_answer_seconds', 'Time from a request for a scene room to its answer.', SECONDS),
    signed: metrics.counter('signed_requests_total', 'Requests whose signature holds, by format of the signed text.', ['format']),
    unsigned: metrics.counter('unsigned_requests_total', 'Requests that are no valid signed fetch, by cause.', ['cause']),
    banChecksFailed: metrics.counter(
      'ban_checks_failed_total',
      'Ban look-ups without an answer; the player counted as not banned.',
    ),
    connectionsLost: metrics.counter('connection_records_lost_total', 'Records of where a player was seen that were not kept.'),
  }
}
export type GatekeeperMetrics = ReturnType<typeof gatekeeperMetrics>
