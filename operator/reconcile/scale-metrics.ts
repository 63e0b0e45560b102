import type { Counter } from 'prom-client'
import type { Metrics } from '../../cells/chassis/metrics.ts'

/** Counts the numbers of cells and connectors that autoscaling chose. */
export type ScaleMetrics = Counter<'what' | 'reason'>

/** Registers the metric of autoscaling. */
export const scaleMetrics = (metrics: Metrics): ScaleMetrics =>
  metrics.counter('autoscale_changes_total', 'Changes of the number of cells or connectors by autoscaling, by reason.', [
    'what',
    'reason',
  ])
