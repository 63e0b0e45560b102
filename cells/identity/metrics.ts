import type { Metrics } from '../chassis/metrics.ts'
import type { ChainVerifier } from './verifier.ts'

/** Declares the metrics of a service that checks signatures. */
export function signatureMetrics(metrics: Metrics, verifier: Pick<ChainVerifier, 'pending' | 'library'>): void {
  metrics.gauge('signatures_pending', 'Auth chains waiting to be checked or being checked.', { read: () => verifier.pending })
  const library = metrics.gauge(
    'signature_library',
    '1, with the library that checks signatures: `native`, or `wasm`, which takes about five times as long.',
    { labelNames: ['library'] },
  )
  verifier.library.then((name) => library.set({ library: name }, 1))
}
