import type { Counter } from 'prom-client'
import type { Metrics } from '../../cells/chassis/metrics.ts'

/** Numbers chosen by the players there are: of what, and why. */
export type ScaleMetrics = Counter<'what' | 'reason'>

/** Lists the metric of autoscaling. */
export const scaleMetrics = (metrics: Metrics): ScaleMetrics =>
  metrics.counter('autoscale_changes_total', 'Numbers of cells or connectors chosen anew by autoscale, by why.', [
    'what',
    'reason',
  ])
