import { json, type Route, route, text } from './http.ts'
import type { HttpResponse } from './http-response.ts'
import type { Metrics } from './metrics.ts'

/** Whether a service can do its work now, and if not, why. */
export type Readiness = { ready: true } | { ready: false; reason: string }

/** The build of a service; empty strings when unknown, as upstream answers. */
export interface Build {
  version: string
  commitHash: string
}

/** Why a process works no longer and has to be restarted; undefined while it works. */
export type Fault = () => string | undefined

/**
 * The routes every service has: `/health/live`, `/health/ready`, `/health/startup`, `/metrics`.
 * Liveness depends on nothing but the process itself: a lost broker must never restart pods. A process whose event loop is stuck gives no
 * answer; `fault` finds what is stuck while the event loop runs.
 */
export const operationalRoutes = (metrics: Metrics, readiness: () => Readiness, fault: Fault = () => undefined): Route[] => [
  route('GET', '/health/live', () => {
    const output = fault()
    return output === undefined ? text('alive') : json(503, { status: 'fail', output })
  }),
  readinessRoute('/health/ready', readiness),
  readinessRoute('/health/startup', readiness),
  route('GET', '/metrics', async () => ({
    status: 200,
    headers: { 'content-type': metrics.registry.contentType },
    body: await metrics.registry.metrics(),
  })),
]

/** Whether a service is ready, for probes: 200 or 503. */
export const readinessRoute = (path: string, readiness: () => Readiness): Route =>
  route('GET', path, () => readinessAnswer(readiness()))

const readinessAnswer = (state: Readiness): HttpResponse =>
  state.ready ? json(200, { status: 'pass' }) : json(503, { status: 'fail', output: state.reason })
