import type { Readiness } from './health.ts'
import type { App } from './http.ts'
import type { Running } from './lifecycle.ts'

/** A service that was started: `app` is its HTTP, to be served on a port or mounted below a path. */
export interface RunningService extends Running {
  readonly app: App
  /** HTTP for a port that is not public, with probes and metrics, where the service has one; `app` then has neither. */
  readonly peerApp?: App | undefined
  readiness(): Readiness
}
