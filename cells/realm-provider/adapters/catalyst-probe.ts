import { withoutTrailingSlash } from '../../chassis/base-url.ts'
import type { Clock } from '../../chassis/clock.ts'
import { type FetchResult, fetchJson } from '../../chassis/fetch-json.ts'
import type { OutgoingReach } from '../../chassis/outgoing-http.ts'
import { type CatalystAbout, isSynchronized, readCatalystAbout, readUsersCount } from '../core/catalyst.ts'

/** What a catalyst answered. */
export interface ProbedCatalyst {
  /** Undefined where it does not take users. */
  about: CatalystAbout | undefined
  /** Users that it says to have. */
  users?: number | undefined
  latencyMs: number
  /** Why it is not used. */
  problem: string
}

interface ProbeOptions extends OutgoingReach {
  clock: Clock
  timeoutMs: number
}

/** Real catalysts answer with about 3 KB. */
const MAX_ABOUT_BYTES = 32 * 1024

/** Asks a catalyst for `/about`, and its content and lambdas for their status. Nothing is thrown. */
export async function probeCatalyst(url: string, { clock, ...reach }: ProbeOptions): Promise<ProbedCatalyst> {
  const ask = (address: string) => fetchJson(address, { ...reach, maxBytes: MAX_ABOUT_BYTES, followRedirects: true })
  const askedAt = clock.monotonic()
  const answer = await ask(`${url}/about`)
  const latencyMs = clock.monotonic() - askedAt
  if (!answer.ok) return { about: undefined, latencyMs, problem: answer.reason }
  const about = answer.status >= 200 && answer.status < 300 ? readCatalystAbout(answer.body) : undefined
  if (!about) return { about, latencyMs, problem: `/about answers ${answer.status}` }
  // What /about says of its services may be out of date, or wrong.
  const statuses = [about.content, about.lambdas].map(({ publicUrl }) => `${withoutTrailingSlash(String(publicUrl))}/status`)
  const answers = await Promise.all(statuses.map(async (status) => ({ status, answer: await ask(status) })))
  const failed = answers.find((each) => !isWorking(each.answer))
  if (failed) return { about: undefined, latencyMs, problem: `${failed.status} says that it does not work` }
  return { about, users: readUsersCount(answer.body), latencyMs, problem: '' }
}

/** What a status says of its service; one without a status says nothing. */
function isWorking(answer: FetchResult): boolean {
  if (!answer.ok) return false
  if (answer.status >= 400 && answer.status < 500) return true
  const { synchronizationStatus } = (answer.body ?? {}) as { synchronizationStatus?: { synchronizationState?: unknown } | null }
  return answer.status < 300 && isSynchronized(synchronizationStatus?.synchronizationState)
}
