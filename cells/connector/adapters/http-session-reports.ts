import { fetchJson } from '../../chassis/fetch-json.ts'
import { parseReportAnswer, type SessionReports } from '../../wire/session-report.ts'

export interface HttpSessionReportsOptions {
  /** Where the relay takes the reports of this realm: `http://…/realms/main`. Without a slash at the end. */
  url: string
  /** The token of the realm; undefined until it is there. */
  token: () => string | undefined
}

const TIMEOUT_MS = 2_000
/** The longest answer has a thousand positions of 100 bytes. */
const MAX_BYTES = 128 * 1024

/** Reports to a relay over HTTP. */
export const httpSessionReports = ({ url, token }: HttpSessionReportsOptions): SessionReports => ({
  async report(report) {
    const secret = token()
    if (!secret) throw new Error('the token of the realm is not there yet')
    const authorization = `Bearer ${secret}`
    const fetched = await fetchJson(`${url}/sessions`, {
      ...{ timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES, post: report, authorization },
    })
    if (!fetched.ok) throw new Error(fetched.reason)
    if (fetched.status !== 200) throw new Error(`the movement relay answered with status ${fetched.status}`)
    const answer = parseReportAnswer(fetched.body, report.silent)
    if (!answer) throw new Error('the answer of the movement relay cannot be read')
    return answer
  },
})
