import type { Metrics } from '../../../cells/chassis/metrics.ts'

/** Registers how long players wait for what the operator publishes. */
export function publicationMetrics(metrics: Metrics): { served(afterMs: number): void } {
  const seconds = metrics.histogram(
    'publication_seconds',
    'Time from a change of the endpoints of a realm to the first answer of the realm provider that has them.',
    [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60, 300],
  )
  return { served: (afterMs) => seconds.observe(afterMs / 1_000) }
}
