import type { Metrics } from '../chassis/metrics.ts'

/** What a service that sends requests to LiveKit counts. */
export function livekitMetrics(metrics: Metrics, { isReachable }: { isReachable: () => boolean }) {
  metrics.gauge('livekit_reachable', '1 while LiveKit answers requests to its API, 0 while they are refused without asking.', {
    read: () => Number(isReachable()),
  })
  return { requests: metrics.counter('livekit_requests_total', 'Requests to the API of LiveKit, by outcome.', ['outcome']) }
}

/** See `livekitMetrics`. */
export type LivekitMetrics = ReturnType<typeof livekitMetrics>
