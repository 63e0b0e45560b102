import type { Counter, Gauge } from 'prom-client'
import type { Metrics } from '../chassis/metrics.ts'

export interface KubeMetrics {
  requests: Counter<'verb' | 'status'>
  relists: Counter<'kind'>
  watchRestarts: Counter<'kind'>
  objects: Gauge<'kind'>
  lastEvent: Gauge<'kind'>
}

/** Metrics of the clients and reflectors of one process; registered once. */
export const kubeMetrics = (metrics: Metrics): KubeMetrics => ({
  requests: metrics.counter('kube_requests_total', 'Requests to the API server by verb and answer; 0 = no answer.', [
    'verb',
    'status',
  ]),
  relists: metrics.counter('kube_relists_total', 'Full lists read from the API server, the first included.', ['kind']),
  watchRestarts: metrics.counter('kube_watch_restarts_total', 'Watches that ended before the server closed them.', ['kind']),
  objects: metrics.gauge('kube_objects', 'Objects held in memory.', { labelNames: ['kind'] }),
  lastEvent: metrics.gauge('kube_last_event_timestamp_seconds', 'When the API server last sent an event, bookmarks included.', {
    labelNames: ['kind'],
  }),
})
