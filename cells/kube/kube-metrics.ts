import type { Counter, Gauge, Histogram } from 'prom-client'
import type { Metrics } from '../chassis/metrics.ts'

export interface KubeMetrics {
  requests: Counter<'verb' | 'status'>
  /** The same under the names of client-go. */
  restRequests: Counter<'code' | 'method' | 'host'>
  restSeconds: Histogram<'verb' | 'host'>
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
  restRequests: metrics
    .wellKnown()
    .counter('rest_client_requests_total', 'Requests to the API server by answer and method; <error> = no answer.', [
      'code',
      'method',
      'host',
    ]),
  restSeconds: metrics
    .wellKnown()
    .histogram(
      'rest_client_request_duration_seconds',
      'Time from a request to the API server to the headers of the answer.',
      [0.005, 0.025, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60],
      ['verb', 'host'],
    ),
  relists: metrics.counter('kube_relists_total', 'Full lists read from the API server, the first included.', ['kind']),
  watchRestarts: metrics.counter('kube_watch_restarts_total', 'Watches that ended before the server closed them.', ['kind']),
  objects: metrics.gauge('kube_objects', 'Objects held in memory.', { labelNames: ['kind'] }),
  lastEvent: metrics.gauge('kube_last_event_timestamp_seconds', 'When the API server last sent an event, bookmarks included.', {
    labelNames: ['kind'],
  }),
})
