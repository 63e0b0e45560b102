import type { Metrics } from '../chassis/metrics.ts'

/** The metrics of the realm provider. */
export const providerMetrics = (
  metrics: Metrics,
  read: {
    realms: () => number
    healthy: () => number
    clashes: () => number
    leased: () => number
    catalysts: () => { polled: number; healthy: number; slow: number }
    lists: () => { polled: number; unreadable: number }
  },
) => {
  metrics.gauge('realms', 'Realms that are published.', { read: read.realms })
  metrics.gauge('realms_healthy', 'Published realms that take players.', { read: read.healthy })
  metrics.gauge('realms_clashing', 'Realms that are not served because an older one has the same name.', { read: read.clashes })
  metrics.gauge('catalysts', 'Catalysts that are polled.', { read: () => read.catalysts().polled })
  metrics.gauge('catalysts_healthy', 'Polled catalysts that take players.', { read: () => read.catalysts().healthy })
  metrics.gauge('catalysts_slow', 'Healthy catalysts that answer slowly; players get others where there are some.', {
    read: () => read.catalysts().slow,
  })
  metrics.gauge('catalyst_lists', 'Lists of catalysts that are read.', { read: () => read.lists().polled })
  metrics.gauge('catalyst_lists_unreadable', 'Lists of catalysts that cannot be read; what they said last holds.', {
    read: () => read.lists().unreadable,
  })
  metrics.gauge('realms_leased', 'Realms of other clusters that are published here.', { read: read.leased })
  return {
    publications: metrics.counter('publications_total', 'Requests of publishers, by outcome.', ['outcome']),
    catalystFailures: metrics.counter(
      'catalyst_failures_total',
      'Requests to catalysts that failed or found that the catalyst does not take users.',
    ),
    catalystsBeyond: metrics.gauge(
      'catalysts_beyond_limit',
      'Catalysts of realms that are not polled because there are too many.',
    ),
    statsFailures: metrics.counter('stats_failures_total', 'Requests to the stats of realms that failed.'),
    aboutSeconds: metrics.histogram(
      'about_seconds',
      'Time the realm provider took to answer a request for /about, without what the event loop was late.',
      [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.005, 0.025, 0.1, 0.5],
    ),
    built: metrics.counter('answers_built_total', 'Answers to /about that had to be built.'),
    overflows: metrics.counter(
      'answers_overflows_total',
      'Times that all cached answers to /about were dropped because there were too many.',
    ),
  }
}
export type ProviderMetrics = ReturnType<typeof providerMetrics>
