import type { Counter, Gauge } from 'prom-client'
import type { Metrics } from '../chassis/metrics.ts'

/** What a client of the API server counts. */
export interface KubeMetrics {
  requests: Counter<'verb' | 'status'>
  relists: Counter<'kind'>
  watchRestarts: Counter<'kind'>
  objects: Gauge<'kind'>
  lastEvent: Gauge<'kind'>
}

/** Lists the metrics of everything that talks to the API server; once per process. */
export const kubeMetrics = (metrics: Metrics): KubeMetrics => ({
  requests: metrics.counter('kube_requests_total', 'Requests to the API server by verb and answer; 0 = no answer.', [
    'verb',
    'status',
  ]),
  relists: metrics.counter('kube_relists_total', 'Full lists read from the API server, the first included.', ['kind']),
  watchRestarts: metrics.counter('kube_watch_restarts_total', 'Watches that ended before their time.', ['kind']),
  objects: metrics.gauge('kube_objects', 'Objects held in memory.', { labelNames: ['kind'] }),
  lastEvent: metrics.gauge('kube_last_event_timestamp_seconds', 'When the API server last said anything, bookmarks included.', {
    labelNames: ['kind'],
  }),
})
