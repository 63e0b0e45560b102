import type { Readiness } from './health.ts'
import type { App } from './http.ts'
import type { Running } from './lifecycle.ts'

/** A service that was started: `app` is its HTTP, to be served on a port or mounted below a path. */
export interface RunningService extends Running {
  readonly app: App
  readiness(): Readiness
}
