import type { Readiness } from './health.ts'
import type { App } from './http.ts'
import type { Running } from './lifecycle.ts'

/** One service that was started: its HTTP to be served or mounted, whether it can do its job, and how to end it. */
export interface RunningService extends Running {
  readonly app: App
  readiness(): Readiness
}
