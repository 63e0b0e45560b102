import type { Counter } from 'prom-client'
import type { Metrics } from '../../../cells/chassis/metrics.ts'

/** Counts the connections by which the operator checks movement relays. */
export type RelayMetrics = Counter<'result'>

/** Registers the metric of these checks. */
export const relayMetrics = (metrics: Metrics): RelayMetrics =>
  metrics.counter('movement_probes_total', 'Connections over UDP with which movement relays were checked, by result.', ['result'])
