import { Refusal } from '../chassis/errors.ts'
import { json, ok, type Route, route } from '../chassis/http.ts'
import { hasRealmToken } from '../identity/realm-token.ts'
import { encodeReportAnswer, parseSessionReport } from '../wire/session-report.ts'
import type { PulseMetrics } from './metrics.ts'
import type { RealmReports } from './realm-reports.ts'

export interface ReportRoutesDeps {
  /** The keys of the realms' tokens; none = every report is refused. */
  keys: () => readonly string[]
  reports: RealmReports
  /** Whether the players are here, and not at another relay. */
  isServing: () => boolean
  metrics: Pick<PulseMetrics, 'reports'>
}

/** `POST /realms/{realm}/sessions`: what a connector reports, and where its silent wallets are. Each realm has a token of its own. */
export const reportRoutes = ({ keys, reports, isServing, metrics }: ReportRoutesDeps): Route[] => [
  route('POST', '/realms/:realm/sessions', async ({ params, headers, body }) => {
    if (!hasRealmToken(headers.authorization, keys(), params.realm)) {
      metrics.reports.inc({ result: 'unauthorized' })
      throw new Refusal('UNAUTHORIZED', 'the token of this realm is needed')
    }
    const report = parseSessionReport(jsonIn(await body()))
    if (!report) {
      metrics.reports.inc({ result: 'malformed' })
      throw new Refusal('INVALID', 'this is no report of sessions')
    }
    if (!isServing()) {
      metrics.reports.inc({ result: 'handedOver' })
      return json(503, { error: 'another relay has the players' }, { connection: 'close' })
    }
    return ok(encodeReportAnswer(reports.take(params.realm, report)))
  }),
]

function jsonIn(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    return undefined
  }
}
